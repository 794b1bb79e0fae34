"""What breaks every search of a monitor: each a real failure of the node, named as what it is, and mended by a click where one can."""

import html
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from monitors.diagnosis import Kind, diagnose
from sandbox.okta.play import INDEX_PREFIX
from tests.story.conftest import Story, wait_until
from tests.story.watching import INTERVAL, TWO_HEARTBEATS, Clock, fail, fault, submit, withdraw

PASSWORD = "a long password of no use"


@pytest.fixture
def clock(story: Story, monitor: str) -> Clock:
    """The time by which it runs."""
    return Clock(story, monitor)


@contextmanager
def setting(story: Story, **changes: Any) -> Iterator[None]:
    """Give the cluster other settings for as long as the block runs."""
    names = {name.replace("__", "."): value for name, value in changes.items()}
    story.opensearch("PUT", "/_cluster/settings", {"transient": names})
    try:
        yield
    finally:
        story.opensearch(
            "PUT", "/_cluster/settings", {"transient": dict.fromkeys(names), "persistent": dict.fromkeys(names)}
        )


def wait_for(story: Story, monitor: str, kind: Kind | None) -> None:
    """Wait until the portal says that this is wrong with the monitor, or that nothing is."""
    told = ""

    def is_named() -> bool:
        nonlocal told
        told = fault(story, monitor)
        found = diagnose(told)
        return (found.kind if found else None) == kind

    deadline = time.monotonic() + TWO_HEARTBEATS
    while not is_named():
        assert time.monotonic() < deadline, f"not named {kind}, but: {told!r}"
        time.sleep(0.2)


def press(story: Story, monitor: str, button: str) -> str:
    """Press a button of the monitor in the admin; return the page that follows."""
    story.portal.manage("ensure_user", "mender", "--admin", stdin=f"{PASSWORD}\n")
    ((identity,),) = story.rows("SELECT monitor_id FROM monitors_deployment WHERE opensearch_id = %s", monitor)
    with requests.Session() as browser:
        submit(browser, f"{story.portal.url}/sign-in/", {"username": "mender", "password": PASSWORD})
        page = f"{story.portal.url}/admin/monitors/monitor/{identity}/change/"
        shown = browser.get(page, timeout=20).text
        assert button in html.unescape(shown)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', shown)
        assert token is not None
        sent = {"csrfmiddlewaretoken": token[1]}
        answer = browser.post(page.replace("/change/", "/mend/"), data=sent, headers={"Referer": page}, timeout=30)
        assert answer.status_code == 200
        return answer.text


def test_fields_that_became_text_are_named_and_one_click_learns_the_index_again(
    story: Story, monitor: str, clock: Clock
) -> None:
    story.opensearch("DELETE", f"/{INDEX_PREFIX}*")
    story.opensearch("DELETE", "/_index_template/okta-system-log")  # as when a pipeline writes before anybody mapped it
    try:
        fail(story, "unmapped", clock.now(), 20)
        clock.tick()
        wait_for(story, monitor, Kind.MAPPING)
        press(story, monitor, "Learn the index again and push")
        fail(story, "unmapped", clock.now(), 20)
        clock.tick()
        wait_for(story, monitor, None)
        story.wait_for_ticket("unmapped@example.com")
    finally:
        story.portal.manage("okta", "template")
        story.opensearch("DELETE", f"/{INDEX_PREFIX}*")


def test_a_search_for_which_the_cluster_has_no_memory_is_named_and_is_no_fault_once_it_has(
    story: Story, monitor: str, clock: Clock
) -> None:
    with setting(story, indices__breaker__request__limit="1b"):
        fail(story, "costly", clock.now(), 20)
        clock.tick()
        wait_for(story, monitor, Kind.MEMORY)
    clock.tick()
    wait_for(story, monitor, None)


def test_too_few_compilations_are_named_and_one_click_allows_more(story: Story, monitor: str, clock: Clock) -> None:
    others = ["mfa-failures", "password-spray-source"]
    with setting(story, script__context__template__max_compilations_rate="1/30m"):
        story.portal.push_monitors(others, INTERVAL, {})
        clock.tick()
        refused = wait_until(lambda: uncompiled(story), TWO_HEARTBEATS, "a monitor whose template was refused")
        press(story, refused[0], "Raise the cluster's limits")
        clock.tick()
        wait_until(lambda: not uncompiled(story), TWO_HEARTBEATS, "the fault mended")
    withdraw(story, others)
    fail(story, "compiled", clock.now(), 20)
    clock.tick()
    story.wait_for_ticket("compiled@example.com")


def uncompiled(story: Story) -> list[str]:
    """The monitors that OpenSearch refuses to compile, as far as the portal knows."""
    rows = story.rows("SELECT opensearch_id, fault FROM monitors_deployment WHERE fault <> ''")
    return [name for name, told in rows if (found := diagnose(told)) and found.kind == Kind.COMPILATIONS]
