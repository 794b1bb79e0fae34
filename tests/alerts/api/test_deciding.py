"""What programs decide and say: by the same rules as people, and written down with the token."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from alerts.choices import OperationKind, Scope, Status, Verdict
from alerts.models import Alert, ApiToken, Comment
from alerts.rules import Rule
from alerts.services import comments, suppression, triage
from alerts.services.suppression import Wanted
from core import activity, clock
from core.models import Person
from tests.alerts.api.client import Program, program_of
from tests.factories import make_alert, make_person, make_ticket, make_user

pytestmark = pytest.mark.django_db


def version(alert: Alert) -> int:
    return triage.newest_change(alert)


def decided(answer: Any, alert: Alert) -> dict[str, Any]:
    """Return the answer of a decision that was taken, and read the alert anew."""
    assert answer.status_code == 200, answer.content
    alert.refresh_from_db()
    told: dict[str, Any] = answer.json()
    assert told["alert"]["version"] == told["decision"] == version(alert)
    return told


def test_an_alert_is_acknowledged_and_history_names_the_person_and_the_token(soar: Program, mira: Person) -> None:
    alert = make_alert()
    told = decided(soar.post(f"/alerts/{alert.pk}/acknowledge/", {"version": version(alert)}), alert)
    assert (alert.status, alert.assignee) == (Status.ACKNOWLEDGED, mira)
    assert told["alert"]["history"][0]["who"] == "Mira Okafor"
    assert told["alert"]["history"][0]["words"] == "acknowledged it, by the API token “SOAR”"
    assert activity.history(alert)[0].data["token"] == ApiToken.objects.get().pk


def test_an_alert_is_given_to_somebody_and_to_nobody(soar: Program) -> None:
    alert, anna = make_alert(), make_person(make_user("anna"))
    decided(soar.post(f"/alerts/{alert.pk}/assign/", {"to": "anna", "version": version(alert)}), alert)
    assert alert.assignee == anna
    decided(soar.post(f"/alerts/{alert.pk}/assign/", {"to": None, "version": version(alert)}), alert)
    assert alert.assignee is None


@pytest.mark.parametrize("to", ["nobody-of-that-name", "guest", "gone", ""])
def test_an_alert_is_given_only_to_who_may_decide(soar: Program, to: str) -> None:
    make_user("guest", role="")
    make_user("gone", is_active=False)
    answer = soar.post(f"/alerts/{make_alert().pk}/assign/", {"to": to, "version": None})
    assert answer.status_code == 400
    assert "to" in answer.json()


def test_an_alert_is_snoozed_and_woken(soar: Program) -> None:
    alert, until = make_alert(), clock.now() + timedelta(hours=4)
    asked = {"until": until.isoformat(), "or_growth": True, "version": version(alert)}
    decided(soar.post(f"/alerts/{alert.pk}/snooze/", asked), alert)
    assert (alert.snoozed_until, alert.wakes_when_it_grows) == (until, True)
    decided(soar.post(f"/alerts/{alert.pk}/unsnooze/", {"version": version(alert)}), alert)
    assert alert.snoozed_until is None


@pytest.mark.parametrize("until", [timedelta(hours=-1), timedelta(days=31)])
def test_a_snooze_ends_within_a_month(soar: Program, until: timedelta) -> None:
    asked = {"until": (clock.now() + until).isoformat(), "version": None}
    answer = soar.post(f"/alerts/{make_alert().pk}/snooze/", asked)
    assert answer.status_code == 400
    assert "within 30 days" in answer.json()["until"][0]


def test_times_are_told_and_understood_in_utc_wherever_the_portal_is(soar: Program) -> None:
    alert, until = make_alert(), (clock.now() + timedelta(hours=4)).replace(microsecond=0)
    with timezone.override("Asia/Tokyo"):
        asked = {"until": until.replace(tzinfo=None).isoformat(), "version": None}
        told = decided(soar.post(f"/alerts/{alert.pk}/snooze/", asked), alert)
    assert alert.snoozed_until == until
    assert told["alert"]["snoozed_until"] == until.isoformat().replace("+00:00", "Z")
    assert f"{until:%H:%M:%S} +00:00" in told["alert"]["history"][0]["words"]


def test_a_true_positive_stays_open_and_is_escalated(soar: Program) -> None:
    alert = make_alert()
    decided(soar.post(f"/alerts/{alert.pk}/true-positive/", {"version": version(alert)}), alert)
    assert (alert.status, alert.verdict) == (Status.IN_PROGRESS, Verdict.TRUE_POSITIVE)
    decided(soar.post(f"/alerts/{alert.pk}/escalate/", {"version": version(alert)}), alert)
    assert alert.severity == 2


def test_an_alert_is_closed_with_its_cause_and_reopened(soar: Program) -> None:
    alert = make_alert()
    asked = {"verdict": "false_positive", "cause": "change", "note": "CHG-12", "version": version(alert)}
    decided(soar.post(f"/alerts/{alert.pk}/close/", asked), alert)
    assert (alert.status, alert.verdict, alert.verdict_cause) == (Status.CLOSED, Verdict.FALSE_POSITIVE, "change")
    assert alert.verdict_reason == "Known change: CHG-12"
    decided(soar.post(f"/alerts/{alert.pk}/reopen/", {"version": version(alert)}), alert)
    assert (alert.status, alert.verdict) == (Status.IN_PROGRESS, "")


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"verdict": "false_positive"}, "cause"),
        ({"verdict": "benign", "cause": "change"}, "note"),
        ({"verdict": "true_positive"}, "note"),
        ({"verdict": "guilty", "cause": "vpn"}, "verdict"),
        ({"verdict": "benign", "cause": "mood"}, "cause"),
        ({"verdict": "benign", "cause": "vpn", "note": "x" * 401}, "note"),
        ({"verdict": "benign", "cause": "vpn", "resaon": "x"}, "resaon"),
    ],
)
def test_a_closing_needs_what_the_dialog_needs(soar: Program, asked: dict[str, str], field: str) -> None:
    alert = make_alert()
    answer = soar.post(f"/alerts/{alert.pk}/close/", {"version": None, **asked})
    assert answer.status_code == 400
    assert field in answer.json()
    alert.refresh_from_db()
    assert alert.is_open


def test_a_decision_on_what_changed_meanwhile_is_not_taken_and_both_are_shown(soar: Program) -> None:
    alert, anna = make_alert(), make_person(make_user("anna", first_name="Anna"))
    read = version(alert)
    triage.assign(alert.pk, anna, to=anna)
    asked = {"verdict": "benign", "cause": "vpn", "version": read}
    answer = soar.post(f"/alerts/{alert.pk}/close/", asked)
    assert answer.status_code == 409
    told = answer.json()
    assert told["code"] == "changed_meanwhile"
    assert told["wanted"] == asked
    assert [(line["who"], line["words"]) for line in told["changes"]] == [("Anna", "took it")]
    assert told["alert"]["assignee"]["username"] == "anna"
    alert.refresh_from_db()
    assert alert.is_open
    decided(soar.post(f"/alerts/{alert.pk}/close/", {**asked, "version": told["alert"]["version"]}), alert)


def test_whoever_does_not_care_what_happened_says_so(soar: Program) -> None:
    alert, anna = make_alert(), make_person()
    triage.assign(alert.pk, anna, to=anna)
    assert soar.post(f"/alerts/{alert.pk}/acknowledge/", {}).json() == {"version": ["This field is required."]}
    decided(soar.post(f"/alerts/{alert.pk}/acknowledge/", {"version": None}), alert)


def test_what_does_not_go_is_a_conflict_in_words(soar: Program) -> None:
    alert = make_alert(status=Status.CLOSED)
    answer = soar.post(f"/alerts/{alert.pk}/acknowledge/", {"version": None})
    assert answer.status_code == 409
    assert answer.json() == {"code": "not_now", "detail": "The alert is closed already."}


@pytest.mark.parametrize("decision", ["true-positive", "close"])
def test_nobody_judges_an_alert_about_themself_by_a_program_either(soar: Program, decision: str) -> None:
    alert = make_alert(entity_name="mira@example.com")
    asked = {"verdict": "benign", "cause": "vpn"} if decision == "close" else {}
    answer = soar.post(f"/alerts/{alert.pk}/{decision}/", {"version": None, **asked})
    assert answer.status_code == 403
    assert answer.json() == {"code": "about_yourself", "detail": "This alert is about you. Somebody else judges it."}
    alert.refresh_from_db()
    assert alert.verdict == ""


def test_a_decision_is_undone_within_seconds_by_whoever_took_it(soar: Program) -> None:
    alert, other = make_alert(), make_alert()
    told = decided(soar.post(f"/alerts/{alert.pk}/acknowledge/", {"version": None}), alert)
    decision = {"decision": told["decision"]}
    assert soar.post(f"/alerts/{other.pk}/undo/", decision).status_code == 404
    assert program_of(make_person(), *Scope).post(f"/alerts/{alert.pk}/undo/", decision).status_code == 404
    answer = soar.post(f"/alerts/{alert.pk}/undo/", decision)
    assert answer.json()["status"] == "new"
    assert activity.history(alert)[0].data["token"]


def test_a_decision_is_not_undone_later(soar: Program) -> None:
    alert = make_alert()
    told = decided(soar.post(f"/alerts/{alert.pk}/acknowledge/", {"version": None}), alert)
    with time_machine.travel(clock.now() + timedelta(seconds=11)):
        answer = soar.post(f"/alerts/{alert.pk}/undo/", {"decision": told["decision"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "too_late")


def test_an_alert_that_a_suppression_hides_is_brought_back(soar: Program, mira: Person) -> None:
    rule = Rule.from_json([{"kind": "entity", "values": ["anna@example.com"]}])
    row = suppression.make(Wanted(rule, "A test", mira, clock.now() + timedelta(days=7)), mira)
    alert = make_alert(status=Status.CLOSED, suppressed_by=row, closed_at=clock.now())
    assert soar.get(f"/alerts/{alert.pk}/").json()["suppressed_by"] == row.pk
    answer = soar.post(f"/alerts/{alert.pk}/bring-back/")
    assert (answer.status_code, answer.json()["status"], answer.json()["suppressed_by"]) == (200, "new", None)
    assert activity.history(alert)[0].data["token"]
    again = soar.post(f"/alerts/{alert.pk}/bring-back/")
    assert (again.status_code, again.json()["code"]) == (409, "not_now")


def test_a_program_comments_here_and_in_the_ticket_and_takes_it_back(soar: Program, mira: Person) -> None:
    alert = make_alert()
    make_ticket(alert)
    told = soar.post(f"/alerts/{alert.pk}/comments/", {"text": "Called her: it was she.", "in_ticket": True})
    assert told.status_code == 201
    assert told.json()["in_ticket"] is True
    assert alert.operations.filter(kind=OperationKind.COMMENT).exists()
    assert activity.history(alert)[0].data["token"]
    comment = told.json()["id"]
    assert soar.delete(f"/alerts/{make_alert().pk}/comments/{comment}/").status_code == 404
    assert soar.delete(f"/alerts/{alert.pk}/comments/{comment}/").status_code == 204
    assert Comment.objects.get().text == ""
    assert not alert.operations.filter(kind=OperationKind.COMMENT).exists()


def test_nobody_takes_back_what_somebody_else_said(soar: Program) -> None:
    alert = make_alert()
    comment = comments.add(alert.pk, make_person(), text="Mine")
    assert soar.delete(f"/alerts/{alert.pk}/comments/{comment.pk}/").status_code == 404
    assert Comment.objects.get().text == "Mine"


def test_a_comment_in_a_ticket_needs_a_ticket(soar: Program) -> None:
    answer = soar.post(f"/alerts/{make_alert().pk}/comments/", {"text": "Seen", "in_ticket": True})
    assert (answer.status_code, answer.json()["detail"]) == (409, "The alert has no ticket. Leave it here only.")


@pytest.mark.parametrize("text", ["", "   ", "x" * 4001, "a\x00b", "\ud800"])
def test_a_comment_has_words_that_can_be_kept(soar: Program, text: str) -> None:
    answer = soar.post(f"/alerts/{make_alert().pk}/comments/", {"text": text})
    assert answer.status_code == 400
    assert "text" in answer.json()


@pytest.mark.parametrize("path", ["acknowledge", "assign", "bring-back", "close", "comments", "undo", "snooze"])
def test_deciding_on_what_does_not_exist_is_not_found(soar: Program, path: str) -> None:
    whole: dict[str, dict[str, Any]] = {
        "assign": {"to": None},
        "close": {"verdict": "benign", "cause": "vpn"},
        "comments": {"text": "Seen"},
        "undo": {"decision": 1},
        "snooze": {"until": (clock.now() + timedelta(hours=1)).isoformat()},
    }
    body = {**({} if path in {"bring-back", "comments", "undo"} else {"version": None}), **whole.get(path, {})}
    assert soar.post(f"/alerts/404/{path}/", body).status_code == 404
