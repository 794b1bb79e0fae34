"""Screens and what may be put into their fields; permissions; components; security levels; people."""

from typing import Any

import pytest

from tests.sandbox.jira.api import Api

DOCUMENT = {
    "type": "doc",
    "version": 1,
    "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Hello"}]}],
}
# kind, what is put in, what is read out, something that is refused, and why
KINDS: list[tuple[str, Any, Any, Any, str]] = [
    ("text", "x", "x", 7, "Operation value must be a string"),
    ("text", None, None, "x" * 256, "The entered text is too long. It exceeds the allowed limit of 255 characters."),
    ("textarea", "*x*", "*x*", DOCUMENT, "Operation value must be a string"),
    ("number", 7.5, 7.5, "7", "Operation value must be a number"),
    ("date", "2026-11-24", "2026-11-24", "24.11.", "Error parsing date string: 24.11."),
    ("select", {"value": "Red"}, "Red", {"value": "Green"}, "Option value 'Green' is not valid"),
    ("select", {"id": "1"}, "Blue", "Red", "Specify a valid 'id' or 'value'"),
    ("multiselect", [{"value": "Red"}], ["Red"], {"value": "Red"}, "data was not an array"),
    ("user", {"accountId": "712020:ada-analyst"}, "Ada Analyst", {"accountId": "x"}, "data was not a valid user"),
]


@pytest.mark.parametrize(("kind", "sent", "read", "wrong", "sentence"), KINDS)
def test_a_custom_field_takes_what_its_kind_holds(
    jira: Api, kind: str, sent: Any, read: Any, wrong: Any, sentence: str
) -> None:
    field = {
        "id": "customfield_9",
        "name": "Nine",
        "kind": kind,
        "options": ["Blue", "Red"] if "select" in kind else [],
    }
    jira.control("PUT", "/project", {"key": "SEC", "custom_fields": [field]})
    told = jira.fields(jira.create(customfield_9=sent))["customfield_9"]
    if isinstance(told, list):
        told = [option["value"] for option in told]
    elif isinstance(told, dict):
        told = told.get("value") or told.get("displayName")
    assert told == read
    got = jira.send("POST", "/issue", {"fields": {**jira.minimal(), "customfield_9": wrong}})
    assert (got.status, got.json["errors"]) == (400, {"customfield_9": sentence})


def test_a_long_text_of_v3_is_a_document(jira_v3: Api) -> None:
    field = {"id": "customfield_9", "name": "Nine", "kind": "textarea"}
    jira_v3.control("PUT", "/project", {"key": "SEC", "custom_fields": [field]})
    key = jira_v3.create(customfield_9=DOCUMENT)
    assert jira_v3.fields(key)["customfield_9"] == DOCUMENT
    assert jira_v3.send("PUT", f"/issue/{key}", {"fields": {"customfield_9": "text"}}).status == 400


def test_create_metadata_old_and_new_tell_the_same_fields(jira: Api) -> None:
    field = {"id": "customfield_9", "name": "Nine", "kind": "select", "options": ["Blue"], "required": True}
    jira.control("PUT", "/project", {"key": "SEC", "custom_fields": [field], "off_screen": ["duedate"]})
    new = {f["fieldId"]: f for f in jira.send("GET", "/issue/createmeta/SEC/issuetypes/10001").json["fields"]}
    old = jira.send("GET", "/issue/createmeta?projectKeys=SEC&expand=projects.issuetypes.fields").json["projects"][0]
    assert set(old["issuetypes"][0]["fields"]) == set(new)
    assert "duedate" not in new
    assert new["customfield_9"]["required"] is True
    assert [option["value"] for option in new["customfield_9"]["allowedValues"]] == ["Blue"]
    assert [level["name"] for level in new["security"]["allowedValues"]] == ["Security team"]


def test_create_metadata_comes_in_pages(data_center: Api) -> None:
    first = data_center.send("GET", "/issue/createmeta/SEC/issuetypes?maxResults=2").json
    last = data_center.send("GET", "/issue/createmeta/SEC/issuetypes?maxResults=2&startAt=2").json
    assert [len(first["values"]), first["isLast"], len(last["values"]), last["isLast"]] == [2, False, 1, True]


def test_a_field_of_the_system_can_be_required(jira: Api) -> None:
    jira.control("PUT", "/project", {"key": "SEC", "required": ["components", "duedate"]})
    got = jira.send("POST", "/issue", {"fields": jira.minimal()})
    assert got.json["errors"] == {"components": "Components is required.", "duedate": "Due date is required."}
    assert jira.create(components=[{"name": "Identity"}], duedate="2026-12-01")


