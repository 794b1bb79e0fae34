"""What a ticketing client does to issues, and what Jira says when it is wrong."""

from typing import Any

import pytest

from tests.sandbox.jira.api import Api

DOCUMENT = {
    "type": "doc",
    "version": 1,
    "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Hello"}]}],
}

# What is wrong with a new issue: (fields that differ, status, the field named, the sentence)
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"project": None}, "project", "Specify a valid project ID or key"),
    ({"project": {"key": "NOPE"}}, "project", "valid project is required"),
    ({"issuetype": None}, "issuetype", "Specify an issue type"),
    ({"issuetype": {"name": "Epic"}}, "issuetype", "valid issue type is required"),
    ({"issuetype": {"id": "99"}}, "issuetype", "The issue type selected is invalid."),
    ({"summary": " "}, "summary", "You must specify a summary of the issue."),
    ({"summary": "x" * 256}, "summary", "Summary can't exceed 255 characters."),
    ({"summary": "a\nb"}, "summary", "The summary is invalid because it contains newline characters."),
    ({"cost": 7}, "cost", "Field 'cost' cannot be set. It is not on the appropriate screen, or unknown."),
    ({"priority": {"name": "P1"}}, "priority", "The priority selected is invalid."),
    ({"labels": ["a b"]}, "labels", "The label 'a b' contains spaces which is invalid."),
    ({"description": DOCUMENT}, "description", "Operation value must be a string"),
    (
        {"description": "x" * 32_768},
        "description",
        "The entered text is too long. It exceeds the allowed limit of 32,767 characters.",
    ),
]


@pytest.mark.parametrize(("wrong", "field", "sentence"), REFUSED)
def test_a_new_issue_is_refused_in_jiras_words(jira: Api, wrong: dict[str, Any], field: str, sentence: str) -> None:
    got = jira.send("POST", "/issue", {"fields": {**jira.minimal(), **wrong}})
    assert got.status == 400
    assert got.json == {"errorMessages": [], "errors": {field: sentence}}


def test_all_that_is_wrong_with_fields_is_said_at_once(jira: Api) -> None:
    got = jira.send("POST", "/issue", {"fields": {**jira.minimal(), "labels": ["a b"], "priority": {"name": "P1"}}})
    assert set(got.json["errors"]) == {"labels", "priority"}


def test_v3_takes_documents_and_refuses_text(jira_v3: Api) -> None:
    got = jira_v3.send("POST", "/issue", {"fields": {**jira_v3.minimal(), "description": "text"}})
    sentence = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
    assert (got.status, got.json["errors"]) == (400, {"description": sentence})
    key = jira_v3.create(description=DOCUMENT)
    assert jira_v3.fields(key)["description"] == DOCUMENT


def test_what_was_written_by_one_version_reads_as_the_other_has_it(jira: Api) -> None:
    key = jira.create(description="*Hello*\n\nthere")
    v3 = Api(jira.url, version="3")
    paragraphs = [p["content"][0]["text"] for p in v3.fields(key)["description"]["content"]]
    assert paragraphs == ["Hello", "there"]
    key = v3.create(description=DOCUMENT)
    assert jira.fields(key)["description"] == "Hello"


def test_a_refused_issue_leaves_nothing_behind(jira: Api) -> None:
    jira.send("POST", "/issue", {"fields": {**jira.minimal(), "labels": ["a b"]}})
    assert jira.create() == "SEC-1"


def test_a_project_that_is_read_only_is_refused(jira: Api, data_center: Api) -> None:
    sentence = "You do not have permission to create issues in this project."
    for api, status in ((jira, 400), (data_center, 403)):
        got = api.send("POST", "/issue", {"fields": {**api.minimal(), "project": {"key": "ARCH"}}})
        assert (got.status, got.json["errorMessages"]) == (status, [sentence])


def test_an_issue_that_is_not_there_is_missed_in_the_words_of_each_jira(jira: Api, data_center: Api) -> None:
    on_cloud = jira.send("GET", "/issue/SEC-9")
    assert (on_cloud.status, on_cloud.json["errorMessages"]) == (
        404,
        ["Issue does not exist or you do not have permission to see it."],
    )
    assert data_center.send("GET", "/issue/SEC-9").json["errorMessages"] == ["Issue Does Not Exist"]


def test_a_screen_without_labels_refuses_labels_and_a_required_field_is_required(jira: Api) -> None:
    team = {"id": "customfield_10050", "name": "Team", "required": True}
    screen = {"key": "SEC", "off_screen": ["labels"], "custom_fields": [team]}
    assert jira.raw("PUT", "/_sandbox/project", screen).status == 204
    got = jira.send("POST", "/issue", {"fields": {**jira.minimal(), "labels": ["a"]}})
    assert "labels" in got.json["errors"]
    got = jira.send("POST", "/issue", {"fields": jira.minimal()})
    assert got.json["errors"] == {"customfield_10050": "Team is required."}
    key = jira.create(customfield_10050="Blue")
    assert jira.fields(key)["customfield_10050"] == "Blue"
    offered = {field["fieldId"] for field in jira.send("GET", "/issue/createmeta/SEC/issuetypes/10001").json["fields"]}
    assert "customfield_10050" in offered
    assert "labels" not in offered


def test_an_issue_moves_by_what_its_transitions_offer(jira: Api) -> None:
    key = jira.create()
    steps = {
        s["to"]["statusCategory"]["key"]: s for s in jira.send("GET", f"/issue/{key}/transitions").json["transitions"]
    }
    assert set(steps) == {"indeterminate", "done"}
    assert steps["done"]["name"] != steps["done"]["to"]["name"]
    assert jira.send("POST", f"/issue/{key}/transitions", {"transition": {"id": steps["done"]["id"]}}).status == 204
    fields = jira.fields(key)
    assert fields["status"]["statusCategory"]["key"] == "done"
    assert fields["resolution"]["name"] == "Done"
    assert fields["resolutiondate"]


