/*
 * Work that is followed while it runs: what is marked data-follows is asked for anew every two seconds, and the whole page once the
 * work is over. Without this module, "Look again" does it.
 */

const EVERY_MS = 2_000;

async function look() {
  const shown = document.querySelector("[data-follows]");
  try {
    const answer = document.hidden ? null : await fetch(location.href);
    if (answer?.ok) {
      const told = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-follows]");
      if (!told) {
        location.reload();
        return;
      }
      shown.replaceChildren(...told.childNodes);
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // not reached: the next time perhaps
  }
  setTimeout(look, EVERY_MS);
}

setTimeout(look, EVERY_MS);
