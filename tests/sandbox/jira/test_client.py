"""The client that ticketing uses gets along with the stand-in, set up as ticketing sets it up."""

import io
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from jira import JIRA, JIRAError

from tests.sandbox.jira.api import TOKEN, USER, Api


def client(api: Api, **options: Any) -> JIRA:
    auth: dict[str, Any] = {"token_auth": TOKEN} if api.profile == "dc" else {"basic_auth": (USER, TOKEN)}
    made = JIRA(api.url, get_server_info=False, max_retries=0, timeout=(3, 10), options=options, **auth)
    made.deploymentType = "Server" if api.profile == "dc" else "Cloud"
    return made


@pytest.mark.parametrize("fixture", ["jira", "data_center"])
def test_a_ticket_goes_its_whole_way(request: pytest.FixtureRequest, fixture: str) -> None:
    api: Api = request.getfixturevalue(fixture)
    jira = client(api)
    fields = {"project": {"key": "SEC"}, "issuetype": {"name": "Incident"}, "summary": "Travel", "labels": ["op-1"]}
    made = jira.create_issue(fields=fields, prefetch=False)
    other = jira.create_issue(fields={**fields, "labels": ["op-2"]})
    jira.add_comment(made.key, "seen again")
    jira.create_issue_link("Relates", made.key, other.key)
    jira.add_issue_property(made.key, "oktadetect", {"n": 1})
    for title in ("Alert 7", "Alert 7, closed"):
        # not add_remote_link(): that asks for application links first, which only administrators may see
        remote: Any = {"globalId": "g", "object": {"url": "https://portal.example.com/alerts/7", "title": title}}
        jira._session.post(jira._get_url(f"issue/{made.key}/remotelink"), json=remote)
    jira.add_attachment(made.key, io.BytesIO(b"one event"), filename="op-3 events.ndjson")
    issue = jira.issue(made.key)
    issue.update(fields={"priority": {"name": "High"}})
    done = next(step for step in jira.transitions(issue) if step["to"]["statusCategory"]["key"] == "done")
    jira.transition_issue(issue, done["id"])
    issue = jira.issue(made.key)
    assert issue.fields.status.statusCategory.key == "done"
    assert issue.fields.priority.name == "High"
    assert [comment.body for comment in issue.fields.comment.comments] == ["seen again"]
    assert [link.outwardIssue.key for link in issue.fields.issuelinks] == [other.key]
    assert jira.myself()["emailAddress"] == USER
    assert [link.object.title for link in jira.remote_links(made.key)] == ["Alert 7, closed"]
    (attachment,) = issue.fields.attachment
    content = attachment.get()  # type: ignore[no-untyped-call]
    assert (attachment.filename, content) == ("op-3 events.ndjson", b"one event")
    assert "Highest" in {priority.name for priority in jira.priorities()}


def test_cloud_is_searched_the_new_way_and_data_center_the_old(jira: Api, data_center: Api) -> None:
    jira.create(labels=["op-1"])
    data_center.create(labels=["op-1"])
    found = client(jira).enhanced_search_issues('labels = "op-1"', fields="summary")
    assert [issue.key for issue in found] == ["SEC-1"]
    assert [issue.key for issue in client(data_center).search_issues('labels = "op-1"')] == ["SEC-1"]


def test_the_client_can_read_why_it_was_refused(jira: Api) -> None:
    fields = {"project": {"key": "SEC"}, "issuetype": {"name": "Task"}, "summary": "x", "labels": ["a b"]}
    with pytest.raises(JIRAError) as refused:
        client(jira).create_issue(fields=fields)
    assert refused.value.status_code == 400
    assert refused.value.response is not None
    assert refused.value.response.json()["errors"] == {"labels": "The label 'a b' contains spaces which is invalid."}


def test_a_dropped_answer_is_no_jira_error_and_is_not_repeated(jira: Api) -> None:
    jira.raw("POST", "/_sandbox/faults", {"method": "POST", "path": "/issue$", "when": "after", "status": 0})
    with pytest.raises(requests.ConnectionError):
        client(jira).create_issue(fields={**jira.minimal(), "labels": ["op-1"]})
    log = jira.raw("GET", "/_sandbox/requests").json
    assert [(entry["method"], entry["status"]) for entry in log] == [("POST", 0)]
    assert len(jira.search('labels = "op-1"')["issues"]) == 1


def test_the_program_keeps_its_state_over_a_kill(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    api = Api(f"http://127.0.0.1:{port}")
    command = [
        sys.executable,
        "-m",
        "sandbox.jira",
        "--port",
        str(port),
        "--state",
        str(tmp_path),
        "--user",
        USER,
        "--token",
        TOKEN,
    ]
    for number, end in ((1, signal.SIGKILL), (2, signal.SIGTERM)):
        program = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own program
        try:
            wait_until_up(api)
            assert api.create() == f"SEC-{number}"
        finally:
            os.kill(program.pid, end)
            code = program.wait(timeout=10)
        assert code == (-signal.SIGKILL if end == signal.SIGKILL else 0)


def wait_until_up(api: Api) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            assert api.raw("GET", "/_sandbox/health").status == 200
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    pytest.fail("the program did not come up in 10 s")
