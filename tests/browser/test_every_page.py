"""Every page of the site in a real browser: open to everybody, no wider than the screen, and inert whatever stands on it."""

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from playwright.sync_api import Page, Response
from pytest_django.live_server_helper import LiveServer

from core.activity import person_of
from core.models import Person
from core.text import controls_shown
from tests.browser import cluster, hostile, world
from tests.browser.axe import barriers
from tests.browser.pages import NO_PAGE, At, names
from tests.factories import make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SEND = """fields => {
  const form = document.createElement("form");
  form.method = "post";
  form.action = fields.address;
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  for (const [name, value] of Object.entries({...fields.values, csrfmiddlewaretoken: token})) {
    const input = document.createElement("input");
    [input.type, input.name, input.value] = ["hidden", name, value];
    form.append(input);
  }
  document.body.append(form);
  form.submit();
}"""
STICKS_OUT = """width => {
  const scrolls = one => one && one !== document.body && (getComputedStyle(one).overflowX !== "visible" || scrolls(one.parentElement));
  const name = one => [one.localName + (one.id && "#" + one.id), ...one.classList].join(".");
  const wide = one => one.getBoundingClientRect().right > width + 1 && !scrolls(one.parentElement);
  return [...document.querySelectorAll("body *:not(svg *)")].filter(wide).slice(0, 6).map(name).join(" > ");
}"""
WIDTHS = {"a screen": 1280, "a phone": 375, "1280 pixels at 200 %": 640}
BECAME = """() => [...document.querySelectorAll("*")].filter(one => one.localName === "pwned" || one.hasAttribute("pwned") ||
  [...one.attributes].some(({name, value}) => /^on/.test(name) || (/^(href|src|action|formaction|xlink:href)$/.test(name) &&
    !/^(https?:|[/?#.]|$)/.test(value)))).map(one => one.outerHTML.slice(0, 200))"""
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def kept_by_the_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the browser keep what never changes, as it does in production: a hundred pages are read with one set of styles."""
    serve = StaticFilesHandler.serve

    def serve_for_long(self: StaticFilesHandler, request: HttpRequest) -> HttpResponseBase:
        answer = serve(self, request)
        answer["Cache-Control"] = "max-age=3600"
        return answer

    monkeypatch.setattr(StaticFilesHandler, "serve", serve_for_long)


@pytest.fixture
def root(page: Page, live_server: LiveServer, settings: Any) -> Person:
    """Somebody who may do everything and has signed in, on a site that has an address for each error."""
    settings.ROOT_URLCONF = "tests.browser.error_urls"
    user = make_user("mira", first_name="Mira", last_name="Okafor", password=PASSWORD, is_staff=True, is_superuser=True)
    page.goto(live_server.url)
    page.get_by_label("User name").fill("mira")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    return person_of(user)


def go(page: Page, live_server: LiveServer, at: At) -> Iterator[str]:
    """Open a page, and say whether something else came. One that answers a form is sent it from the page before it."""
    answer: Response | None
    if at.post:
        with page.expect_navigation() as opened:
            page.evaluate(SEND, {"address": at.address, "values": at.post})
        answer = opened.value
    else:
        answer = page.goto(live_server.url + at.address)
    status = answer.status if answer else None
    if status != at.status:
        yield f"answered {status}"


def widths(page: Page) -> Iterator[str]:
    """Say at which widths the page has to be scrolled sideways, and what sticks out."""
    size = page.viewport_size
    for words, width in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": 800})
        wide = page.evaluate("document.scrollingElement.scrollWidth")
        if wide > width:
            yield f"{wide} pixels wide on {words}: {page.evaluate(STICKS_OUT, width)}"
    assert size is not None
    page.set_viewport_size(size)


def taken_for_more_than_text(page: Page) -> Iterator[str]:
    """Say what of the hostile words became something else than words."""
    if page.evaluate("'pwned' in window"):
        yield "a script ran"
    for name in page.evaluate(BECAME):
        yield f"it became {name}"


def draw(page: Page, at: At) -> None:
    """With SCREENSHOTS=folder, keep what the page looks like: light, dark, narrow."""
    folder = os.environ.get("SCREENSHOTS")
    if not folder or os.environ.get("ONLY", "") not in str(at):
        return
    name = str(at).strip("/").replace("/", "-").replace("?", "-")[:100] or "queue"
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 375)):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 800})
        page.screenshot(path=Path(folder) / f"{name}-{scheme}-{width}.png", full_page=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 800})


def test_every_address_is_on_the_list_of_pages_or_says_why_it_is_none() -> None:
    listed = {at.name for at in world.every_page(person_of(make_user(is_superuser=True)))}
    assert sorted(names() - listed - set(NO_PAGE)) == []
    assert sorted(set(NO_PAGE) - names()) == []
    assert sorted(listed & set(NO_PAGE)) == []


def test_no_page_keeps_anybody_out_or_has_to_be_scrolled_sideways(
    page: Page, live_server: LiveServer, root: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = world.every_page(root)
    cluster.answer(monkeypatch)
    wrong: dict[str, list[str]] = defaultdict(list)
    page.emulate_media(reduced_motion="reduce")  # what moves has no colour to be judged by
    for at in pages:
        for said in (*go(page, live_server, at), *barriers(page), *widths(page)):
            wrong[said].append(str(at))
        draw(page, at)
    assert not wrong, "\n".join(f"{said}\n    on {', '.join(pages)}" for said, pages in wrong.items())


def test_nothing_that_anybody_wrote_is_more_than_text(
    page: Page, live_server: LiveServer, root: Person, complaints: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.services.evidence.fetch", lambda *_, **__: False)
    taken_in = list(hostile.alerts())
    pages = world.every_page(root, hostile.say())
    cluster.answer(monkeypatch, hostile.say(), events=[hostile.hostile(one, 3) for one in hostile.PAYLOADS])
    elsewhere: list[str] = []
    page.on("dialog", lambda dialog: elsewhere.append(f"asks {dialog.message}"))
    page.on(
        "request", lambda sent: None if sent.url.startswith(live_server.url) else elsewhere.append(f"asks {sent.url}")
    )
    wrong: dict[str, list[str]] = defaultdict(list)

    def visit(at: At, *texts: str) -> None:
        complaints.clear()
        elsewhere.clear()
        found = [*go(page, live_server, at), *taken_for_more_than_text(page), *widths(page), *elsewhere]
        found += [f"console: {said}" for said in complaints if at.status == 200 or "Failed to load" not in said]
        told = " ".join((page.text_content("body") or "").split())
        found += [f"does not say {text!r}" for text in texts if text not in told]
        for said in found:
            wrong[said].append(str(at))

    for alert, name, entity in taken_in:
        shown = " ".join(controls_shown(name).split())
        visit(At("alerts:alert", (alert.pk,)), shown)
        visit(At("alerts:entity", (alert.entity_type, alert.entity_id)), shown)
        visit(entity)
    for at in pages:
        visit(at)
    assert not wrong, "\n".join(f"{said}\n    on {', '.join(where)}" for said, where in wrong.items())
