"""Trouble on request: every fault by its name, conditions of the whole site, and what Jira does not let a client do."""

import http.client
import json
import re
import threading
import time
from dataclasses import fields
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.jira.control import ROUTES
from sandbox.jira.faults import CALLS, TROUBLES, Conditions
from sandbox.jira.webhooks import Delays
from tests.sandbox.jira.api import Api

# The trouble, the status that the caller sees (None: no answer in time, 0: the connection ends), and whether it is done.
OUTCOMES: dict[str, tuple[int | None, bool]] = {
    "drop-before": (0, False),
    "drop-after": (0, True),
    "hang-before": (None, False),
    "hang-after": (None, True),
    "stalled": (None, True),
    "truncated": (0, True),
    "429": (429, False),
    "429-date": (429, False),
    "500": (500, False),
    "500-after": (500, True),
    "502": (502, False),
    "503": (503, False),
    "503-retry-after": (503, False),
    "504": (504, False),
    "504-after": (504, True),
    "html": (200, False),
    "html-after": (200, True),
    "slow": (201, True),
    "401": (401, False),
    "captcha": (403, False),
    "409": (409, False),
}


def create(api: Api) -> int | None:
    """The status of a create that a client with a timeout of 1.2 s sees; 0: the connection ends, ``None``: silence."""
    connection = http.client.HTTPConnection(api.url.removeprefix("http://"), timeout=1.2)
    try:
        headers = {"Authorization": api.credential(), "Content-Type": "application/json"}
        connection.request("POST", "/rest/api/2/issue", json.dumps({"fields": api.minimal()}), headers)
        answer = connection.getresponse()
        answer.read()
    except TimeoutError:
        return None
    except (http.client.HTTPException, ConnectionError):
        return 0
    finally:
        connection.close()
    return answer.status


def test_every_named_trouble_is_tried_here() -> None:
    assert set(OUTCOMES) == set(TROUBLES)


def test_every_name_that_can_be_asked_for_is_documented() -> None:
    text = (Path(__file__).parents[3] / "docs" / "jira-stand-in.md").read_text()
    conditions = [f.name for f in fields(Conditions)]
    delays = [f.name for f in fields(Delays)]
    controls = [f"/_sandbox{path}" for _, path in ROUTES]
    missing = [name for name in (*TROUBLES, *CALLS, *conditions, *delays, *controls) if f"`{name}`" not in text]
    assert [name for name in missing if not re.search(rf"`(GET|POST|PUT) {re.escape(name)}[`?]", text)] == []


@pytest.mark.parametrize("trouble", OUTCOMES)
def test_a_named_trouble_does_what_its_name_says(jira: Api, trouble: str) -> None:
    seen, is_done = OUTCOMES[trouble]
    jira.control("POST", "/faults", {"trouble": trouble, "call": "create"})
    assert create(jira) == seen
    assert len(jira.control("GET", "/issues")) == int(is_done)
    assert jira.create(), "it strikes once"


@pytest.mark.parametrize("call", ["create", "update", "comment", "transition", "assign", "attach", "link", "property"])
def test_a_named_call_is_struck_and_no_other(jira: Api, call: str) -> None:
    key, other = jira.create(), jira.create()
    jira.control("POST", "/faults", {"trouble": "500", "call": call})
    link = {"type": {"name": "Relates"}, "inwardIssue": {"key": key}, "outwardIssue": {"key": other}}
    results = {
        "create": jira.send("POST", "/issue", {"fields": jira.minimal()}).status,
        "update": jira.send("PUT", f"/issue/{key}", {"fields": {"summary": "x"}}).status,
        "comment": jira.send("POST", f"/issue/{key}/comment", {"body": "x"}).status,
        "transition": jira.send("POST", f"/issue/{key}/transitions", {"transition": {"id": "21"}}).status,
        "assign": jira.send("PUT", f"/issue/{key}/assignee", {"accountId": None}).status,
        "attach": jira.upload(key, "a.txt", b"a").status,
        "link": jira.send("POST", "/issueLink", link).status,
        "property": jira.send("PUT", f"/issue/{key}/properties/p", {}).status,
    }
    assert [name for name, status in results.items() if status == 500] == [call]


