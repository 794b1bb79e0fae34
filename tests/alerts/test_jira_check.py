"""What keeps tickets from being right is told with its fix; what does not belong together is found and mended."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from alerts.choices import OperationState
from alerts.models import JiraState, Ticket, TicketOperation, TicketTemplate
from alerts.ticketing import check, sweep, sync
from alerts.ticketing.findings import Finding
from core import clock
from tests.alerts.jira import in_use, move, ticket_of, ticketed, work
from tests.factories import make_alert, make_person, make_user
from tests.sandbox.jira.api import Api

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["cloud", "dc"])
def jira(request: pytest.FixtureRequest, tmp_path: Path, settings: Any) -> Iterator[Api]:
    """A stand-in that the portal uses, set up well."""
    settings.JIRA_INDEX_LAG_SECONDS = 20
    with in_use(tmp_path, request.param, settings) as api:
        yield api


def found(name: str, findings: list[Finding]) -> Finding:
    return next(finding for finding in findings if finding.name == name)


def test_a_jira_that_is_set_up_well_has_a_tick_on_each_line(jira: Api) -> None:
    ticketed()
    sync.poll()
    findings = check.run(deep=True)
    assert [finding for finding in findings if finding.state == "wrong"] == []
    assert {"Connection", "Clock", "Sign-in", "Project", "Permissions", "Issue type", "Required fields", "Labels",
            "Priorities", "Link types", "Transitions", "Webhook", "Creating", "Index lag"} <= {f.name for f in findings}  # fmt: skip
    assert len(jira.search("project = SEC")["issues"] if jira.profile == "cloud" else [1]) == 1, (
        "the test issue is deleted"
    )
    assert len(JiraState.load().checked) == len(findings)


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "labels": ({"off_screen": ["labels"]}, "Labels", "create screen"),
    "priority": ({"off_screen": ["priority"]}, "Priorities", "create screen"),
    "required": (
        {"custom_fields": [{"id": "customfield_10050", "name": "Team", "required": True}]}, "Required fields", "template",
    ),
    "permissions": ({"lacking": ["LINK_ISSUES", "ADD_COMMENTS"]}, "Permissions", "permission scheme"),
    "issue type": ({"issue_types": ["Bug"]}, "Issue type", "Bug"),
}  # fmt: skip


@pytest.mark.parametrize("case", list(WRONG))
def test_what_is_wrong_in_the_project_is_named_with_its_fix(jira: Api, case: str) -> None:
    changes, name, fix = WRONG[case]
    jira.control("PUT", "/project", {"key": "SEC", **changes})
    finding = found(name, check.run())
    assert finding.state == "wrong"
    assert fix in finding.fix


def test_a_required_field_that_the_ticket_template_fills_in_is_no_fault(jira: Api) -> None:
    team = {"id": "customfield_10050", "name": "Team", "required": True}
    jira.control("PUT", "/project", {"key": "SEC", "custom_fields": [team]})
    TicketTemplate.objects.create(resolved=[{"id": "customfield_10050", "name": "Team"}])
    assert found("Required fields", check.run()).state == "ok"


def test_wrong_settings_are_named_and_what_stands_on_them_is_not_asked(jira: Api, settings: Any) -> None:
    settings.JIRA_PRIORITIES = ["P1", "High", "Medium", "Low", "Lowest"]
    assert "P1" in found("Priorities", check.run()).words
    settings.JIRA_PROJECT = "NONE"
    assert check.run()[-1].name == "Project"
    jira.control("PUT", "/conditions", {"token_expired": True})
    assert (check.run()[-1].name, check.run()[-1].state) == ("Sign-in", "wrong")
    settings.JIRA_URL = ""
    assert [finding.name for finding in check.run()] == ["Address"]


def test_a_closing_step_that_asks_for_a_field_is_named_before_it_fails(jira: Api) -> None:
    ticketed()
    sync.poll()
    steps = [{"id": "7", "name": "Finish", "to": "Done", "screen": {"resolution": True}}]
    jira.control("PUT", "/project", {"key": "SEC", "workflow": {"first": "To Do", "transitions": steps}})
    assert "OKTADETECT_JIRA_RESOLUTION" in found("Transitions", check.run()).fix


def test_a_way_to_done_in_two_steps_is_seen(jira: Api) -> None:
    ticketed()
    sync.poll()
    steps = [
        {"id": "7", "name": "Begin", "from": ["To Do"], "to": "In Progress"},
        {"id": "8", "name": "Finish", "from": ["In Progress"], "to": "Done"},
    ]
    jira.control("PUT", "/project", {"key": "SEC", "workflow": {"first": "To Do", "transitions": steps}})
    finding = found("Transitions", check.run())
    assert (finding.state, "to “In Progress”; it is closed from there" in finding.words) == ("ok", True)


def test_the_command_prints_each_finding_and_exits_1_when_something_is_wrong(jira: Api, settings: Any) -> None:
    out = StringIO()
    call_command("jira", "check", "--json", stdout=out)
    assert {json.loads(line)["state"] for line in out.getvalue().splitlines()} == {"ok", "note"}
    settings.JIRA_ISSUE_TYPE = "Nonsense"
    with pytest.raises(CommandError, match="1 thing wrong"):
        call_command("jira", "check", stdout=StringIO())


def create_of(ticket: Ticket) -> TicketOperation:
    return TicketOperation.objects.get(case=ticket.case, kind="create")


def second_issue(jira: Api, ticket: Ticket) -> str:
    """Return another issue that carries the ticket's label, as a repeated create would leave behind."""
    return jira.create(labels=["oktadetect", f"oktadetect-{create_of(ticket).pk}"])