def test_a_reopened_issue_has_no_resolution(jira: Api) -> None:
    key = jira.create()
    close = {"transition": {"id": "31"}, "fields": {"resolution": {"name": "Won't Do"}}}
    assert jira.send("POST", f"/issue/{key}/transitions", close).status == 204
    assert jira.fields(key)["resolution"]["name"] == "Won't Do"
    jira.send("POST", f"/issue/{key}/transitions", {"transition": {"id": "11"}})
    assert jira.fields(key)["resolution"] is None


@pytest.mark.parametrize("wrong", ["99", "11"])
def test_a_transition_that_is_not_offered_is_refused(jira: Api, wrong: str) -> None:
    got = jira.send("POST", f"/issue/{jira.create()}/transitions", {"transition": {"id": wrong}})
    assert (got.status, got.json["errorMessages"]) == (400, [f"Transition id '{wrong}' is not valid for this issue."])


def test_an_edit_answers_without_a_body_and_is_told_by_the_changelog(jira: Api) -> None:
    key = jira.create(labels=["one"])
    got = jira.send(
        "PUT", f"/issue/{key}", {"fields": {"priority": {"name": "Highest"}}, "update": {"labels": [{"add": "two"}]}}
    )
    assert (got.status, got.text) == (204, "")
    assert jira.fields(key)["labels"] == ["one", "two"]
    items = jira.send("GET", f"/issue/{key}/changelog").json["values"][0]["items"]
    assert {(i["field"], i["fromString"], i["toString"]) for i in items} == {
        ("priority", "Medium", "Highest"),
        ("labels", "one", "one two"),
    }


def test_a_comment_carries_properties_that_a_listing_tells_when_asked(jira: Api) -> None:
    key = jira.create()
    mark = {"key": "oktadetect.operation", "value": {"operation": "7"}}
    assert jira.send("POST", f"/issue/{key}/comment", {"body": "first"}).status == 201
    made = jira.send("POST", f"/issue/{key}/comment", {"body": "second", "properties": [mark]}).json
    newest = jira.send("GET", f"/issue/{key}/comment?expand=properties&orderBy=-created&maxResults=1").json
    assert newest["total"] == 2
    assert newest["comments"][0]["id"] == made["id"]
    assert newest["comments"][0]["properties"] == [mark]
    assert "properties" not in jira.send("GET", f"/issue/{key}/comment").json["comments"][0]
    assert jira.send("GET", f"/comment/{made['id']}/properties/oktadetect.operation").json == mark


def test_an_empty_comment_is_refused(jira: Api) -> None:
    got = jira.send("POST", f"/issue/{jira.create()}/comment", {"body": ""})
    assert (got.status, got.json["errors"]) == (400, {"comment": "Comment body can not be empty!"})


def test_a_repeated_link_is_not_doubled(jira: Api) -> None:
    a, b = jira.create(), jira.create()
    link = {"type": {"name": "Blocks"}, "inwardIssue": {"key": a}, "outwardIssue": {"key": b}}
    for _ in range(2):
        got = jira.send("POST", "/issueLink", link)
        assert (got.status, got.text) == (201, "")
    assert [(entry["type"]["outward"], entry["outwardIssue"]["key"]) for entry in jira.fields(a)["issuelinks"]] == [
        ("blocks", b)
    ]
    assert [entry["inwardIssue"]["key"] for entry in jira.fields(b)["issuelinks"]] == [a]


def test_an_unknown_link_type_is_missed(jira: Api) -> None:
    a, b = jira.create(), jira.create()
    got = jira.send(
        "POST", "/issueLink", {"type": {"name": "X"}, "inwardIssue": {"key": a}, "outwardIssue": {"key": b}}
    )
    assert (got.status, got.json["errorMessages"]) == (404, ["No issue link type with name 'X' found."])


def test_a_remote_link_is_replaced_by_its_global_id(jira: Api) -> None:
    key = jira.create()
    first = {"globalId": "g", "relationship": "caused by", "object": {"url": "http://one", "title": "One"}}
    made = jira.send("POST", f"/issue/{key}/remotelink", first)
    again = jira.send(
        "POST", f"/issue/{key}/remotelink", {"globalId": "g", "object": {"url": "http://two", "title": "Two"}}
    )
    assert (made.status, again.status) == (201, 200)
    assert made.json["id"] == again.json["id"]
    links = jira.send("GET", f"/issue/{key}/remotelink").json
    assert [link["object"]["title"] for link in links] == ["Two"]
    assert "relationship" not in links[0]


def test_properties_come_with_the_issue_that_was_created_with_them(jira: Api) -> None:
    body = {"fields": jira.minimal(), "properties": [{"key": "oktadetect.operation", "value": {"operation": "7"}}]}
    key = jira.send("POST", "/issue", body).json["key"]
    assert jira.send("GET", f"/issue/{key}/properties/oktadetect.operation").json["value"] == {"operation": "7"}
    assert jira.send("GET", f"/issue/{key}/properties/other").status == 404
    found = jira.search("project = SEC", properties=["oktadetect.operation"])["issues"]
    assert found[0]["properties"] == {"oktadetect.operation": {"operation": "7"}}


def test_a_key_is_never_used_again(jira: Api) -> None:
    first = jira.create()
    assert jira.send("DELETE", f"/issue/{first}").status == 204
    assert jira.create() == "SEC-2"
    assert jira.send("GET", f"/issue/{first}").status == 404
