"""The asynchronous edge: ids in, one service call, wake whoever is next. Nothing is lost when a task is: the sweeper finds its row."""

from collections.abc import Iterable
from typing import Any

from celery import shared_task

from alerts import partitions
from alerts.models import BulkDecision, JiraState
from alerts.services import (
    backtests,
    baseline,
    catchup,
    evidence,
    faults,
    hiding,
    ingest,
    measures,
    rehearsal,
    retention,
    runbook,
    surveys,
)
from alerts.services.alerting import Outcome
from alerts.ticketing import check, operations, sync
from alerts.ticketing import sweep as ticket_sweep
from core import clock, jobs
from core.locks import alone
from core.wakeups import wake
from monitors.errors import MonitorsError
from monitors.models import Backtest, BulkPush, Survey
from monitors.services import health, quiet, search
from monitors.tasks import run_bulk_push

# Many searches, one after the other; still below the broker's visibility timeout, past which it would start a task twice.
LONG = {"soft_time_limit": 540, "time_limit": 570}


@shared_task(name="alerts.process_delivery")  # type: ignore[untyped-decorator]
def process_delivery(delivery_id: str) -> None:
    """Make alerts of one delivery."""
    _work_tickets(ingest.process(delivery_id))


@shared_task(name="alerts.work_case")  # type: ignore[untyped-decorator]
def work_case(case_id: int) -> None:
    """Bring what a case owes to Jira."""
    operations.work_case(case_id)


@shared_task(name="alerts.read_ticket")  # type: ignore[untyped-decorator]
def read_ticket(case_id: int) -> None:
    """Read what became of a case's ticket in Jira."""
    sync.read(case_id)


@shared_task(name="alerts.poll_jira", **LONG)  # type: ignore[untyped-decorator]
def poll_jira() -> None:
    """Find what changed in Jira, whether it told us or not."""
    with alone(sync.POLL_LOCK) as nobody_else:
        cases = sync.poll() if nobody_else else []
    for case_id in cases:
        wake(read_ticket, case_id)


@shared_task(name="alerts.check_jira")  # type: ignore[untyped-decorator]
def check_jira() -> None:
    """Look whether Jira is set up as tickets need it, for somebody who waits."""
    check.asked()


@shared_task(name="alerts.sweep_jira", **LONG)  # type: ignore[untyped-decorator]
def sweep_jira() -> None:
    """Find tickets and cases that do not belong together, and mend what can be mended."""
    ticket_sweep.run(mend=True)
    sync.forget_old_events()


@shared_task(name="alerts.fetch_evidence")  # type: ignore[untyped-decorator]
def fetch_evidence(occurrence_id: int) -> None:
    """Fetch events that did not come in time."""
    evidence.fetch(occurrence_id)


@shared_task(name="alerts.run_backtest", **LONG)  # type: ignore[untyped-decorator]
def run_backtest(backtest_id: str) -> None:
    """Play a monitor over the past, for somebody who waits."""
    jobs.work(Backtest, backtest_id, backtests.run, expected=(MonitorsError,))


@shared_task(name="alerts.run_survey", **LONG)  # type: ignore[untyped-decorator]
def run_survey(survey_id: str) -> None:
    """Play the catalogue over the past, as far as one task gets; the sweep goes on with the rest."""
    jobs.work(Survey, survey_id, surveys.run, expected=(MonitorsError,))


@shared_task(name="alerts.run_bulk_decision", **LONG)  # type: ignore[untyped-decorator]
def run_bulk_decision(job_id: str) -> None:
    """Decide on many alerts, for somebody who waits."""
    from alerts.services import bulk

    jobs.work(BulkDecision, job_id, bulk.run, expected=())


def job_wanted(sender: type[jobs.Job], job: str, **_: Any) -> None:
    """Wake a worker for something that somebody asked for: a receiver of the signal of that name."""
    wake(run_survey if sender is Survey else run_backtest, job)


@shared_task(name="alerts.sweep")  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Find what a lost wake-up or a dead worker left behind."""
    for delivery_id in ingest.due():
        wake(process_delivery, delivery_id)
    for case_id in operations.due():
        wake(work_case, case_id)
    for case_id in sync.due():
        wake(read_ticket, case_id)
    if JiraState.objects.exclude(check_asked_at=None).exists():
        wake(check_jira)
    for occurrence_id in evidence.due():
        wake(fetch_evidence, occurrence_id)
    for kind, task in (
        (Backtest, run_backtest), (Survey, run_survey), (BulkPush, run_bulk_push), (BulkDecision, run_bulk_decision),
    ):  # fmt: skip
        for job_id in jobs.due(kind):
            wake(task, job_id)
    for rehearsal_id in rehearsal.due():
        wake(advance_rehearsal, rehearsal_id)
    hiding.note_expired()


@shared_task(name="alerts.advance_rehearsal")  # type: ignore[untyped-decorator]
def advance_rehearsal(rehearsal_id: str) -> None:
    """Bring a rehearsal as far as it goes now."""
    rehearsal.advance(rehearsal_id)


@shared_task(name="alerts.rehearse_monitors")  # type: ignore[untyped-decorator]
def rehearse_monitors() -> None:
    """Begin the rehearsals that are due this hour."""
    for row in rehearsal.start_scheduled():
        wake(advance_rehearsal, str(row.pk))


@shared_task(name="alerts.watch_monitors")  # type: ignore[untyped-decorator]
def watch_monitors() -> None:
    """Compare what OpenSearch holds with what we want, and make alerts of the faults that last."""
    health.watch()
    quiet.measure()
    _work_tickets(faults.tell())


@shared_task(name="alerts.catch_up", **LONG)  # type: ignore[untyped-decorator]
def catch_up() -> None:
    """Find what was not delivered."""
    _work_tickets(catchup.catch_up())


@shared_task(name="alerts.look_for_late_events", **LONG)  # type: ignore[untyped-decorator]
def look_for_late_events(hours: int = 25) -> None:
    """Find what was indexed late."""
    _work_tickets(catchup.look_for_late_events(hours))


@shared_task(name="alerts.read_baseline", **LONG)  # type: ignore[untyped-decorator]
def read_baseline() -> None:
    """Read who was seen from where since the last time, and one more day of the past."""
    with alone(search.ONE_AT_A_TIME) as nobody_else:  # else the next quarter of an hour reads it too
        if nobody_else:
            baseline.read_all()


@shared_task(name="alerts.hear_runbooks")  # type: ignore[untyped-decorator]
def hear_runbooks() -> None:
    """Tick the steps of open alerts' runbooks that Okta reported."""
    runbook.hear_open()


@shared_task(name="alerts.refresh_figures")  # type: ignore[untyped-decorator]
def refresh_figures() -> None:
    """Measure again what is dear to measure and old enough by now."""
    measures.refresh()


@shared_task(name="alerts.make_partitions")  # type: ignore[untyped-decorator]
def make_partitions() -> None:
    """Make room for the deliveries of the months to come, and drop those that were kept for long enough."""
    partitions.make(clock.now())
    retention.drop_old_deliveries(clock.now())


def _work_tickets(outcomes: Iterable[Outcome]) -> None:
    for case_id in dict.fromkeys(outcome.occurrence.alert.case_id for outcome in outcomes if outcome.new_occurrence):
        wake(work_case, case_id)
