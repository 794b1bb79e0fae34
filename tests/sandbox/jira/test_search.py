"""JQL, as far as it is understood, and the two searches."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from sandbox.jira.jql import parse
from sandbox.jira.jql_values import JqlError
from sandbox.jira.site import make_site
from tests.sandbox.jira.api import Api

SITE = make_site("cloud", "bot@example.com", "t")


def keys(jira: Api, jql: str) -> list[str]:
    return [issue["key"] for issue in jira.search(jql, fields=["key"])["issues"]]


@pytest.fixture
def filled(jira: Api) -> Api:
    """SEC-1 to SEC-3: a closed bug, a task about travel, and an incident."""
    jira.create(issuetype={"name": "Bug"}, summary="Old phone", labels=["okta", "op-1"], priority={"name": "Low"})
    jira.create(summary="Impossible travel of Ada", description="Signed in at *Lagos*", labels=["okta"])
    jira.send("PUT", "/issue/SEC-2", {"fields": {"components": [{"name": "Identity"}]}})
    jira.create(issuetype={"name": "Incident"}, summary="Password spray 100%", priority={"name": "Highest"})
    jira.close("SEC-1")
    jira.send("POST", "/issue/SEC-3/comment", {"body": "I phoned her"})
    link = {"type": {"name": "Relates"}, "inwardIssue": {"key": "SEC-2"}, "outwardIssue": {"key": "SEC-1"}}
    jira.send("POST", "/issueLink", link)
    return jira


@pytest.mark.parametrize(
    ("jql", "found"),
    [
        ("project = SEC", ["SEC-3", "SEC-2", "SEC-1"]),
        ('project = "Security" ORDER BY key ASC', ["SEC-1", "SEC-2", "SEC-3"]),
        ("project = SEC ORDER BY priority", ["SEC-3", "SEC-2", "SEC-1"]),
        ('labels = "op-1"', ["SEC-1"]),
        ("labels in (op-1, okta) AND status != Done", ["SEC-2"]),
        ("labels is EMPTY", ["SEC-3"]),
        ("key in (SEC-1, sec-3)", ["SEC-3", "SEC-1"]),
        ("statusCategory = Done", ["SEC-1"]),
        ('statusCategory != "done"', ["SEC-3", "SEC-2"]),
        ("status = 'To Do' AND issuetype = Incident", ["SEC-3"]),
        ("resolution is EMPTY", ["SEC-3", "SEC-2"]),
        ("resolution is not EMPTY", ["SEC-1"]),
        ('text ~ "lagos travel"', ["SEC-2"]),
        ('summary ~ "100%"', ["SEC-3"]),
        ('description ~ "phone"', []),
        ("priority = Low OR priority = Highest AND project = SEC", ["SEC-3", "SEC-1"]),
        ("(priority = Low OR priority = Highest) AND statusCategory = Done", ["SEC-1"]),
        ("created >= -5m AND updated > 2020-01-01", ["SEC-3", "SEC-2", "SEC-1"]),
        ('created < "2020-01-01 12:30"', []),
        ("NOT labels = okta", ["SEC-3"]),
        ("project = SEC AND NOT (labels = op-1 OR priority = Highest)", ["SEC-2"]),
        ("labels not in (op-1)", ["SEC-3", "SEC-2"]),
        ('summary !~ "travel"', ["SEC-3", "SEC-1"]),
        ("reporter = currentUser() AND created <= now()", ["SEC-3", "SEC-2", "SEC-1"]),
        ("reporter = ada@example.com", []),
        ("created >= startOfDay(-1d) AND created <= endOfDay(1d)", ["SEC-3", "SEC-2", "SEC-1"]),
        ("created > endOfDay()", []),
        ("issue in linkedIssues(SEC-1)", ["SEC-2"]),
        ("key not in linkedIssues(SEC-2) AND project = SEC", ["SEC-3", "SEC-2"]),
        ("component = Identity", ["SEC-2"]),
        ("component is EMPTY", ["SEC-3", "SEC-1"]),
        ("level is EMPTY AND level != Management", []),
        ('comment ~ "phoned"', ["SEC-3"]),
        ('text ~ "phoned"', ["SEC-3"]),
    ],
)
def test_a_query_finds_what_it_says(filled: Api, jql: str, found: list[str]) -> None:
    assert keys(filled, jql) == found


@pytest.mark.parametrize(
    ("jql", "sentence"),
    [
        ("project = NOPE", "The value 'NOPE' does not exist for the field 'project'."),
        ("status = Nope", "The value 'Nope' does not exist for the field 'status'."),
        ("colour = red", "Field 'colour' does not exist or you do not have permission to view it."),
        ("project ~ SEC", "The operator '~' is not supported by the 'project' field."),
        ("summary = x", "The operator '=' is not supported by the 'summary' field."),
        ("project SEC", "Expecting operator but got 'SEC'"),
        ("project = SEC labels = x", "Expecting either 'OR' or 'AND' but got 'labels'"),
        ("project = ", "before the end of the query"),
        ("project = SEC AND", "before the end of the query"),
        ("key in (SEC-1", "before the end of the query"),
        ('project = "SEC', "is a reserved JQL character"),
        ("project = SEC ORDER BY colour", "Not able to sort using field 'colour'."),
        ("created > startOfCentury()", "Unable to find JQL function 'startOfCentury()'."),
        ("created > startOfDay(soon)", "Duration for function is invalid: 'soon'."),
        ("created > now(1)", "Unable to find JQL function 'now(1)'."),
        ("component = Tea", "The value 'Tea' does not exist for the field 'component'."),
        ("issue.property[a].b = 1", "does not exist or you do not have permission to view it."),
        ("created > yesterday", "Date value 'yesterday' for field 'created' is invalid."),
    ],
)
def test_what_is_not_understood_is_refused_in_jiras_words(jql: str, sentence: str) -> None:
    with pytest.raises(JqlError) as refused:
        parse(jql, SITE)
    assert sentence in str(refused.value)


def test_a_query_that_names_a_missing_issue_is_refused_whole(filled: Api) -> None:
    got = filled.send("POST", "/search/jql", {"jql": "key in (SEC-1, SEC-99)"})
    assert (got.status, got.json["errorMessages"]) == (
        400,
        ["An issue with key 'SEC-99' does not exist for field 'key'."],
    )


def test_typed_sql_is_only_a_value(filled: Api) -> None:
    assert keys(filled, 'labels = "x\' OR 1=1 --"') == []
    assert keys(filled, 'project = SEC AND summary ~ "x\') OR 1=1"') == []


def test_ids_alone_come_unless_fields_are_asked_for(filled: Api) -> None:
    answer = filled.search("project = SEC")
    assert answer["issues"][0] == {"id": "10003"}
    assert "total" not in answer
    with_fields = filled.search("key = SEC-2", fields=["summary", "status"])["issues"][0]
    assert set(with_fields["fields"]) == {"summary", "status"}


def test_pages_are_linked_by_a_token(filled: Api) -> None:
    first = filled.search("project = SEC", maxResults=2)
    assert first["isLast"] is False
    second = filled.search("project = SEC", maxResults=2, nextPageToken=first["nextPageToken"])
    assert second["isLast"] is True
    assert "nextPageToken" not in second
    assert [issue["id"] for page in (first, second) for issue in page["issues"]] == ["10003", "10002", "10001"]
    assert filled.send("POST", "/search/jql", {"jql": "project = SEC", "nextPageToken": "x"}).status == 400


@pytest.mark.parametrize("jql", ["", "ORDER BY created DESC"])
def test_an_unbounded_query_is_refused_on_cloud(jira: Api, jql: str) -> None:
    got = jira.send("POST", "/search/jql", {"jql": jql})
    sentence = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
    assert (got.status, got.json["errorMessages"]) == (400, [sentence])


def test_the_old_search_is_gone_from_cloud_and_works_on_data_center(jira: Api, data_center: Api) -> None:
    gone = jira.send("GET", "/search?jql=project%3DSEC")
    assert gone.status == 410
    assert gone.json["errorMessages"][0].startswith("The requested API has been removed.")
    data_center.create()
    answer = data_center.send("GET", "/search?jql=project%3DSEC&fields=summary").json
    assert (answer["total"], answer["issues"][0]["fields"]) == (1, {"summary": "Something"})
    assert data_center.send("GET", "/search/jql?jql=project%3DSEC").status == 404


@pytest.mark.parametrize(
    ("zone", "offset"), [("Europe/Berlin", "+0100"), ("America/St_Johns", "-0330"), ("UTC", "+0000")]
)
def test_times_are_told_and_asked_for_in_the_callers_zone(jira: Api, zone: str, offset: str) -> None:
    at = datetime(2026, 1, 20, 23, 30, tzinfo=UTC)
    with time_machine.travel(at, tick=False):
        key = jira.create()
    jira.control("PUT", "/conditions", {"time_zone": zone})
    created = jira.fields(key)["created"]
    assert created.endswith(offset)
    assert datetime.fromisoformat(created) == at
    assert jira.send("GET", "/myself").json["timeZone"] == (zone if zone != "UTC" else "Etc/UTC")
    here = at.astimezone(ZoneInfo(zone))
    assert keys(jira, f'created >= "{here:%Y-%m-%d %H:%M}"') == [key]
    assert keys(jira, f'created > "{here + timedelta(minutes=1):%Y-%m-%d %H:%M}"') == []


def test_pages_may_be_shorter_than_asked(filled: Api) -> None:
    filled.control("PUT", "/conditions", {"page_limit": 1})
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = filled.search("project = SEC", maxResults=100, **token)
        found += [issue["id"] for issue in page["issues"]]
        assert len(page["issues"]) <= 1
        if page["isLast"]:
            break
        token = {"nextPageToken": page["nextPageToken"]}
    assert found == ["10003", "10002", "10001"]


def test_the_old_search_of_data_center_tells_short_pages_and_the_whole_total(data_center: Api) -> None:
    for _ in range(3):
        data_center.create()
    data_center.control("PUT", "/conditions", {"page_limit": 2})
    page = data_center.send("GET", "/search?jql=project%3DSEC&maxResults=50").json
    assert (page["total"], page["maxResults"], len(page["issues"])) == (3, 2, 2)
