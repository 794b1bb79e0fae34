/*
 * The command palette: one field over alerts, entities, monitors and pages, which the server finds, and over the actions of this page,
 * which are its own buttons and links. The field keeps the focus; the chosen option is told by aria-activedescendant.
 */

const ACTIONS = [".decide button, .decide a", ".walk a", "#bulk:not([hidden]) button"];

const dialog = document.getElementById("palette");
const input = dialog?.querySelector("input");

function options() {
  return [...dialog.querySelectorAll("[role=option]")];
}

function choose(option) {
  for (const one of options()) one.setAttribute("aria-selected", String(one === option));
  if (option) input.setAttribute("aria-activedescendant", option.id);
  else input.removeAttribute("aria-activedescendant");
  option?.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const all = options();
  if (all.length === 0) return;
  const at = all.findIndex((one) => one.ariaSelected === "true");
  choose(all[(at + by + all.length) % all.length]);
}

/* Actions of this page */

function wordsOf(control) {
  if (control.dataset.says) return control.dataset.says;
  const copy = control.cloneNode(true);
  for (const key of copy.querySelectorAll("kbd, .visually-hidden")) key.remove();
  return copy.textContent.trim().replace(/…$/, "");
}

function optionOf(control, words, number) {
  const option = document.createElement("button");
  Object.assign(option, { type: "button", tabIndex: -1, id: `palette-0-${number}`, textContent: words });
  option.setAttribute("role", "option");
  if (control.dataset.key) {
    const key = document.createElement("kbd");
    key.textContent = control.dataset.key;
    option.append(key);
  }
  option.addEventListener("click", () => {
    dialog.close();
    control.click();
  });
  return option;
}

function offerActions() {
  const list = document.getElementById("palette-found");
  const typed = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const actions = ACTIONS.flatMap((where) => [...document.querySelectorAll(where)])
    .filter((control) => control.checkVisibility())
    .map((control) => [control, wordsOf(control)])
    .filter(([, words]) => typed.every((word) => words.toLowerCase().includes(word)));
  if (list.querySelector(".actions-here") || actions.length === 0) return;
  const group = document.createElement("div");
  group.className = "actions-here";
  group.setAttribute("role", "group");
  group.setAttribute("aria-labelledby", "palette-0");
  const title = document.createElement("div");
  Object.assign(title, { id: "palette-0", className: "quiet", textContent: "On this page" });
  title.setAttribute("role", "presentation");
  group.append(title, ...actions.map(([control, words], number) => optionOf(control, words, number)));
  list.querySelector("[data-nothing]")?.remove();
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Found");
  list.prepend(group);
}

function tell() {
  const found = options().length;
  input.setAttribute("aria-expanded", String(found > 0));
  dialog.querySelector("[role=status]").textContent = found === 0 ? "Nothing found" : `${found} found`;
}

/* Opening, typing, going */

function open() {
  if (dialog.open) return;
  dialog.showModal();
  input.select();
  input.dispatchEvent(new Event("palette:open", { bubbles: true }));
}

document.addEventListener("keydown", (event) => {
  if (!dialog || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.key.toLowerCase() !== "k") return;
  event.preventDefault();
  if (dialog.open) dialog.close();
  else if (!document.querySelector("dialog[open]")) open();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-opens-palette]")) open();
  else if (event.target === dialog) dialog.close();
});

input?.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") step(event.key === "ArrowDown" ? 1 : -1);
  else if (event.key === "Enter") dialog.querySelector("[role=option][aria-selected=true]")?.click();
  else return;
  event.preventDefault();
});

dialog?.addEventListener("htmx:afterSettle", () => {
  offerActions();
  choose(options()[0]);
  tell();
});

dialog?.addEventListener("mousemove", (event) => {
  const option = event.target.closest("[role=option]");
  if (option && option.ariaSelected !== "true") choose(option);
});