def test_reading_calls_have_names_too(jira: Api) -> None:
    key = jira.create()
    paths = {
        "read": f"/issue/{key}?fields=summary",
        "comments": f"/issue/{key}/comment",
        "search": "/search/jql?jql=project%3DSEC",
        "myself": "/myself",
    }
    people = "/user/search?query=ada"
    for call, path in paths.items():
        jira.control("POST", "/faults", {"trouble": "503", "call": call})
        answers = {name: jira.send("GET", other).status for name, other in paths.items() if name != call}
        assert set(answers.values()) == {200}, (call, answers)
        assert jira.send("GET", people).status == 200
        assert jira.send("GET", path).status == 503
    assert set(paths) < set(CALLS)


@pytest.mark.parametrize(
    "wrong",
    [{"trouble": "boredom"}, {"call": "tea"}, {"status": 429, "retry_after": "soon", "retry_as": "date"}, [{}, 1]],
)
def test_a_fault_of_no_known_name_is_refused_and_says_what_there_is(jira: Api, wrong: Any) -> None:
    assert jira.raw("POST", "/_sandbox/faults", wrong).status == 400
    assert jira.control("GET", "/faults") == []


def test_retry_after_can_be_a_date_that_is_not_too_early(jira: Api) -> None:
    jira.control("POST", "/faults", {"trouble": "429-date", "call": "myself"})
    before = datetime.now(UTC)
    until = parsedate_to_datetime(jira.send("GET", "/myself").headers["Retry-After"])
    assert 2 <= (until - before).total_seconds() <= 4


def test_each_jira_says_its_limits_in_its_own_headers(jira: Api, data_center: Api) -> None:
    for api in (jira, data_center):
        api.control("POST", "/faults", {"trouble": "429"})
    cloud, dc = jira.send("GET", "/myself").headers, data_center.send("GET", "/myself").headers
    assert cloud["Retry-After"] == dc["Retry-After"] == "1"
    datetime.fromisoformat(cloud["X-RateLimit-Reset"])
    assert {"X-RateLimit-Limit", "X-RateLimit-Remaining", "RateLimit-Reason"} <= set(cloud)
    assert {"X-RateLimit-Interval-Seconds", "X-RateLimit-FillRate"} <= set(dc)


def test_calls_above_the_limit_are_refused_until_the_window_has_passed(jira: Api) -> None:
    jira.control("PUT", "/conditions", {"rate_limit": 3, "rate_window_s": 0.5})
    answers = [jira.send("GET", "/myself") for _ in range(5)]
    assert [got.status for got in answers] == [200, 200, 200, 429, 429]
    assert answers[3].headers["Retry-After"] == "1"
    deadline = time.monotonic() + 5
    while jira.send("GET", "/myself").status != 200:
        assert time.monotonic() < deadline
    assert len(jira.control("GET", "/requests")) >= 6, "refused calls are logged"


def test_a_share_of_calls_suffers_the_same_for_the_same_seed(jira: Api) -> None:
    def struck() -> list[bool]:
        jira.control("DELETE", "/faults")
        jira.control("PUT", "/seed", {"seed": 7})
        jira.control("POST", "/faults", {"trouble": "503", "share": 0.3, "times": 1_000})
        return [jira.send("GET", "/myself").status == 503 for _ in range(40)]

    first = struck()
    assert first == struck()
    assert 4 <= sum(first) <= 20


def test_connections_are_refused_for_a_while(jira: Api) -> None:
    jira.control("POST", "/refuse", {"for_s": 0.4})
    with pytest.raises(ConnectionRefusedError):
        jira.send("GET", "/myself")
    deadline = time.monotonic() + 5
    while True:
        try:
            assert jira.send("GET", "/myself").status == 200
        except ConnectionError:
            assert time.monotonic() < deadline
        else:
            return


def test_a_connection_from_before_gets_no_answer_while_others_are_refused(jira: Api) -> None:
    connection = http.client.HTTPConnection(jira.url.removeprefix("http://"), timeout=5)
    connection.request("GET", "/rest/api/2/serverInfo")
    connection.getresponse().read()
    jira.control("POST", "/refuse", {"for_s": 0.4})
    connection.request("GET", "/rest/api/2/serverInfo")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        connection.getresponse()
    connection.close()


