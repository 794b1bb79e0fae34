// Moves a limit without another search: everything is a sum over the values that the play has measured.
// The words are those of monitors.backtest.fate_words; the page is complete without this module.

const data = JSON.parse(document.getElementById("tune-data").textContent);
const field = document.getElementById(`id_${data.parameter}`);
const histogram = document.querySelector("[data-histogram]");
const line = document.querySelector("[data-limit]");
const number = document.querySelector(`.sentence a[href="#id_${data.parameter}"]`);
const bars = [...document.querySelectorAll("[data-days] rect[data-day]")];
const before = [...document.querySelectorAll("[data-days] rect.before")];
const plural = (count) => (count === 1 ? "" : "s");

function aDay(limit) {
  return bars.map((_, day) =>
    Object.entries(data.days[day] ?? {}).reduce((sum, [value, number]) => sum + (Number(value) >= limit ? number : 0), 0));
}

function fateWords(limit) {
  const kept = (one) => one.value !== null && one.value >= limit;
  return Object.entries(data.verdicts).flatMap(([verdict, label]) => {
    const mine = data.fates.filter((one) => one.verdict === verdict);
    if (!mine.length) return [];
    const was = mine.filter((one) => one.before).length;
    const dropped = mine.filter((one) => one.before && !kept(one)).length;
    const added = mine.filter((one) => !one.before && kept(one)).length;
    const noun = label.toLowerCase() + plural(was);
    const all = was === 1 ? "the one" : `all ${was}`;
    const change = dropped ? `drops ${dropped} of ${was} ${noun}` : was ? `keeps ${all} ${noun}` : "";
    const more = added ? `finds ${added} more judged ${label.toLowerCase()}` : "";
    return [[change, more].filter(Boolean).join(" and ") || `finds none of ${mine.length} ${label.toLowerCase()}s, as before`];
  });
}

function show(limit) {
  const days = aDay(limit);
  const alerts = days.reduce((sum, number) => sum + number, 0);
  const saved = data.compared ? aDay(data.was) : null;
  const largest = Math.max(1, ...days, ...(saved ?? []));
  const draw = (rect, number) => {
    const high = number ? Math.max(2, (data.height * number) / largest) : 0;
    rect.setAttribute("y", data.height - high);
    rect.setAttribute("height", high);
  };
  bars.forEach((rect, day) => {
    draw(rect, days[day]);
    rect.querySelector("title").textContent = `${rect.querySelector("title").textContent.split(":")[0]}: ${days[day]}`;
  });
  if (saved) before.forEach((rect, day) => draw(rect, saved[day]));
  document.querySelector("[data-alerts]").textContent = alerts;
  document.querySelector("[data-plural]").textContent = plural(alerts);
  document.querySelector("[data-week]").textContent = Math.round((alerts * 70) / data.span) / 10;
  for (const rect of histogram.querySelectorAll("rect[data-high]")) {
    rect.setAttribute("class", Number(rect.dataset.high) >= limit ? "found" : "below");
  }
  const list = document.querySelector("[data-fates]");
  list?.replaceChildren(...fateWords(limit).map((words) => {
    const item = document.createElement("li");
    item.textContent = `${words[0].toUpperCase()}${words.slice(1)}.`;
    return item;
  }));
  for (const one of data.fates) {
    const cell = document.querySelector(`[data-fate="${CSS.escape(one.key)}"]`);
    if (cell) cell.textContent = one.value !== null && one.value >= limit ? "found" : "not found";
  }
}

function place(limit) {
  const { low, high, width } = data.scale;
  line.setAttribute("transform", `translate(${(width * (Math.min(limit, high) - low)) / (high - low)} 0)`);
  line.querySelector("[data-limit-text]").textContent = limit;
  line.setAttribute("aria-valuenow", limit);
  if (number) number.textContent = number.textContent.replace(/^[\d,.]+/, limit);
}

function move(value) {
  const limit = Math.max(Number(value), data.floor);
  if (!value || !Number.isFinite(limit)) return;
  place(limit);
  show(limit);
}

function choose(value) {
  field.value = Math.min(Math.max(Math.round(value), data.floor, Number(field.min)), Number(field.max || value));
  move(field.value);
}

function valueAt(event) {
  const box = histogram.getBoundingClientRect();
  const { low, high } = data.scale;
  return Math.min(low + ((event.clientX - box.left) / box.width) * (high - low), high);
}

const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };

line.setAttribute("role", "slider");
line.setAttribute("tabindex", "0");
line.setAttribute("aria-valuemin", data.floor);
line.setAttribute("aria-valuemax", field.max || data.scale.high);
line.addEventListener("pointerdown", (event) => {
  event.preventDefault();
  line.setPointerCapture(event.pointerId);
  line.focus();
});
line.addEventListener("pointermove", (event) => {
  if (line.hasPointerCapture(event.pointerId)) choose(valueAt(event));
});
line.addEventListener("keydown", (event) => {
  if (!(event.key in STEPS)) return;
  event.preventDefault();
  choose(Number(field.value) + STEPS[event.key]);
});
document.querySelector("[data-movable]").hidden = false;
field.addEventListener("input", () => move(field.value));
move(field.value);
