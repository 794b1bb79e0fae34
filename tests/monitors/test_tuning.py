"""Tuning: what other values would have found, what becomes of verdicts, and saving them, through the pages that engineers use."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from alerts import tasks
from alerts.choices import Verdict
from alerts.models import Occurrence
from core import clock, jobs
from core.roles import DETECTION_ENGINEERS
from monitors import backtest
from monitors.admin.tune import panel
from monitors.models import Backtest, Monitor
from tests.events import failed_sign_in
from tests.factories import make_alert, make_monitor, make_user
from tests.monitors.indexing import index_by_template

NOW = clock.now().replace(microsecond=0)


@pytest.fixture
def engineer(client: Client) -> Client:
    client.force_login(make_user("eve", role=DETECTION_ENGINEERS, is_staff=True))
    return client


def burst(user: str, size: int, hours_ago: float) -> list[dict[str, Any]]:
    start = NOW - timedelta(hours=hours_ago)
    return [failed_sign_in(start + timedelta(seconds=n), user=user) for n in range(size)]


def tuned(client: Client, monitor: Monitor, **values: Any) -> Backtest:
    """Ask for a play on the page, work it as a worker would, and return it."""
    given = {"param_failures": 10, "param_window_minutes": 10, "days": 7, "play": "Play the past", **values}
    answer = client.post(reverse("admin:monitors_monitor_tune", args=[monitor.pk]), given)
    assert answer.status_code == 302, answer.context["form"].errors
    job = Backtest.objects.latest("asked_at")
    tasks.run_backtest(str(job.pk))
    job.refresh_from_db()
    return job


@pytest.mark.django_db
@pytest.mark.opensearch
def test_a_play_says_what_a_limit_drops_of_what_was_judged(engineer: Client) -> None:
    events = [*burst("anna", 12, 30), *burst("bert", 25, 50), *burst("carl", 14, 60)]
    pattern = index_by_template(f"t-{uuid.uuid4().hex[:12]}", events)
    monitor = make_monitor("brute-force-user", index_pattern=pattern, params={"failures": 10})
    for user, verdict in (
        ("anna", Verdict.FALSE_POSITIVE),
        ("carl", Verdict.FALSE_POSITIVE),
        ("bert", Verdict.TRUE_POSITIVE),
    ):
        mine = [one for one in events if one["actor"]["id"] == f"00u{user}"]
        alert = make_alert(monitor=monitor, entity_id=f"00u{user}", verdict=verdict)
        Occurrence.objects.filter(alert=alert).delete()
        Occurrence.objects.create(
            alert=alert, fingerprint=alert.fingerprint, first_at=mine[0]["published"], last_at=mine[-1]["published"],
            count=len(mine), severity=3,
        )  # fmt: skip
    job = tuned(engineer, monitor, param_failures=20)
    assert (job.state, job.error) == (jobs.State.DONE, "")
    shown = panel(job)
    assert (shown.alerts, shown.alerts_before) == (1, 3)
    assert shown.fates == ["keeps the one true positive", "drops 2 of 2 false positives"]
    assert (job.result or {})["check"]["wrong"] == []
    page = engineer.get(reverse("admin:monitors_monitor_tuned", args=[monitor.pk, job.pk])).content.decode()
    assert "Drops 2 of 2 false positives." in page
    assert "equal" in page
    assert "bert@example.com" in page


@pytest.mark.django_db
@pytest.mark.opensearch
def test_other_values_are_compared_with_what_is_saved_by_a_play_of_both(engineer: Client) -> None:
    spread = [failed_sign_in(NOW - timedelta(hours=9, minutes=3 * n), user="anna") for n in range(12)]
    pattern = index_by_template(f"t-{uuid.uuid4().hex[:12]}", spread)
    monitor = make_monitor("brute-force-user", index_pattern=pattern, params={"failures": 10, "window_minutes": 10})
    shown = panel(tuned(engineer, monitor, param_window_minutes=60))
    assert (shown.alerts, shown.alerts_before) == (1, 0)
    assert not shown.moved["compared"]  # type: ignore[index]


@pytest.mark.django_db
@pytest.mark.opensearch
def test_an_index_that_is_not_there_is_an_error_and_no_empty_result(engineer: Client) -> None:
    monitor = make_monitor("brute-force-user", index_pattern="t-nothing-*")
    job = tuned(engineer, monitor)
    assert (job.state, job.result) == (jobs.State.FAILED, None)
    page = engineer.get(reverse("admin:monitors_monitor_tuned", args=[monitor.pk, job.pk])).content.decode()
    assert "No index matches the pattern." in page


@pytest.mark.django_db
def test_values_are_saved_as_a_revision_and_only_by_who_may(engineer: Client, client: Client) -> None:
    monitor = make_monitor("brute-force-user")
    page = reverse("admin:monitors_monitor_tune", args=[monitor.pk])
    values = {"param_failures": 30, "param_window_minutes": 10, "days": 14, "reason": "A service account"}
    answer = engineer.post(page, {**values, "save_push": "Save and push…"})
    assert answer.headers["Location"] == reverse("admin:monitors_monitor_push", args=[monitor.pk])
    revision = monitor.revisions.get()
    assert (revision.inputs["params"]["failures"], revision.reason) == (30, "A service account")
    assert (
        "less than or equal to"
        in engineer.post(page, {**values, "param_failures": 10**6, "play": "1"}).content.decode()
    )
    client.force_login(make_user("anna", is_staff=True))
    assert client.get(page).status_code == 200
    assert client.post(page, {**values, "save": "Save revision"}).status_code == 403


@pytest.mark.django_db
def test_a_play_that_runs_shows_its_progress_and_can_be_cancelled(engineer: Client) -> None:
    monitor = make_monitor("brute-force-user")
    now = clock.now()
    job = Backtest.objects.create(
        monitor=monitor, inputs={}, begins_at=now - timedelta(days=7), ends_at=now, state=jobs.State.RUNNING,
        done=3, total=7, step="Playing 20 to 23 November",
    )  # fmt: skip
    page = reverse("admin:monitors_monitor_tuned", args=[monitor.pk, job.pk])
    shown = engineer.get(page).content.decode()
    assert 'value="42"' in shown
    assert "Playing 20 to 23 November" in shown
    assert "data-follows" in shown
    engineer.post(reverse("admin:monitors_monitor_untune", args=[monitor.pk, job.pk]))
    assert "was cancelled" in engineer.get(page).content.decode()


def test_the_words_of_a_change_count_what_it_drops_and_what_it_adds() -> None:
    def one(verdict: str, before: bool, now: bool) -> dict[str, Any]:
        return {"verdict": verdict, "kept_before": before, "kept": now}

    labels = {"true_positive": "True positive", "false_positive": "False positive", "benign": "Benign"}
    told = [one("false_positive", True, False)] * 3 + [
        one("false_positive", True, True),
        one("true_positive", True, False),
    ]
    assert backtest.fate_words(told, labels) == ["drops 1 of 1 true positive", "drops 3 of 4 false positives"]
    assert backtest.fate_words([one("true_positive", False, True)], labels) == ["finds 1 more judged true positive"]
    assert backtest.fate_words([], labels) == []
