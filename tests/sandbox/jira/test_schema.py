"""Every operation that the stand-in has answers as Jira Cloud's published schema says."""

from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.jira.api import SCHEMAS, Api, boot, operations, stop

pytestmark = pytest.mark.skipif(
    not SCHEMAS.exists(), reason="Jira's published schema lies beside the project, not in it"
)
CUSTOM = [
    {"id": "customfield_1", "name": "Team", "kind": "select", "options": ["Blue", "Red"]},
    {"id": "customfield_2", "name": "Score", "kind": "number"},
    {"id": "customfield_3", "name": "Tags", "kind": "multiselect", "options": ["a", "b"]},
]


def walk(api: Api) -> None:
    """Call every operation at least once, with answers that hold something."""
    is_v3 = api.version == "3"
    text: Any = {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": "x"}]}],
    }
    prose = text if is_v3 else "x"
    properties = [{"key": "a.b", "value": {"n": 1}}]
    api.control("PUT", "/project", {"key": "SEC", "custom_fields": CUSTOM})
    first = api.create(
        description=prose,
        labels=["one"],
        priority={"name": "High"},
        duedate="2026-12-01",
        components=[{"name": "Identity"}],
        security={"name": "Security team"},
        customfield_1={"value": "Red"},
        customfield_3=[{"value": "b"}],
    )
    second = api.create()
    steps: list[tuple[str, str, Any, int]] = [
        ("PUT", f"/issue/{first}", {"fields": {"summary": "New"}, "update": {"labels": [{"add": "two"}]}}, 204),
        ("PUT", f"/issue/{first}/assignee", {"accountId": "712020:ada-analyst"}, 204),
        ("POST", f"/issue/{first}/comment", {"body": prose, "properties": properties}, 201),
        ("GET", f"/issue/{first}/comment?expand=properties", None, 200),
        ("GET", f"/issue/{first}/transitions", None, 200),
        ("POST", f"/issue/{first}/transitions", {"transition": {"id": "31"}}, 204),
        ("GET", f"/issue/{first}/changelog", None, 200),
        ("GET", f"/issue/{first}/editmeta", None, 200),
        ("PUT", f"/issue/{first}/properties/p", {"q": 1}, 201),
        ("GET", f"/issue/{first}/properties", None, 200),
        ("GET", f"/issue/{first}/properties/p", None, 200),
        ("POST", f"/issue/{first}/remotelink", {"globalId": "g", "object": {"url": "http://p", "title": "t"}}, 201),
        ("GET", f"/issue/{first}/remotelink", None, 200),
        (
            "POST",
            "/issueLink",
            {"type": {"name": "Relates"}, "inwardIssue": {"key": first}, "outwardIssue": {"key": second}},
            201,
        ),
        ("GET", "/issueLink/30001", None, 200),
        ("GET", f"/issue/{first}?expand=changelog&properties=p", None, 200),
        ("GET", "/search/jql?jql=project%3DSEC&fields=*all", None, 200),
        ("POST", "/search/jql", {"jql": "project = SEC", "fields": ["*all"], "properties": ["p"]}, 200),
        ("POST", "/search/approximate-count", {"jql": "project = SEC"}, 200),
        ("GET", "/search?jql=project%3DSEC", None, 410),
        ("POST", "/search", {"jql": "project = SEC"}, 410),
        ("DELETE", "/issueLink/30001", None, 204),
        ("DELETE", f"/issue/{first}/properties/p", None, 204),
        ("DELETE", f"/issue/{first}/remotelink?globalId=g", None, 204),
        ("DELETE", f"/issue/{second}", None, 204),
        ("GET", "/issue/createmeta?expand=projects.issuetypes.fields", None, 200),
        ("GET", "/issue/createmeta/SEC/issuetypes", None, 200),
        ("GET", "/issue/createmeta/SEC/issuetypes/10001", None, 200),
        ("GET", "/user/search?query=ada", None, 200),
        ("GET", "/user/assignable/search?project=SEC", None, 200),
        ("GET", "/mypermissions?permissions=CREATE_ISSUES&projectKey=SEC", None, 200),
        ("GET", "/project/SEC/statuses", None, 200),
        ("GET", "/project/SEC", None, 200),
    ]
    plain = ("project", "project/search", "issuetype", "field", "priority", "priority/search", "status", "resolution")
    steps += [("GET", f"/{name}", None, 200) for name in (*plain, "myself", "serverInfo", "issueLinkType")]
    steps += [
        ("GET", "/webhook", None, 403),
        ("POST", "/webhook", {"url": "https://portal.example.com", "webhooks": []}, 403),
        ("DELETE", "/webhook", {"webhookIds": [1]}, 403),
        ("PUT", "/webhook/refresh", {"webhookIds": [1]}, 403),
        ("GET", "/webhook/failed", None, 403),
    ]
    assert api.upload(first, "evidence.txt", b"one\ntwo").status == 200
    for method, path, body, status in steps:
        got = api.send(method, path, body)
        assert got.status == status, (method, path, got.text)


@pytest.mark.parametrize("version", ["2", "3"])
def test_every_operation_answers_as_published(tmp_path: Path, version: str) -> None:
    server = boot(tmp_path)
    api = Api(server.jira.base_url, version=version)
    walk(api)
    assert set(operations(version)) == api.seen
    stop(server)
