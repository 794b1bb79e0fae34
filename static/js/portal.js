/*
 * What the pages do beyond links and forms: keys, dialogs, filters that submit themselves, times that stay true.
 * Every page works without it.
 */

/* Keys */

function isTyping(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input:not([type=radio]), textarea, select"));
}

function move(step) {
  const neighbour = document.querySelector(`[data-step="${step}"]`);
  if (neighbour) {
    neighbour.click();
    return;
  }
  const links = [...document.querySelectorAll("[data-rows] .what")];
  const current = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
  const next = links[current < 0 ? (step > 0 ? 0 : links.length - 1) : current + step];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function pick(number) {
  const choice = document.querySelectorAll("dialog[open] [data-choice]")[number - 1];
  if (choice) choice.click();
  else pickReason(number);
}

function pickReason(number) {
  const radio = document.querySelectorAll("dialog[open] input[name=reason]")[number - 1];
  if (!radio) return;
  radio.checked = true;
  const note = radio.form.elements.namedItem("note");
  if (radio.value === "other" || radio.value === "change") note.focus();
  else radio.form.requestSubmit();
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && !isTyping(event.target)) {
    document.querySelector("form[data-until]:not([hidden])")?.requestSubmit();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (isTyping(event.target)) {
    if (event.key === "Escape" && event.target.matches(".search input")) event.target.blur();
    return;
  }
  if (document.querySelector("dialog[open]")) {
    if (/^[1-9]$/.test(event.key)) pick(Number(event.key));
    return;
  }
  if (event.key === "?") open("keys");
  else if (event.key === "j" || event.key === "k") move(event.key === "j" ? 1 : -1);
  else {
    const control = event.key.length === 1 && document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!control) return;
    if (control.matches("input, textarea")) control.focus();
    else control.click();
  }
  event.preventDefault();
});

/* Dialogs */

function open(id) {
  document.getElementById(id)?.showModal();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener && document.getElementById(opener.dataset.opens)) {
    event.preventDefault();
    open(opener.dataset.opens);
  }
  const closer = event.target.closest("[data-closes-as]");
  const dialog = document.querySelector("dialog[data-closing]");
  if (closer && dialog) {
    event.preventDefault();
    for (const radio of dialog.querySelectorAll("input[name=verdict]")) radio.checked = radio.value === closer.dataset.closesAs;
    dialog.showModal();
    dialog.querySelector(closer.dataset.closesAs ? "input[name=reason]" : "input[name=verdict]").focus();
  }
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

/* Filters that submit themselves; empty ones leave the address */

document.addEventListener("change", (event) => {
  event.target.closest("form[data-submits-itself]")?.requestSubmit();
});
document.addEventListener("submit", (event) => {
  if (event.target.method !== "get") return;
  for (const field of event.target.querySelectorAll("select, input")) if (!field.value) field.disabled = true;
});
window.addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("form[method=get] :disabled, form[data-submits-itself] :disabled, .search :disabled")) field.disabled = false;
});

/* Undo is offered for as long as it works */

function hideOnceLate(part) {
  for (const offer of part.querySelectorAll("form[data-until]")) {
    setTimeout(() => { offer.hidden = true; }, Math.max(0, Date.parse(offer.dataset.until) - Date.now()));
  }
}

hideOnceLate(document);
document.addEventListener("htmx:afterSettle", (event) => hideOnceLate(event.target));

/* What is half-written survives a reload; what was sent and taken does not */

for (const form of document.querySelectorAll("form[data-keeps]")) {
  const key = form.dataset.keeps;
  const text = form.elements.namedItem("text");
  const draft = JSON.parse(localStorage.getItem(key) ?? "null");
  if (draft?.sent && !document.querySelector(".message.error")) localStorage.removeItem(key);
  else if (draft) text.value = draft.text;
  text.addEventListener("input", () => {
    if (text.value) localStorage.setItem(key, JSON.stringify({ text: text.value }));
    else localStorage.removeItem(key);
  });
  form.addEventListener("submit", () => localStorage.setItem(key, JSON.stringify({ text: text.value, sent: true })));
}

/* Nothing is asked for behind the reader's back */

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden) event.preventDefault();
});

/* Times that stay true while the page is open; the words are those of the server (portal.distance) */

function distance(at) {
  const seconds = Math.trunc((Date.now() - at) / 1000);
  const size = Math.abs(seconds);
  if (size < 5) return "just now";
  const steps = [[60, 1, "s"], [3600, 60, "min"], [48 * 3600, 3600, "h"], [Infinity, 86400, "days"]];
  const [, divisor, unit] = steps.find(([limit]) => size < limit);
  const words = `${Math.floor(size / divisor)} ${unit}`;
  return seconds > 0 ? `${words} ago` : `in ${words}`;
}

setInterval(() => {
  for (const time of document.querySelectorAll("time.ago")) {
    const words = distance(Date.parse(time.dateTime));
    if (time.textContent !== words) time.textContent = words;
  }
}, 15_000);
