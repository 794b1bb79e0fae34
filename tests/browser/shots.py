"""The pictures of the documentation, drawn on purpose: SCREENSHOTS=1. What one only looks at, tests draw by LOOK=folder."""

import os
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
WANTED = bool(os.environ.get("SCREENSHOTS"))
Scheme = Literal["light", "dark"]


def draw(page: Page, name: str, *, scheme: Scheme = "light", width: int = 1280, whole: bool = False) -> None:
    """Draw what the page shows, or with `whole` all of it, to docs/screenshots/NAME.png, where that is wanted."""
    if not WANTED:
        return
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 800})
    page.evaluate("document.fonts.ready")
    if whole:  # the rail is as high as the window
        page.set_viewport_size({"width": width, "height": page.evaluate("document.documentElement.scrollHeight")})
    page.screenshot(path=FOLDER / f"{name}.png")
    assert (FOLDER / f"{name}.png").stat().st_size > 10_000
