/*
 * Every value is a door. Hover, focus or tap of what carries data-field and data-value gives: filter in, filter out, copy, open its page.
 * The keyboard goes in by arrow down, so that Tab still leads from value to value. data-words is what people call the value, where that
 * is something else. A value of a whole event (data-fields) gives itself and its path to copy. Without this module a value is a link, or
 * plain text.
 */

const HOVER_MS = 350;
const LEAVE_MS = 250;
const GAP = 4;

const queue = document.querySelector("form.search")?.action ?? "/";
const isQueue = location.pathname === new URL(queue, location).pathname;
const panel = document.createElement("span");
let door = null;
let timer = 0;
let pointer = "";

panel.className = "door";
panel.popover = "manual";
panel.setAttribute("role", "menu");

function filtered(change) {
  const query = new URLSearchParams(isQueue ? location.search : "tab=all");
  for (const name of ["before", "after", "all"]) query.delete(name);
  change(query);
  return `${queue.split("?")[0]}?${query}`;
}

function item(kind, words) {
  const made = document.createElement(kind);
  made.textContent = words;
  made.tabIndex = -1;
  made.setAttribute("role", "menuitem");
  return made;
}

function link(words, href) {
  const made = item("a", words);
  made.href = href;
  return made;
}

function copier(words, text) {
  const made = item("button", words);
  made.type = "button";
  made.setAttribute("aria-live", "polite");
  made.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      made.textContent = "Copied";
    } catch {
      made.textContent = "The browser did not allow it";
    }
  });
  return made;
}

function filters(value) {
  const { field, value: text, words = text } = value.dataset;
  const page = (value.matches("a[href]") ? value : value.querySelector("a[href]"))?.href;
  const where = isQueue ? "" : " in the queue";
  const actions = [
    link(`Only this ${field}${where}`, filtered((query) => query.set(field, text))),
    link(`Without this ${field}${where}`, filtered((query) => query.append("not", `${field}:${text}`))),
    copier("Copy", words),
  ];
  if (page) actions.push(link("Open its page", page));
  return { words, actions };
}

function copies(value) {
  const path = value.previousElementSibling.textContent;
  return { words: path, actions: [copier("Copy value", value.textContent), copier("Copy path", path)] };
}

function place() {
  const value = door.getBoundingClientRect();
  const { width, height } = panel.getBoundingClientRect();
  const below = value.bottom + GAP + height <= innerHeight;
  panel.style.left = `${Math.max(GAP, Math.min(value.left, innerWidth - width - GAP))}px`;
  panel.style.top = `${below ? value.bottom + GAP : Math.max(GAP, value.top - GAP - height)}px`;
}

function open(value) {
  clearTimeout(timer);
  if (door === value || !panel.showPopover) return;
  close();
  door = value;
  const { words, actions } = value.matches("[data-field]") ? filters(value) : copies(value);
  const name = document.createElement("b");
  name.textContent = words;
  name.ariaHidden = "true";
  panel.setAttribute("aria-label", `What to do with ${words}`);
  panel.replaceChildren(name, ...actions);
  (document.getElementById("main") ?? document.body).append(panel);
  panel.showPopover();
  place();
}

function close() {
  clearTimeout(timer);
  if (panel.isConnected) panel.hidePopover();
  panel.remove();
  door = null;
}

function valueOf(target) {
  return target instanceof Element ? target.closest("[data-field][data-value], [data-fields] > dd") : null;
}

function isInside(target) {
  return target instanceof Node && panel.contains(target);
}

document.addEventListener("pointerover", (event) => {
  if (event.pointerType === "touch") return;
  const value = valueOf(event.target);
  clearTimeout(timer);
  if (value && value !== door) timer = setTimeout(() => open(value), HOVER_MS);
  else if (!value && door && !isInside(event.target) && !isInside(document.activeElement)) timer = setTimeout(close, LEAVE_MS);
});

document.addEventListener("focusin", (event) => {
  const value = valueOf(event.target);
  if (value && event.target.matches(":focus-visible") && pointer !== "touch") open(value);
  else if (!value && !isInside(event.target)) close();
});

/* A finger cannot hover: its first tap opens the door, and leaves the way to the page to the door */
document.addEventListener("pointerdown", (event) => {
  pointer = event.pointerType;
  if (door && !isInside(event.target) && valueOf(event.target) !== door) close();
}, { capture: true });

document.addEventListener("click", (event) => {
  const value = valueOf(event.target);
  if (!value || pointer !== "touch" || value === door) return;
  event.preventDefault();
  open(value);
});

function step(key) {
  const items = [...panel.querySelectorAll("[role=menuitem]")];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? items.length - 1 : at - 1, Home: 0, End: items.length - 1 }[key];
  items[(to + items.length) % items.length].focus();
}

/* Before the keys of all pages, which take Escape for what they have open */
document.addEventListener("keydown", (event) => {
  pointer = "";
  if (!door) return;
  const within = isInside(document.activeElement);
  if (event.key === "Escape" || (event.key === "Tab" && within)) {
    const value = door;
    if (within) (value.matches("a, [tabindex]") ? value : value.querySelector("a"))?.focus();
    close();
    if (event.key === "Tab") return;
  } else if (["ArrowDown", "ArrowUp"].includes(event.key) || (within && ["Home", "End"].includes(event.key))) step(event.key);
  else return;
  event.preventDefault();
  event.stopPropagation();
}, { capture: true });

/* A focus that scrolled the page keeps its door; a hover that lost its value does not */
addEventListener("scroll", () => {
  if (!door) return;
  if (door.contains(document.activeElement) || isInside(document.activeElement)) place();
  else close();
}, { passive: true, capture: true });
