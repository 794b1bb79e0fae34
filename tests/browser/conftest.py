"""A Chromium for the tests that are marked `browser`, and what its console complained of."""

import shutil
import time
from collections.abc import Iterator

import pytest
from django.db import connection
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

QUIET_SECONDS = 5.0
NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for one module. Playwright runs an event loop in this thread meanwhile, which Django must be told is harmless."""
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        pytest.skip("No Chromium is installed; apt-get install chromium brings one.")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        started = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the page wrote to its console as an error, refusals of the content security policy among it. Filled by `page`."""
    return []


@pytest.fixture
def page(browser: Browser, complaints: list[str], live_server: LiveServer) -> Iterator[Page]:
    """A page with a session of its own, 1280 by 800; closed before the server that it asks every few seconds, and before its data."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light", locale="en-GB")
    context.set_default_timeout(10_000)
    opened = context.new_page()
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    _wait_for_requests()


def _wait_for_requests() -> None:
    """Wait until the server has ended what the page still asked for: it would meet a database that is emptied meanwhile."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(others)
            if cursor.fetchone() == (0,):
                return
        time.sleep(0.05)
