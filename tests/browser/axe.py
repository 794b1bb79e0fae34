"""What axe finds on the page as it stands: WCAG 2.2 AA, in light and in dark."""

from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page

AXE = (Path(__file__).parents[1] / "vendor" / "axe-core-4.14.0" / "axe.min.js").read_text()
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
LOOK_FOR = """options => axe.run(document, {...options, resultTypes: ["violations"], elementRef: false}).then(found =>
  found.violations.flatMap(one => one.nodes.slice(0, 5).map(node =>
    `${one.id}: ${node.target.join(" ")}: ${[...node.any, ...node.all, ...node.none].map(check => check.message).join(" ")}`)))"""


def barriers(page: Page) -> Iterator[str]:
    """Say what axe finds: everything in light, and in dark what another colour can change."""
    page.evaluate(AXE)
    yield from page.evaluate(LOOK_FOR, {"runOnly": {"type": "tag", "values": WCAG}})
    page.emulate_media(color_scheme="dark")
    for said in page.evaluate(LOOK_FOR, {"runOnly": {"type": "rule", "values": ["color-contrast"]}}):
        yield f"dark: {said}"
    page.emulate_media(color_scheme="light")