def test_a_duplicate_is_linked_to_the_ticket_that_counts_and_reported(jira: Api) -> None:
    ticket = ticket_of(ticketed())
    other = second_issue(jira, ticket)
    assert [finding.name for finding in sweep.run(mend=False)] == ["Duplicate"]
    assert jira.fields(other)["issuelinks"] == []
    for _ in range(2):
        [finding] = sweep.run(mend=True)
        assert other in finding.words
    [link] = jira.fields(other)["issuelinks"]
    assert (link["type"]["name"], link["outwardIssue"]["key"]) == ("Duplicate", ticket.key)
    assert ticket_of(ticket.case.alerts.get()).key == ticket.key


def test_an_issue_with_our_label_and_without_a_case_is_reported_and_left_alone(jira: Api) -> None:
    key = jira.create(labels=["oktadetect", "oktadetect-00000000-0000-0000-0000-000000000007", "oktadetect-mine"])
    [finding] = sweep.run(mend=True)
    assert (finding.name, key in finding.words) == ("Stray", True)


def test_a_ticket_that_the_case_does_not_know_becomes_its_ticket(jira: Api) -> None:
    alert = ticketed()
    key = ticket_of(alert).key
    Ticket.objects.all().delete()
    TicketOperation.objects.update(state=OperationState.FAILED)
    assert [finding.state for finding in sweep.run(mend=False)] == ["wrong"]
    sweep.run(mend=True)
    assert ticket_of(alert).key == key
    assert create_of(ticket_of(alert)).state == "done"
    assert sweep.run(mend=True) == []


def test_a_case_for_which_no_ticket_was_ever_owed_is_owed_one_once(jira: Api) -> None:
    alert = make_alert()
    make_alert(status="closed")
    assert [finding.state for finding in sweep.run(mend=False)] == ["wrong"]
    assert [finding.state for finding in sweep.run(mend=True)] == ["note"]
    assert sweep.run(mend=True) == []
    work(alert)
    assert ticket_of(alert).key


def test_a_ticket_that_was_deleted_unheard_is_found_by_the_sweep(jira: Api) -> None:
    ticket = ticket_of(ticketed())
    jira.send("DELETE", f"/issue/{ticket.key}")
    [finding] = sweep.run(mend=True)
    assert (finding.name, ticket.key in finding.words) == ("Gone", True)


def test_a_sweep_with_an_expired_token_finds_out_that_and_nothing_else(jira: Api) -> None:
    ticketed()
    jira.control("PUT", "/conditions", {"token_expired": True})
    assert [finding.name for finding in sweep.run(mend=True)] == ["Jira"]


def test_the_page_shows_check_and_sweep_and_has_a_check_done(jira: Api) -> None:
    browser = Client()
    browser.force_login(make_user())
    alert = ticketed()
    second_issue(jira, ticket_of(alert))
    sweep.run(mend=False)
    assert browser.post("/pipeline/jira/check/").status_code == 302
    assert "being checked" in browser.get("/pipeline/jira/").content.decode()
    check.asked()
    text = browser.get("/pipeline/jira/").content.decode()
    for words in ("Labels", "on the create screen", "Duplicate", "Check now"):
        assert words in text


def test_the_alerts_page_shows_the_tickets_state_and_offers_a_new_one_for_one_that_is_gone(jira: Api) -> None:
    browser = Client()
    browser.force_login(make_user())
    alert = ticketed()
    move(jira.as_ada(), ticket_of(alert).key, "indeterminate")
    sync.read(alert.case_id)
    text = browser.get(f"/alerts/{alert.pk}/").content.decode()
    for words in ("In Progress", "Read from Jira", "changed the status in Jira"):
        assert words in text
    assert "Make a new ticket" not in text
    Ticket.objects.update(gone_at=clock.now())
    assert "Make a new ticket" in browser.get(f"/alerts/{alert.pk}/").content.decode()
    assert browser.post(f"/alerts/{alert.pk}/new-ticket/").status_code == 302
    assert not Ticket.objects.exists()
    assert not sync.replace(alert.case_id, make_person())
