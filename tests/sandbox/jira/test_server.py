"""The program around it: who may call, what it keeps, what it logs, how it fails on request, what people see."""

import http.client
import time
from pathlib import Path

import pytest

from tests.sandbox.jira.api import Api, boot, stop


@pytest.mark.parametrize("fixture", ["jira", "data_center"])
def test_a_wrong_token_opens_nothing_but_server_info(request: pytest.FixtureRequest, fixture: str) -> None:
    api: Api = request.getfixturevalue(fixture)
    stranger = Api(api.url, profile=api.profile, token="wrong")
    assert stranger.send("GET", "/myself").status == 401
    assert stranger.send("POST", "/issue", {"fields": stranger.minimal()}).status == 401
    assert stranger.send("GET", "/serverInfo").status == 200
    assert api.raw("GET", "/rest/api/2/myself", headers={"Authorization": "Basic %%%"}).status == 401


def test_each_profile_says_what_it_is(jira: Api, data_center: Api) -> None:
    assert jira.send("GET", "/serverInfo").json["deploymentType"] == "Cloud"
    assert data_center.send("GET", "/serverInfo").json["deploymentType"] == "Server"
    assert "accountId" in jira.send("GET", "/myself").json
    assert data_center.send("GET", "/myself").json["name"] == "bot@example.com"
    assert data_center.raw("GET", "/rest/api/3/myself").status == 404


def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    server = boot(tmp_path)
    key = Api(server.jira.base_url).create(labels=["kept"])
    stop(server)
    server = boot(tmp_path)
    api = Api(server.jira.base_url)
    assert api.fields(key)["labels"] == ["kept"]
    assert api.create() == "SEC-2"
    stop(server)


def test_requests_are_logged_with_body_and_status_and_without_credentials(jira: Api) -> None:
    jira.create(summary="Logged")
    jira.send("GET", "/issue/SEC-404")
    log = jira.raw("GET", "/_sandbox/requests").json
    assert [(entry["method"], entry["status"]) for entry in log] == [("POST", 201), ("GET", 404)]
    assert "Logged" in log[0]["body"]
    assert jira.token not in str(log)


def test_a_reset_forgets_everything(jira: Api) -> None:
    jira.create()
    assert jira.raw("POST", "/_sandbox/reset").status == 204
    assert jira.raw("GET", "/_sandbox/requests").json == []
    assert jira.create() == "SEC-1"


def test_a_fault_strikes_the_next_matching_requests_and_no_more(jira: Api) -> None:
    jira.raw(
        "POST", "/_sandbox/faults", {"method": "POST", "path": "/issue$", "times": 2, "status": 503, "retry_after": "7"}
    )
    assert jira.send("GET", "/myself").status == 200
    for _ in range(2):
        got = jira.send("POST", "/issue", {"fields": jira.minimal()})
        assert (got.status, got.headers["Retry-After"]) == (503, "7")
    assert jira.create() == "SEC-1"


def test_a_fault_after_the_commit_leaves_an_issue_that_nobody_was_told_of(jira: Api) -> None:
    jira.raw("POST", "/_sandbox/faults", {"method": "POST", "path": "/issue$", "when": "after", "status": 0})
    with pytest.raises(http.client.RemoteDisconnected):
        jira.send("POST", "/issue", {"fields": {**jira.minimal(), "labels": ["op-1"]}})
    assert len(jira.search('labels = "op-1"')["issues"]) == 1
    assert jira.raw("GET", "/_sandbox/requests").json[0]["status"] == 0


def test_a_fault_before_the_handler_leaves_nothing(jira: Api) -> None:
    jira.raw("POST", "/_sandbox/faults", {"method": "POST", "path": "/issue$", "status": 0})
    with pytest.raises(http.client.RemoteDisconnected):
        jira.send("POST", "/issue", {"fields": jira.minimal()})
    assert jira.search("project = SEC")["issues"] == []


def test_a_slow_answer_is_a_right_answer(jira: Api) -> None:
    jira.raw("POST", "/_sandbox/faults", {"latency_ms": 120})
    started = time.monotonic()
    assert jira.send("GET", "/myself").status == 200
    assert time.monotonic() - started >= 0.12


def test_a_fault_that_makes_no_sense_is_refused(jira: Api) -> None:
    for wrong in ({"when": "later"}, {"path": "("}, {"colour": "red"}, [1], None):
        assert jira.raw("POST", "/_sandbox/faults", wrong).status == 400


def test_an_unknown_path_and_a_wrong_method_are_told_apart(jira: Api) -> None:
    assert jira.send("GET", "/nothing").status == 404
    got = jira.send("DELETE", "/myself")
    assert (got.status, got.headers["Allow"]) == (405, "GET")


@pytest.mark.parametrize("body", [b"{", b"[1]"])
def test_a_body_that_is_no_object_is_refused(jira: Api, body: bytes) -> None:
    connection = http.client.HTTPConnection(jira.url.removeprefix("http://"), timeout=10)
    connection.request("POST", "/rest/api/2/issue", body, {"Authorization": jira.credential()})
    answer = connection.getresponse()
    assert answer.status == 400
    assert b"errorMessages" in answer.read()
    connection.close()


