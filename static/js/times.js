/*
 * Times are drawn by the server in the zone that a cookie names: at first the browser's own, by the button (or U) UTC, and back.
 * Without this module they stand in the server's zone.
 */

const YEAR_SECONDS = 31_536_000;
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
const button = document.querySelector("[data-zone]");

function keep(zone) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `zone=${zone}; path=/; max-age=${YEAR_SECONDS}; samesite=lax${secure}`;
}

if (own && !/(^|; )zone=/.test(document.cookie)) keep(own);

if (button) {
  const other = button.dataset.zone === "UTC" ? own : "UTC";
  button.hidden = !other || other === button.dataset.zone;
  button.querySelector("[data-zone-to]").textContent = other;
  button.addEventListener("click", () => {
    keep(other);
    location.reload();
  });
}
