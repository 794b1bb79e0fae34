/*
 * The theme: a cookie, so that the server draws the page in it; the admin, whose root element is Django's, has it from here.
 * Loaded in the head, before anything is drawn. Without it the page follows the system.
 */
{
  const THEMES = ["system", "light", "dark"];
  const WORDS = { system: "follows the system", light: "light", dark: "dark" };
  const YEAR_SECONDS = 31_536_000;

  const root = document.documentElement;
  const chosen = /(?:^|; )theme=(light|dark)/.exec(document.cookie)?.[1];
  if (chosen) root.dataset.theme = chosen;

  const show = () => {
    const words = `Theme: ${WORDS[root.dataset.theme ?? "system"]}`;
    for (const button of document.querySelectorAll("[data-theme-button]")) {
      button.setAttribute("aria-label", words);
      button.title = words;
    }
  };

  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-button]")) return;
    const theme = THEMES[(THEMES.indexOf(root.dataset.theme ?? "system") + 1) % THEMES.length];
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `theme=${theme}; path=/; max-age=${theme === "system" ? 0 : YEAR_SECONDS}; samesite=lax${secure}`;
    show();
  });
}