@pytest.mark.parametrize("fixture", ["jira", "data_center"])
def test_a_captcha_locks_everything_but_server_info(request: pytest.FixtureRequest, fixture: str) -> None:
    api: Api = request.getfixturevalue(fixture)
    api.control("PUT", "/conditions", {"captcha": True})
    got = api.send("GET", "/myself")
    assert (got.status, got.json) == (403, None)
    assert got.headers["X-Authentication-Denied-Reason"].startswith("CAPTCHA_CHALLENGE; login-url=")
    assert "<html" in got.text or "<!doctype html" in got.text
    assert api.send("GET", "/serverInfo").status == 200


@pytest.mark.parametrize(
    ("refusal", "content_type"), [("text", "text/plain"), ("json", "application/json"), ("empty", "")]
)
def test_a_401_comes_in_each_of_its_shapes(jira: Api, refusal: str, content_type: str) -> None:
    jira.control("PUT", "/conditions", {"token_expired": True, "refusal": refusal})
    got = jira.send("GET", "/myself")
    assert got.status == 401
    assert got.headers.get("Content-Type", "").startswith(content_type)
    assert bool(got.text) == bool(content_type)


@pytest.mark.parametrize(
    "wrong", [{"search_lag": 1}, {"token_expired": 1}, {"time_zone": "Mars/Base"}, {"refusal": "x"}, []]
)
def test_conditions_that_make_no_sense_are_refused(jira: Api, wrong: Any) -> None:
    assert jira.raw("PUT", "/_sandbox/conditions", wrong).status == 400


def test_a_site_can_be_slow_as_a_whole(jira: Api) -> None:
    jira.control("PUT", "/conditions", {"latency_ms": 100})
    began = time.monotonic()
    jira.create()
    jira.fields("SEC-1")
    assert time.monotonic() - began >= 0.2


def test_of_two_transitions_at_once_one_is_refused(jira: Api) -> None:
    key = jira.create()
    jira.control("POST", "/faults", {"call": "transition", "latency_ms": 600})
    first: list[int] = []
    step = {"transition": {"id": "21"}}

    def move() -> None:
        first.append(jira.send("POST", f"/issue/{key}/transitions", step).status)

    thread = threading.Thread(target=move)
    thread.start()
    deadline = time.monotonic() + 5
    while jira.control("GET", "/faults"):  # until the first has been taken up
        assert time.monotonic() < deadline
    second = jira.send("POST", f"/issue/{key}/transitions", step)
    thread.join()
    assert (first, second.status) == ([204], 409)
    assert second.json["errorMessages"]
    assert jira.fields(key)["status"]["name"] == "In Progress"
    assert jira.send("POST", f"/issue/{key}/transitions", {"transition": {"id": "31"}}).status == 204


def test_a_request_that_hangs_is_logged_as_it_comes(jira: Api) -> None:
    jira.control("POST", "/faults", {"trouble": "hang-after", "call": "create"})
    assert create(jira) is None
    (entry,) = jira.control("GET", "/requests")
    assert (entry["method"], entry["status"], entry["fault"]) == ("POST", None, "hang-after after dropped 60000 ms")


def test_a_transition_whose_answer_hangs_does_not_hold_back_the_next(jira: Api) -> None:
    key = jira.create()
    jira.control("POST", "/faults", {"trouble": "stalled", "call": "transition"})
    with pytest.raises(TimeoutError):
        jira.send("POST", f"/issue/{key}/transitions", {"transition": {"id": "21"}}, timeout=1)
    assert jira.fields(key)["status"]["name"] == "In Progress"
    jira.close(key)


def test_the_log_says_who_called_and_how_long_it_took_and_can_be_read_on(jira: Api) -> None:
    jira.control("POST", "/faults", {"call": "myself", "latency_ms": 30})
    jira.send("GET", "/myself")
    jira.as_ada().send("GET", "/myself")
    log = jira.control("GET", "/requests")
    assert [entry["caller"] for entry in log] == ["712020:oktadetect-caller", "712020:ada-analyst"]
    assert log[0]["took_ms"] >= 30
    assert jira.control("GET", f"/requests?after={log[0]['id']}") == log[1:]
    jira.control("DELETE", "/requests")
    assert jira.control("GET", "/requests") == []
