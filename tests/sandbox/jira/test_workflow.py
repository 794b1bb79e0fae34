"""Workflows that differ by project, and transitions whose screens ask for something."""

from typing import Any

import pytest

from tests.sandbox.jira.api import Api


@pytest.fixture
def incident(jira: Api) -> str:
    """An incident in SOC, whose workflow goes step by step."""
    return jira.create(project={"key": "SOC"}, issuetype={"name": "Incident"})


def steps(api: Api, key: str) -> dict[str, dict[str, Any]]:
    found = api.send("GET", f"/issue/{key}/transitions?expand=transitions.fields").json["transitions"]
    return {step["name"]: step for step in found}


def take(api: Api, key: str, name: str, **body: Any) -> Any:
    return api.send("POST", f"/issue/{key}/transitions", {"transition": {"id": steps(api, key)[name]["id"]}, **body})


def test_each_project_has_its_own_way(jira: Api, incident: str) -> None:
    assert jira.fields(incident)["status"]["name"] == "Triage"
    assert set(steps(jira, incident)) == {"Take"}, "no way to the end from the start"
    assert set(steps(jira, jira.create())) == {"Start work", "Close"}
    statuses = {s["name"] for s in jira.send("GET", "/project/SOC/statuses").json[0]["statuses"]}
    assert statuses == {"Triage", "Investigating", "Contained", "Resolved", "Rejected"}


def test_a_step_of_another_status_is_not_valid(jira: Api, incident: str) -> None:
    got = jira.send("POST", f"/issue/{incident}/transitions", {"transition": {"id": "121"}})
    assert (got.status, got.json["errorMessages"]) == (400, ["Transition id '121' is not valid for this issue."])


def test_a_screen_that_asks_for_a_resolution_gets_one(jira: Api, incident: str) -> None:
    assert take(jira, incident, "Take").status == 204
    finish = steps(jira, incident)["Finish"]
    assert finish["hasScreen"] is True
    assert finish["fields"]["resolution"]["required"] is True
    assert "Won't Do" in {value["name"] for value in finish["fields"]["resolution"]["allowedValues"]}
    refused = take(jira, incident, "Finish")
    assert (refused.status, refused.json["errors"]) == (400, {"resolution": "Resolution is required."})
    assert jira.fields(incident)["status"]["name"] == "Investigating"
    assert take(jira, incident, "Finish", fields={"resolution": {"name": "Done"}}).status == 204
    assert jira.fields(incident)["resolution"]["name"] == "Done"


def test_a_field_that_is_not_on_the_screen_is_refused(jira: Api, incident: str) -> None:
    got = take(jira, incident, "Take", fields={"resolution": {"name": "Done"}})
    sentence = "Field 'resolution' cannot be set. It is not on the appropriate screen, or unknown."
    assert (got.status, got.json["errors"]) == (400, {"resolution": sentence})
    assert jira.fields(incident)["status"]["name"] == "Triage"


def test_a_transition_can_carry_a_comment_and_an_assignee(jira: Api) -> None:
    key = jira.create()
    update = {"comment": [{"add": {"body": "closing"}}]}
    assert (
        take(jira, key, "Close", fields={"assignee": {"accountId": "712020:ada-analyst"}}, update=update).status == 204
    )
    fields = jira.fields(key)
    assert fields["assignee"]["displayName"] == "Ada Analyst"
    assert [comment["body"] for comment in fields["comment"]["comments"]] == ["closing"]
    items = jira.send("GET", f"/issue/{key}/changelog").json["values"][-1]["items"]
    assert {item["field"]: item["toString"] for item in items} == {
        "assignee": "Ada Analyst",
        "status": "Done",
        "resolution": "Done",
    }


def test_a_workflow_can_be_set_up_otherwise(jira: Api) -> None:
    team = {"id": "customfield_7", "name": "Cause", "kind": "select", "options": ["Phishing", "Other"]}
    workflow = {
        "first": "Triage",
        "transitions": [
            {"id": 5, "name": "Away", "to": "Rejected", "from": ["Triage"], "screen": {"customfield_7": True}},
            {"id": 6, "name": "Back", "to": "Triage"},
        ],
    }
    jira.control("PUT", "/project", {"key": "SEC", "workflow": workflow, "custom_fields": [team]})
    key = jira.create()
    refused = take(jira, key, "Away")
    assert refused.json["errors"] == {"customfield_7": "Cause is required."}
    assert take(jira, key, "Away", fields={"customfield_7": {"value": "Phishing"}}).status == 204
    assert jira.fields(key)["status"]["statusCategory"]["key"] == "done"
    assert jira.fields(key)["customfield_7"]["value"] == "Phishing"


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "NOPE"},
        {"key": "SEC", "colour": 1},
        {"key": "SEC", "workflow": {"first": "Nirvana", "transitions": []}},
        {"key": "SEC", "custom_fields": [{"id": "customfield_1", "name": "x", "kind": "song"}]},
    ],
)
def test_a_setup_that_makes_no_sense_is_refused(jira: Api, wrong: dict[str, Any]) -> None:
    assert jira.raw("PUT", "/_sandbox/project", wrong).status == 400


def test_who_may_not_transition_is_offered_nothing(jira: Api) -> None:
    key = jira.create()
    jira.control("PUT", "/project", {"key": "SEC", "lacking": ["TRANSITION_ISSUES"]})
    assert steps(jira, key) == {}
    assert jira.send("POST", f"/issue/{key}/transitions", {"transition": {"id": "31"}}).status == 403
    assert set(steps(jira.as_ada(), key)) == {"Start work", "Close"}, "people may"