def test_components_are_those_of_the_project(jira: Api) -> None:
    key = jira.create(components=[{"name": "Identity"}])
    add = {"update": {"components": [{"add": {"name": "Network"}}]}}
    assert jira.send("PUT", f"/issue/{key}", add).status == 204
    assert [component["name"] for component in jira.fields(key)["components"]] == ["Identity", "Network"]
    got = jira.send("POST", "/issue", {"fields": {**jira.minimal(), "components": [{"name": "Tea"}]}})
    assert got.json["errors"] == {"components": "Component name 'Tea' is not valid"}
    in_soc = {"project": {"key": "SOC"}, "components": [{"name": "Identity"}]}
    got = jira.send("POST", "/issue", {"fields": {**jira.minimal(), **in_soc}})
    assert "not on the appropriate screen" in got.json["errors"]["components"]
    assert [component["name"] for component in jira.send("GET", "/project/SEC/components").json] == [
        "Identity",
        "Network",
    ]


def test_a_project_has_only_some_issue_types(jira: Api) -> None:
    got = jira.send(
        "POST", "/issue", {"fields": {**jira.minimal(), "project": {"key": "SOC"}, "issuetype": {"name": "Bug"}}}
    )
    assert got.json["errors"] == {"issuetype": "valid issue type is required"}


def test_a_security_level_can_hide_an_issue_from_the_program_that_made_it(jira: Api) -> None:
    key = jira.create(security={"name": "Security team"})
    assert jira.fields(key)["security"]["name"] == "Security team"
    hidden = {"fields": {"security": {"name": "Management"}}}
    assert jira.send("PUT", f"/issue/{key}", hidden).status == 400
    assert [level["name"] for level in jira.send("GET", "/project/SEC/securitylevel").json["levels"]] == [
        "Security team"
    ]
    assert jira.as_ada().send("PUT", f"/issue/{key}", hidden).status == 204
    assert jira.send("GET", f"/issue/{key}").status == 404
    assert jira.search("project = SEC")["issues"] == []
    assert len(jira.as_ada().search("level = Management")["issues"]) == 1


# permission: (method, path, body) of a call that needs it
CALLS: dict[str, tuple[str, str, Any]] = {
    "EDIT_ISSUES": ("PUT", "/issue/SEC-1", {"fields": {"summary": "x"}}),
    "ADD_COMMENTS": ("POST", "/issue/SEC-1/comment", {"body": "x"}),
    "ASSIGN_ISSUES": ("PUT", "/issue/SEC-1/assignee", {"accountId": None}),
    "DELETE_ISSUES": ("DELETE", "/issue/SEC-1", None),
    "LINK_ISSUES": ("POST", "/issue/SEC-1/remotelink", {"object": {"url": "http://p", "title": "t"}}),
    "SET_ISSUE_SECURITY": ("PUT", "/issue/SEC-1", {"fields": {"security": {"name": "Security team"}}}),
    "CREATE_ISSUES": ("POST", "/issue", {"fields": {"project": {"key": "SEC"}, "issuetype": {"name": "Task"}}}),
}


@pytest.mark.parametrize("permission", [*CALLS, "CREATE_ATTACHMENTS"])
def test_what_the_caller_may_not_do_is_refused_and_told_by_its_permissions(jira: Api, permission: str) -> None:
    key = jira.create()
    jira.control("PUT", "/project", {"key": "SEC", "lacking": [permission]})
    got = jira.upload(key, "a", b"a") if permission == "CREATE_ATTACHMENTS" else jira.send(*CALLS[permission])
    assert got.status == (400 if permission in {"CREATE_ISSUES", "SET_ISSUE_SECURITY"} else 403)
    assert got.json["errorMessages"] or got.json["errors"]
    told = jira.send("GET", f"/mypermissions?permissions={permission}&projectKey=SEC").json["permissions"]
    assert told[permission]["havePermission"] is False
    as_ada = jira.as_ada().send("GET", f"/mypermissions?permissions={permission}&projectKey=SEC").json["permissions"]
    assert as_ada[permission]["havePermission"] is True


def test_who_has_left_is_found_and_cannot_be_assigned(jira: Api, data_center: Api) -> None:
    assert [p["active"] for p in jira.send("GET", "/user/search?query=leo").json] == [False]
    assert jira.send("GET", "/user/assignable/search?project=SEC&query=leo").json == []
    got = jira.send("PUT", f"/issue/{jira.create()}/assignee", {"accountId": "712020:leo-analyst"})
    assert got.json["errors"] == {"assignee": "User '712020:leo-analyst' cannot be assigned issues."}
    assert data_center.send("GET", "/user?username=ada").json["displayName"] == "Ada Analyst"
    assert jira.send("GET", "/user?accountId=nobody").status == 404


def test_people_sign_in_with_the_callers_token(jira: Api, data_center: Api) -> None:
    for api in (jira, data_center):
        assert api.as_ada().send("GET", "/myself").json["displayName"] == "Ada Analyst"
        key = api.as_ada().create()
        assert api.fields(key)["reporter"]["displayName"] == "Ada Analyst"
