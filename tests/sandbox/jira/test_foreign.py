"""A Jira that others wrote (``jira820``, after Data Center 8.20) and ours say the same of what both cover.

Neither is Jira; where two that know nothing of each other agree, an invention of ours is less likely.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.sandbox.jira.api import Api, boot, stop

pytestmark = pytest.mark.xdist_group("foreign-jira")


@pytest.fixture(scope="module")
def foreign() -> Iterator[Api]:
    """The other one, as a program of its own with the project SEC."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {**os.environ, "JIRA820_PORT": str(port), "JIRA820_PROJECT_KEY": "SEC", "JIRA820_DATE": "2026-11-24"}
    program = subprocess.Popen(
        [sys.executable, "-m", "jira820"], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    api = Api(f"http://127.0.0.1:{port}", profile="dc")
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                assert api.send("GET", "/serverInfo").status == 200
            except ConnectionRefusedError:
                assert program.poll() is None, "it ended"
                assert time.monotonic() < deadline, "it did not come up in 30 s"
                time.sleep(0.05)
            else:
                break
        yield api
    finally:
        program.terminate()
        program.wait(timeout=10)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Ours, as Data Center."""
    folder: Path = tmp_path_factory.mktemp("jira")
    server = boot(folder, "dc")
    yield Api(server.jira.base_url, profile="dc")
    stop(server)


@pytest.fixture(params=["ours", "foreign"])
def either(request: pytest.FixtureRequest) -> Api:
    found: Api = request.getfixturevalue(request.param)
    return found


def test_a_new_issue_is_answered_with_id_and_key_and_can_be_read(either: Api) -> None:
    got = either.send("POST", "/issue", {"fields": {**either.minimal(), "labels": ["op-1"], "description": "Words"}})
    assert got.status == 201
    assert set(got.json) == {"id", "key", "self"}
    assert isinstance(got.json["id"], str)
    fields = either.fields(got.json["key"])
    assert (fields["summary"], fields["labels"], fields["description"]) == ("Something", ["op-1"], "Words")
    assert fields["status"]["statusCategory"]["key"] == "new"
    assert fields["resolution"] is None


@pytest.mark.parametrize("missing", ["issuetype", "summary"])
def test_an_issue_that_lacks_something_is_refused_by_the_name_of_the_field(either: Api, missing: str) -> None:
    fields = {name: value for name, value in either.minimal().items() if name != missing}
    got = either.send("POST", "/issue", {"fields": fields})
    assert got.status == 400
    assert set(got.json) >= {"errorMessages", "errors"}
    assert set(got.json["errors"]) == {missing}


def test_an_unknown_project_is_refused_by_the_name_of_the_field(either: Api) -> None:
    got = either.send("POST", "/issue", {"fields": {**either.minimal(), "project": {"key": "NOPE"}}})
    assert (got.status, set(got.json["errors"])) == (400, {"project"})


def test_an_issue_that_is_not_there_is_404_with_jiras_body(either: Api) -> None:
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/transitions"), ("POST", "/comment")):
        got = either.send(method, f"/issue/SEC-99999{path}", {"fields": {}, "body": "x"} if method[0] == "P" else None)
        assert got.status == 404, (method, path)
        assert got.json["errorMessages"][0].startswith("Issue Does Not Exist")


def test_an_edit_answers_204_without_a_body(either: Api) -> None:
    key = either.create()
    got = either.send("PUT", f"/issue/{key}", {"fields": {"summary": "New", "labels": ["b", "a"]}})
    assert (got.status, got.text) == (204, "")
    assert either.fields(key)["summary"] == "New"
    assert sorted(either.fields(key)["labels"]) == ["a", "b"]


def test_a_transition_is_chosen_by_category_and_sets_and_clears_the_resolution(either: Api) -> None:
    key = either.create()
    for category, is_resolved in (("done", True), ("new", False)):
        steps = either.send("GET", f"/issue/{key}/transitions").json["transitions"]
        step = next(s for s in steps if s["to"]["statusCategory"]["key"] == category)
        assert isinstance(step["id"], str)
        got = either.send("POST", f"/issue/{key}/transitions", {"transition": {"id": step["id"]}})
        assert (got.status, got.text) == (204, "")
        fields = either.fields(key)
        assert fields["status"]["statusCategory"]["key"] == category
        assert (fields["resolution"] is not None, fields["resolutiondate"] is not None) == (is_resolved, is_resolved)


def test_a_transition_that_there_is_not_is_refused(either: Api) -> None:
    got = either.send("POST", f"/issue/{either.create()}/transitions", {"transition": {"id": "9999"}})
    assert got.status == 400
    assert got.json["errorMessages"][0].startswith("Transition id")


def test_a_comment_is_written_changed_listed_and_deleted(either: Api) -> None:
    key = either.create()
    made = either.send("POST", f"/issue/{key}/comment", {"body": "one"})
    assert (made.status, made.json["body"]) == (201, "one")
    assert either.send("PUT", f"/issue/{key}/comment/{made.json['id']}", {"body": "two"}).json["body"] == "two"
    page = either.send("GET", f"/issue/{key}/comment").json
    assert (page["total"], [comment["body"] for comment in page["comments"]]) == (1, ["two"])
    assert either.send("DELETE", f"/issue/{key}/comment/{made.json['id']}").status == 204
    assert either.send("GET", f"/issue/{key}/comment").json["total"] == 0


def test_a_link_reads_from_both_ends(either: Api) -> None:
    a, b = either.create(), either.create()
    link = {"type": {"name": "Blocks"}, "inwardIssue": {"key": a}, "outwardIssue": {"key": b}}
    got = either.send("POST", "/issueLink", link)
    assert (got.status, got.text) == (201, "")
    (from_a,), (from_b,) = either.fields(a)["issuelinks"], either.fields(b)["issuelinks"]
    assert (from_a["outwardIssue"]["key"], from_a["type"]["outward"]) == (b, "blocks")
    assert (from_b["inwardIssue"]["key"], from_b["type"]["inward"]) == (a, "is blocked by")


def test_a_remote_link_is_replaced_by_its_global_id(either: Api) -> None:
    key = either.create()
    for title in ("One", "Two"):
        body = {"globalId": "system=oktadetect&id=7", "object": {"url": "https://portal.example.com/7", "title": title}}
        assert either.send("POST", f"/issue/{key}/remotelink", body).status in {200, 201}
    links = either.send("GET", f"/issue/{key}/remotelink").json
    assert [(link["globalId"], link["object"]["title"]) for link in links] == [("system=oktadetect&id=7", "Two")]


def test_a_file_is_told_as_the_issues_attachment(either: Api) -> None:
    key = either.create()
    (made,) = either.upload(key, "events.txt", b"one").json
    assert (made["filename"], made["size"], made["mimeType"]) == ("events.txt", 3, "text/plain")
    assert [attachment["filename"] for attachment in either.fields(key)["attachment"]] == ["events.txt"]


@pytest.mark.parametrize(
    ("jql", "finds"),
    [
        ('labels = "{mark}"', [0, 1]),
        ("labels = {mark} AND project = SEC", [0, 1]),
        ("labels = {mark} AND statusCategory = Done", [1]),
        ("labels = {mark} AND statusCategory != Done", [0]),
        ("labels in ({mark}, other) AND issuetype = Task", [0, 1]),
        ('labels = {mark} AND summary ~ "travel"', [0]),
        ("labels = {mark}-no", []),
    ],
)
def test_a_query_finds_the_same(either: Api, jql: str, finds: list[int]) -> None:
    mark = f"op-{time.monotonic_ns()}"
    made = [either.create(summary="Impossible travel", labels=[mark]), either.create(labels=[mark])]
    steps = either.send("GET", f"/issue/{made[1]}/transitions").json["transitions"]
    done = next(s["id"] for s in steps if s["to"]["statusCategory"]["key"] == "done")
    either.send("POST", f"/issue/{made[1]}/transitions", {"transition": {"id": done}})
    page = either.send("GET", "/search?jql=" + quote(jql.format(mark=mark))).json
    assert {"startAt", "maxResults", "total", "issues"} <= set(page)
    assert sorted(issue["key"] for issue in page["issues"]) == sorted(made[index] for index in finds)
    assert page["total"] == len(finds)


# An answer that both give: the path, {} standing for the key of a new issue.
ANSWERS = [
    "/serverInfo",
    "/myself",
    "/issueLinkType",
    "/status",
    "/issuetype",
    "/priority",
    "/resolution",
    "/project/SEC",
    "/project/SEC/statuses",
    "/project/SEC/components",
    "/issue/{}",
    "/issue/{}?expand=changelog",
    "/issue/{}/comment",
    "/issue/{}/transitions",
    "/search?jql=key%3D{}&fields=*all",
]


@pytest.mark.parametrize("path", ANSWERS)
def test_what_both_tell_is_of_the_same_kind(ours: Api, foreign: Api, path: str) -> None:
    told = []
    for api in (ours, foreign):
        key = api.create(labels=["a"], description="Words", priority=api.send("GET", "/priority").json[1])
        api.send("POST", f"/issue/{key}/comment", {"body": "x"})
        api.send("PUT", f"/issue/{key}/assignee", {"name": api.send("GET", "/myself").json["name"]})
        got = api.send("GET", path.format(key))
        assert got.status == 200
        told.append(got.json)
    assert differences(*told) == []


def differences(one: Any, other: Any, where: str = "") -> list[str]:
    """Where two answers have the same name for things of different kinds; what only one tells is passed over."""
    if one is None or other is None:
        return []
    if isinstance(one, dict) and isinstance(other, dict):
        return [
            line
            for name in one.keys() & other.keys()
            for line in differences(one[name], other[name], f"{where}.{name}")
        ]
    if isinstance(one, list) and isinstance(other, list):
        return differences(one[0], other[0], f"{where}[0]") if one and other else []
    return [] if type(one) is type(other) else [f"{where}: {one!r} and {other!r}"]
