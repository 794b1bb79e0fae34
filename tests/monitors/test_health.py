"""What was heard covers only what it looked at, and faults are neither invented nor kept for ever."""

from datetime import datetime, timedelta

import pytest
import time_machine

from core import clock
from core.models import Activity
from monitors import opensearch
from monitors.errors import OpenSearchAway
from monitors.findings import Answer
from monitors.models import Deployment
from monitors.services import health, revisions
from tests.factories import ago, make_monitor

pytestmark = pytest.mark.django_db

WHOLE = Answer(findings=(), malformed=(), faults=())
CUT = Answer(findings=(), malformed=(), faults=("More events matched.",), cut=True)
LOOK_BACK = timedelta(minutes=90)


def hear(answer: Answer | None = WHOLE, *, end: datetime | None = None, received: datetime | None = None) -> Deployment:
    """Let the only monitor's envelope be heard; return its deployment as it is then."""
    now = clock.now()
    health.heard(
        Deployment.objects.get(),
        received_at=received or now,
        period_end=end or now,
        look_back=LOOK_BACK,
        error="" if answer else "ScriptException[boom]",
        answer=answer,
    )
    return Deployment.objects.get()


def holds(monkeypatch: pytest.MonkeyPatch, *alerts: dict[str, str], **body: object) -> None:
    """Let OpenSearch hold a monitor of this body, with these alerts, and a good channel."""
    monkeypatch.setattr(health, "_channel_fault", lambda: "")
    monkeypatch.setattr(opensearch, "read_monitor", lambda _id: {"monitor": {"enabled": True, **body}})
    monkeypatch.setattr(opensearch, "monitor_alerts", lambda _id: list(alerts))


def test_a_whole_answer_covers_what_it_looked_at() -> None:
    make_monitor()
    end = clock.now()
    deployment = hear(end=end)
    assert (deployment.covered_to, deployment.catch_up_at) == (end, None)


def test_a_cluster_whose_clock_is_ahead_covers_nothing_ahead_of_time() -> None:
    make_monitor()
    now = clock.now()
    assert hear(end=now + timedelta(days=1), received=now).covered_to == now


def test_after_an_outage_longer_than_the_look_back_the_gap_stays_uncovered_and_is_caught_up() -> None:
    make_monitor()
    before = ago(hours=5)
    Deployment.objects.update(covered_to=before)
    deployment = hear()
    assert deployment.covered_to == before
    assert deployment.catch_up_at is not None


def test_an_old_envelope_that_is_read_late_says_nothing_about_now() -> None:
    make_monitor()
    heard_at = hear().heard_at
    deployment = hear(None, end=ago(hours=1), received=ago(hours=1))
    assert (deployment.heard_at, deployment.fault, deployment.envelope_fault) == (heard_at, "", "")


def test_a_cut_answer_does_not_end_the_back_off_of_a_catch_up_that_failed() -> None:
    make_monitor()
    assert hear(CUT).catch_up_at is not None
    later = clock.now() + timedelta(minutes=8)
    Deployment.objects.update(catch_up_at=later)
    assert hear(CUT).catch_up_at == later


def test_a_monitor_that_stays_silent_is_one_line_of_history(monkeypatch: pytest.MonkeyPatch) -> None:
    make_monitor()
    Deployment.objects.update(heard_at=ago(hours=1))
    holds(monkeypatch)
    for minutes in (0, 3, 7):
        with time_machine.travel(ago(minutes=-minutes)):
            health.watch()
    assert "Nothing was heard" in Deployment.objects.get().fault
    assert Activity.objects.filter(action="monitor.fault").count() == 1


def test_a_push_that_ends_while_the_watch_reads_is_no_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    make_monitor()
    holds(monkeypatch)
    Deployment.objects.update(read_body={"enabled": True, "name": "old"}, pushed_at=ago(hours=1))

    def read_while_pushed(_id: str) -> dict[str, object]:
        Deployment.objects.update(read_body={"enabled": True, "name": "new"}, pushed_at=clock.now())
        return {"monitor": {"enabled": True, "name": "old"}}

    monkeypatch.setattr(opensearch, "read_monitor", read_while_pushed)
    health.watch()
    deployment = Deployment.objects.get()
    assert (deployment.state, deployment.fault) == ("in_sync", "")


def test_a_pause_that_was_saved_but_not_pushed_pauses_no_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    make_monitor(enabled=False)
    holds(monkeypatch)
    Deployment.objects.update(pushed_body={"enabled": True}, heard_at=ago(hours=3))
    health.watch()
    assert "Nothing was heard" in Deployment.objects.get().fault


def test_a_paused_monitor_is_neither_silent_nor_disabled_nor_muted(monkeypatch: pytest.MonkeyPatch) -> None:
    make_monitor(enabled=True)  # resumed here, and not pushed yet
    holds(monkeypatch, enabled=False)
    monkeypatch.setattr(opensearch, "monitor_alerts", lambda _id: [{"state": "ACKNOWLEDGED"}])
    Deployment.objects.update(pushed_body={"enabled": False}, heard_at=ago(days=3), covered_to=clock.now())
    health.watch()
    deployment = Deployment.objects.get()
    assert (deployment.state, deployment.fault) == ("in_sync", "")


def test_a_gap_that_cannot_be_caught_up_is_a_fault_though_the_monitor_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    make_monitor()
    holds(monkeypatch)
    Deployment.objects.update(covered_to=ago(hours=9))
    for tries, is_shown in ((1, False), (2, False), (3, True)):
        health.begin_catch_up(Deployment.objects.get())
        health.watch()
        assert ("catching up fails" in Deployment.objects.get().fault) is is_shown, tries
    health.caught_up(Deployment.objects.get(), clock.now())
    health.watch()
    assert Deployment.objects.get().fault == ""


def test_a_cluster_that_does_not_answer_is_asked_once_a_look_and_is_a_fault_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _ in range(3):
        make_monitor()
    asked = []

    def away(opensearch_id: str) -> None:
        asked.append(opensearch_id)
        raise OpenSearchAway("OpenSearch did not answer within 10 s.")

    holds(monkeypatch)
    monkeypatch.setattr(opensearch, "read_monitor", away)
    assert health.watch() == 3
    assert len(asked) == 1


def test_a_shorter_interval_that_was_saved_but_not_pushed_makes_no_monitor_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monitor = make_monitor(deployed=False, interval_seconds=3600)
    revision = revisions.save(monitor, by="test")
    Deployment.objects.update(opensearch_id="x", revision=revision, heard_at=ago(minutes=65), covered_to=clock.now())
    monitor.interval_seconds = 60
    revisions.save(monitor, by="test")
    holds(monkeypatch)
    health.watch()
    deployment = Deployment.objects.get()
    assert (deployment.state, deployment.fault) == ("changed", "")
    Deployment.objects.update(heard_at=ago(minutes=75))
    health.watch()
    assert "Nothing was heard" in Deployment.objects.get().fault


def test_what_a_run_failed_at_is_told_where_its_message_could_not(monkeypatch: pytest.MonkeyPatch) -> None:
    make_monitor()
    hear()
    holds(monkeypatch, {"state": "ERROR", "error_message": "no room"})
    health.watch()
    assert Deployment.objects.get().fault == "OpenSearch says of its last run: no room"
    hear(None)
    health.watch()
    assert Deployment.objects.get().fault == "The search failed: ScriptException[boom]"


def test_what_a_run_failed_at_once_is_no_fault_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    make_monitor()
    hear()
    holds(monkeypatch, {"state": "COMPLETED", "error_message": "no room"})
    health.watch()
    assert Deployment.objects.get().fault == ""
