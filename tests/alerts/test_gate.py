"""An outage or a storm is kept from Jira by all workers together, and costs no operation an attempt."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from alerts.models import JiraGate, TicketOperation
from alerts.ticketing import gate, operations
from alerts.ticketing.errors import JiraHeld
from core import clock
from tests.alerts.test_operations import Jira, owing
from tests.alerts.test_operations import jira as jira  # the fixture
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def waiting_over() -> None:
    TicketOperation.objects.update(not_before=None)


def failed_often(jira: Jira, times: int = gate.OPEN_AFTER) -> None:
    """Let so many tickets meet a Jira that is ill."""
    jira.fault(method="POST", path=r"/issue$", times=times, status=502)
    for _ in range(times):
        operations.work_case(owing().case_id)


def test_faults_in_a_row_keep_every_other_ticket_from_being_tried(jira: Jira) -> None:
    failed_often(jira)
    other = owing()
    operations.work_case(other.case_id)
    operation = TicketOperation.objects.get(case=other.case)
    assert (operation.state, operation.attempts, operation.sent_at) == ("pending", 0, None)
    assert operations.due() == []
    assert jira.posts() == gate.OPEN_AFTER


def test_an_answer_between_faults_keeps_the_way_open(jira: Jira) -> None:
    for _ in range(2):
        failed_often(jira, gate.OPEN_AFTER - 1)
        operations.work_case(owing().case_id)
    assert gate.shut() is None


def test_one_probe_passes_and_its_answer_lets_all_others_follow(jira: Jira) -> None:
    failed_often(jira)
    waiting, probe = owing(), owing()
    TicketOperation.objects.filter(case=waiting.case).update(
        state="waiting", not_before=clock.now() + timedelta(hours=1)
    )
    gate.probe_now()
    operations.work_case(probe.case_id)
    assert TicketOperation.objects.get(case=probe.case, kind="create").state == "done"
    assert gate.broken() is None
    assert waiting.case_id in operations.due()


def test_while_a_probe_is_on_its_way_nobody_else_tries(jira: Jira) -> None:
    failed_often(jira)
    gate.probe_now()
    gate.enter()
    with pytest.raises(JiraHeld):
        gate.enter()


def test_a_probe_that_fails_puts_the_next_one_off_for_longer(jira: Jira) -> None:
    failed_often(jira)
    waits = []
    for _ in range(5):
        gate.went_wrong("still away")
        shut = gate.shut()
        assert shut is not None
        waits.append(round((shut.until - clock.now()).total_seconds()))
    assert waits == sorted(waits)
    assert waits[0] < 30
    assert waits[-1] == pytest.approx(60, abs=1)


def test_a_429_stops_every_ticket_and_not_only_its_own(jira: Jira) -> None:
    jira.fault(method="POST", path=r"/issue$", status=429, retry_after="60")
    operations.work_case(owing().case_id)
    other = owing()
    operations.work_case(other.case_id)
    assert TicketOperation.objects.get(case=other.case).attempts == 0
    assert operations.due() == []
    assert jira.posts() == 1
    JiraGate.objects.update(paused_until=clock.now())
    operations.work_case(other.case_id)
    assert TicketOperation.objects.get(case=other.case, kind="create").state == "done"


def test_a_refusal_of_one_ticket_says_nothing_of_jira(jira: Jira, settings: Any) -> None:
    settings.JIRA_ISSUE_TYPE = "Nonsense"
    for _ in range(gate.OPEN_AFTER):
        operations.work_case(owing().case_id)
    assert gate.shut() is None


def test_a_refused_token_counts_as_a_fault_so_that_jira_locks_nobody_out(jira: Jira) -> None:
    jira.conditions(token_expired=True)
    for _ in range(gate.OPEN_AFTER + 3):
        operations.work_case(owing().case_id)
    assert jira.posts() == gate.OPEN_AFTER


def test_requests_keep_to_the_rate_after_what_a_second_may_save_up(jira: Jira, settings: Any) -> None:
    settings.OKTADETECT_JIRA_REQUESTS_PER_SECOND = 20.0
    began = clock.now()
    for _ in range(40):
        gate.enter()
    seconds = (clock.now() - began).total_seconds()
    assert 0.9 <= seconds < 3


def test_whose_turn_is_far_away_gives_its_row_back_without_an_attempt(jira: Jira, settings: Any) -> None:
    settings.OKTADETECT_JIRA_REQUESTS_PER_SECOND = 0.5
    JiraGate.objects.create(url=settings.JIRA_URL, spent_until=clock.now() + timedelta(minutes=5))
    alert = owing()
    operations.work_case(alert.case_id)
    operation = TicketOperation.objects.get()
    assert (operation.state, operation.attempts, operation.sent_at, operation.last_error) == ("waiting", 0, None, "")
    assert jira.posts() == 0


def test_pages_say_since_when_jira_is_away_and_let_a_person_ask_it_now(jira: Jira) -> None:
    failed_often(jira)
    client = Client()
    client.force_login(make_user())
    page = client.get("/pipeline/").content.decode()
    assert "Jira away since" in page
    assert "Jira answered 502" in page
    assert client.post("/pipeline/jira/now/").status_code == 302
    assert gate.shut() is None
