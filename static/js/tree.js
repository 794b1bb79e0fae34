/*
 * Searches whole events: shows the fields whose path or value holds the words, and opens what holds them; each value can be reached and
 * copied (doors.js). Without it, all can be opened and selected.
 */

for (const value of document.querySelectorAll("[data-fields] > dd")) value.tabIndex = 0;

for (const box of document.querySelectorAll("[data-searches]")) {
  const tree = document.getElementById(box.dataset.searches);
  const status = document.getElementById(box.getAttribute("aria-describedby"));
  const names = [...tree.querySelectorAll("dt")];

  box.addEventListener("input", () => {
    const words = box.value.trim().toLowerCase();
    let found = 0;
    for (const name of names) {
      const value = name.nextElementSibling;
      const holds = !words || `${name.textContent} ${value.textContent}`.toLowerCase().includes(words);
      name.hidden = value.hidden = !holds;
      if (holds) found += 1;
    }
    for (const part of tree.querySelectorAll("details")) {
      const holds = part.querySelector("dt:not([hidden])") !== null;
      part.hidden = !holds;
      part.open = Boolean(words) && holds;
    }
    status.textContent = !words ? "" : found ? `${found} field${found === 1 ? "" : "s"}` : `No field and no value holds “${box.value.trim()}”.`;
  });
}