def test_the_page_of_an_issue_shows_it_and_runs_nothing(jira: Api) -> None:
    key, other = jira.create(summary="<script>alert(1)</script>", labels=["a<b"]), jira.create(summary="Other")
    description = "*What* happened\n|a\\|b|[Open|http://portal/alerts/7]|\n# Step \\*one\\*\n[bad|javascript:alert(1)]"
    jira.send("PUT", f"/issue/{key}", {"fields": {"description": description}})
    jira.send("POST", f"/issue/{key}/comment", {"body": "<img src=x onerror=alert(1)>"})
    jira.send(
        "POST", "/issueLink", {"type": {"name": "Relates"}, "inwardIssue": {"key": key}, "outwardIssue": {"key": other}}
    )
    jira.send("POST", f"/issue/{key}/remotelink", {"object": {"url": "javascript:alert(1)", "title": "<b>"}})
    got = jira.raw("GET", f"/browse/{key}")
    assert got.status == 200
    assert "script-src" not in got.headers["Content-Security-Policy"]
    assert "default-src 'none'" in got.headers["Content-Security-Policy"]
    for shown in (
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        '<span class="label">a&lt;b</span>',
        "<strong>What</strong> happened",
        '<td>a|b</td><td><a href="http://portal/alerts/7" rel="noreferrer">Open</a></td>',
        "<li>Step *one*</li>",
        "&lt;img src=x onerror=alert(1)&gt;",
        f'relates to <a href="/browse/{other}">{other}</a>',
        "<li>&lt;b&gt;</li>",
    ):
        assert shown in got.text, shown
    for never in ("<script", "<img", 'href="javascript'):
        assert never not in got.text


def test_the_page_shows_documents_too(jira_v3: Api) -> None:
    link = {"type": "text", "text": "Open", "marks": [{"type": "link", "attrs": {"href": "http://portal"}}]}
    content = [
        {"type": "heading", "attrs": {"level": 2}, "content": [{"type": "text", "text": "Who & where"}]},
        {"type": "paragraph", "content": [link, {"type": "hardBreak"}, {"type": "text", "text": "<b>"}]},
        {"type": "rule"},
    ]
    key = jira_v3.create(description={"type": "doc", "version": 1, "content": content})
    page = jira_v3.raw("GET", f"/browse/{key}").text
    assert "<h2>Who &amp; where</h2>" in page
    assert '<p><a href="http://portal" rel="noreferrer">Open</a><br>&lt;b&gt;</p><hr>' in page


def test_a_page_of_nothing_says_so(jira: Api) -> None:
    got = jira.raw("GET", "/browse/SEC-1%3Cscript%3E")
    assert got.status == 404
    assert "&lt;script&gt;" in got.text
    assert "No issues yet" in jira.raw("GET", "/").text


def test_a_body_that_breaks_off_promised_more(jira: Api) -> None:
    fault = {"method": "POST", "path": "/issue$", "when": "after", "cut_at": 5}
    jira.raw("POST", "/_sandbox/faults", fault)
    with pytest.raises(http.client.IncompleteRead):
        jira.send("POST", "/issue", {"fields": jira.minimal()})
    assert jira.fields("SEC-1")["summary"] == "Something"


def test_a_body_that_stalls_keeps_its_reader_waiting(jira: Api) -> None:
    jira.raw(
        "POST", "/_sandbox/faults", {"method": "POST", "path": "/issue$", "when": "after", "cut_at": 0, "stall_ms": 150}
    )
    started = time.monotonic()
    with pytest.raises(http.client.IncompleteRead):
        jira.send("POST", "/issue", {"fields": jira.minimal()})
    assert time.monotonic() - started >= 0.15


def test_a_sign_in_page_can_come_with_200(jira: Api) -> None:
    jira.raw(
        "POST", "/_sandbox/faults", {"path": "/myself$", "status": 200, "body": "<html>", "content_type": "text/html"}
    )
    got = jira.send("GET", "/myself")
    assert (got.status, got.text, got.json) == (200, "<html>", None)


def test_a_new_issue_is_not_found_before_so_many_searches(jira: Api) -> None:
    jira.raw("PUT", "/_sandbox/conditions", {"search_lag_searches": 2})
    key = jira.create()
    assert jira.fields(key)["summary"] == "Something"
    found = [len(jira.search("project = SEC")["issues"]) for _ in range(4)]
    assert found == [0, 0, 1, 1]


def test_a_new_issue_is_not_found_before_its_time(jira: Api) -> None:
    jira.raw("PUT", "/_sandbox/conditions", {"search_lag_s": 0.3})
    jira.create()
    assert jira.search("project = SEC")["issues"] == []
    deadline = time.monotonic() + 5
    while not jira.search("project = SEC")["issues"]:
        assert time.monotonic() < deadline


def test_an_expired_token_finds_nothing_on_cloud_and_is_refused_elsewhere(jira: Api) -> None:
    jira.create()
    jira.raw("PUT", "/_sandbox/conditions", {"token_expired": True})
    got = jira.send("GET", "/search/jql?jql=project%3DSEC")
    assert (got.status, got.json["issues"]) == (200, [])
    assert got.headers["X-Seraph-LoginReason"] == "AUTHENTICATED_FAILED"
    assert jira.send("GET", "/myself").status == 401
    jira.raw("PUT", "/_sandbox/conditions", {})
    assert len(jira.search("project = SEC")["issues"]) == 1
