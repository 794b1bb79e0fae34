/*
 * The queue: choosing alerts, and looking at one without leaving the list. It works without, by ticks and links.
 */

const form = document.getElementById("bulk");
const table = document.querySelector("[data-rows]");
let last = null;

function boxes() {
  return [...document.querySelectorAll(".choose")];
}

function rowOf(element) {
  return element?.closest?.("[data-rows] tbody tr");
}

/* Choosing */

function tell() {
  const chosen = boxes().filter((box) => box.checked).length;
  const words = form?.querySelector("[data-chosen]");
  if (words) words.textContent = `${chosen} chosen`;
  if (form) form.hidden = chosen === 0 && !form.hasAttribute("data-all");
}

function choose(box, range) {
  const all = boxes();
  const from = all.indexOf(last);
  const to = all.indexOf(box);
  if (range && from >= 0) {
    for (const one of all.slice(Math.min(from, to), Math.max(from, to) + 1)) one.checked = box.checked;
  }
  last = box;
  tell();
}

table?.addEventListener("click", (event) => {
  if (event.target.matches(".choose")) choose(event.target, event.shiftKey);
});

/* Looking */

async function look(link) {
  const pane = document.getElementById("preview");
  const address = `${link.pathname}preview/`;
  if (!pane.hidden && pane.dataset.of === address) {
    pane.hidden = true;
    return;
  }
  const answer = await fetch(address, { headers: { "HX-Request": "true" } });
  pane.innerHTML = answer.ok ? await answer.text() : "The alert could not be read. Reload the page.";
  pane.dataset.of = address;
  pane.hidden = false;
}

/* Keys: before those of all pages, whose letters decide on what is chosen; with nothing chosen, on the row that has the focus */

document.addEventListener("keydown", (event) => {
  const target = event.target;
  const isTyping = target instanceof HTMLElement && target.matches("input:not([type=checkbox]), textarea, select");
  if (!table || isTyping || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const row = rowOf(document.activeElement);
  const box = row?.querySelector(".choose");
  if (event.key.toLowerCase() === "x" && box) {
    box.checked = !box.checked;
    choose(box, event.shiftKey);
  } else if (event.key === "x" && row?.querySelector("[data-chooses]")) {
    row.querySelector("[data-chooses]").click();
  } else if (event.key === " " && row?.querySelector("[data-preview]") && !target.matches(".choose")) {
    look(row.querySelector("[data-preview]"));
  } else if (event.key === "Escape") {
    document.getElementById("preview")?.setAttribute("hidden", "");
    for (const one of boxes()) one.checked = false;
    tell();
    return;
  } else {
    if (box && "aAezf".includes(event.key) && !boxes().some((one) => one.checked)) box.checked = true;
    return;
  }
  event.preventDefault();
}, { capture: true });

tell();
