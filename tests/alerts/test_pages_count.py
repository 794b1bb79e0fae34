"""How many queries each page asks: at most a number that is written down, and no more of them with sixty rows than with two."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import resolve

from alerts.choices import DeliveryStatus, OperationKind, OperationState, Status
from alerts.models import Alert, BulkDecision, Comment, Rehearsal, SavedView, Suppression, TicketOperation
from core import activity, clock
from core.jobs import State
from monitors.models import Exclusion, Survey, SurveyFinding, SurveyRow
from tests.alerts.views.test_access import PAGES
from tests.factories import (
    ago,
    involve,
    make_alert,
    make_delivery,
    make_event,
    make_evidence,
    make_monitor,
    make_occurrence,
    make_operation,
    make_person,
    make_ticket,
    make_user,
)

if TYPE_CHECKING:
    from core.models import Person

pytestmark = pytest.mark.django_db

FEW, MANY = 2, 60
NOT_COUNTED = {
    "runbook": "asks OpenSearch, and answers only as a part of a page",
    "first-run-step": "asks what stands outside: OpenSearch, Jira",
}
PART_OF_A_PAGE = ("/palette/", "/newer/")
# Address, and the most queries that it may ask. Four of them are of the frame: who reads it, and how all of it runs; a fifth, what they
# may do, is not asked of an administrator.
MOST = {
    "queue": ("/?tab=all", 12),
    "newer": ("/newer/?tab=all&after=1", 3),
    "palette": ("/palette/?q=anna", 15),
    "alert": ("/alerts/{alert}/", 23),
    "close": ("/alerts/{alert}/close/", 7),
    "preview": ("/alerts/{alert}/preview/", 5),
    "bulk": ("/bulk/{bulk}/", 5),
    "assign": ("/alerts/{alert}/assign/", 8),
    "snooze": ("/alerts/{alert}/snooze/", 7),
    "arrange": ("/alerts/{alert}/case/", 10),
    "cases": ("/cases/", 11),
    "case": ("/cases/{case}/", 15),
    "entities": ("/entities/", 7),
    "entity": ("/entities/user/00uanna/", 16),
    "monitors": ("/monitors/", 7),
    "coverage": ("/coverage/", 9),
    "coverage-csv": ("/coverage/table.csv", 6),
    "coverage-layer": ("/coverage/layer.json", 6),
    "pipeline": ("/pipeline/", 14),
    "jira": ("/pipeline/jira/", 8),
    "delivery": ("/pipeline/deliveries/{delivery}/", 7),
    "dismiss-delivery": ("/pipeline/deliveries/{delivery}/dismiss/", 5),
    "dismiss-operation": ("/pipeline/operations/{operation}/dismiss/", 5),
    "settle-operation": ("/pipeline/operations/{operation}/settle/", 5),
    "rehearse": ("/monitors/{monitor}/rehearse/", 6),
    "ticket-policy": ("/monitors/{monitor}/tickets/", 7),
    "rehearsal": ("/rehearsals/{rehearsal}/", 6),
    "first-run": ("/first-run/", 12),
    "measures": ("/measures/", 19),
    "suppressions": ("/suppressions/", 6),
    "new-suppression": ("/suppressions/new/?alert={alert}", 15),
    "suppression": ("/suppressions/{suppression}/", 8),
    "change-suppression": ("/suppressions/{suppression}/change/", 12),
    "tokens": ("/account/tokens/", 7),
    "surveys": ("/surveys/", 5),
    "survey": ("/surveys/{survey}/", 9),
}


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user("mira", is_superuser=True))
    return client


class World:
    """Rows that have to do with each other, so that every page shows what there is of them. `keys` names what pages are about."""

    def __init__(self) -> None:
        self.person: Person = make_person()
        self.monitor = make_monitor()
        self.survey = Survey.objects.create(
            index_pattern="okta-*", begins_at=ago(days=7), ends_at=clock.now(), state=State.DONE
        )
        self.rule = Suppression.objects.create(
            conditions=[{"kind": "entity", "values": ["00uanna"]}], reason="A scanner", owner=self.person, author=self.person,
            expires_at=clock.now() + timedelta(days=7),
        )  # fmt: skip
        self.bulk = BulkDecision.objects.create(kind="close", asked_by=self.person, state=State.DONE)
        self.keys: dict[str, Any] = {"monitor": self.monitor.pk, "survey": self.survey.pk, "suppression": self.rule.pk,
                                     "bulk": self.bulk.pk}  # fmt: skip

    def grow(self, to: int) -> None:
        """Have `to` of everything."""
        for number in range(Alert.objects.filter(suppressed_by=None).count(), to):
            alert = self._alert(number)
            self.bulk.alerts.append(alert.pk)
            self.bulk.results.append([alert.pk, None, "It is closed already."])
            self._around(number, alert)
        self.bulk.save()

    def _alert(self, number: int) -> Alert:
        first = Alert.objects.order_by("pk").first()
        case = {"case": first.case} if first else {}
        alert = make_alert(
            monitor=self.monitor, entity_id="00uanna", entity_name="anna@example.com", assignee=make_person(), countries=["Chile"], **case,
        )  # fmt: skip
        if first is None:
            make_ticket(alert)
        involve(alert, "ip", f"203.0.113.{number}", "source")
        involve(alert, "session", "idx1", "session")
        for again in (make_occurrence(alert), make_occurrence(alert)):
            make_evidence(again, [make_event()])
        comment = Comment.objects.create(alert=alert, author=self.person, text="Called her.")
        activity.record("comment.added", alert, by=make_person(), comment=comment.pk)
        make_alert(status=Status.CLOSED, suppressed_by=self.rule, monitor=self.monitor)
        return alert

    def _around(self, number: int, alert: Alert) -> None:
        state = OperationState.UNKNOWN if number % 2 else OperationState.FAILED
        operation = make_operation(alert, OperationKind.COMMENT, state=state, last_error="Jira is away.")
        make_operation(alert, OperationKind.LINK, state=OperationState.DISMISSED)
        delivery = make_delivery(status=DeliveryStatus.QUARANTINED, monitor=self.monitor.pk, took_ms=20, events_read=9)
        rehearsal = Rehearsal.objects.create(monitor=self.monitor, index_pattern="okta-*", state=State.DONE)
        make_monitor()
        Exclusion.objects.create(
            reason="A tester", conditions=[{"kind": "user", "values": ["00uanna"]}], owner=self.person
        )
        SavedView.objects.create(owner=make_person(), name="Mine", query="tab=mine", shared=True)
        SurveyRow.objects.create(survey=self.survey, detection=f"detection-{number}", error="Shards failed.")
        SurveyFinding.objects.create(
            survey=self.survey, detection="brute-force-user", entity_type="user", entity_id="00uanna", entity_name="anna", severity=2,
            sentence="22 failed sign-ins", first_at=ago(days=2), last_at=ago(days=2), count=22,
        )  # fmt: skip
        Survey.objects.create(index_pattern="okta-*", begins_at=ago(days=7), ends_at=clock.now(), state=State.DONE)
        told = {
            "alert": alert.pk,
            "case": alert.case_id,
            "operation": operation.pk,
            "delivery": delivery.pk,
            "rehearsal": rehearsal.pk,
        }
        for name, key in told.items():
            self.keys.setdefault(name, key)


def queries(client: Client, path: str) -> int:
    headers = {"HX-Request": "true"} if path.startswith(PART_OF_A_PAGE) else {}
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(path, headers=headers)
    assert answer.status_code == 200, path
    return len(captured)


def test_every_page_has_its_number() -> None:
    assert {resolve(path).url_name for path in PAGES} == MOST.keys() | NOT_COUNTED.keys()


def test_no_page_asks_more_queries_for_more_rows(client: Client) -> None:
    world = World()
    world.grow(FEW)
    paths = {name: path.format(**world.keys) for name, (path, _) in MOST.items()}
    for path in paths.values():
        client.get(path)  # makes the reader known, and reads what is read once a process
    few = {name: queries(client, path) for name, path in paths.items()}
    world.grow(MANY)
    many = {name: queries(client, path) for name, path in paths.items()}
    assert {name: (few[name], many[name]) for name in paths if many[name] > few[name]} == {}
    assert {name: many[name] for name in paths if many[name] > MOST[name][1]} == {}
    assert TicketOperation.objects.count() > MANY
