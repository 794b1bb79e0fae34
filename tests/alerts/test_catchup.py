"""What was not delivered is found by the same search, and shown as recovered."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from alerts.models import Alert, Occurrence
from alerts.services import catchup
from core import clock
from monitors.errors import OpenSearchAway
from monitors.models import Deployment, Monitor
from monitors.services import profiles, search
from tests.events import event, failed_sign_in, role_target, user_target
from tests.factories import make_monitor
from tests.monitors.indexing import index_by_template

pytestmark = [pytest.mark.opensearch, pytest.mark.django_db(transaction=True)]


def monitor_over(events: list[dict[str, Any]], detection: str = "brute-force-user", **deployment: Any) -> Monitor:
    pattern = index_by_template(f"t-{uuid.uuid4().hex[:12]}", events)
    monitor = make_monitor(detection, index_pattern=pattern)
    profiles.learn(pattern)
    Deployment.objects.update(**deployment)
    return monitor


def burst(hours_ago: float, user: str = "anna", count: int = 20) -> list[dict[str, Any]]:
    start = clock.now() - timedelta(hours=hours_ago)
    return [failed_sign_in(start + timedelta(seconds=20 * number), user=user) for number in range(count)]


def test_ends_cover_everything_from_covered_to_up_to_now_one_emit_apart() -> None:
    now = clock.now()
    step = timedelta(minutes=90)
    ends = catchup.ends(now - timedelta(hours=4), now, step)
    assert ends == [now - timedelta(minutes=150), now - timedelta(minutes=60), now]
    assert catchup.ends(now, now, step) == [now]


def test_a_long_silence_is_caught_up_and_covered() -> None:
    monitor_over([*burst(11), *burst(5, "bert")], covered_to=clock.now() - timedelta(hours=12))
    catchup.catch_up()
    assert set(Alert.objects.values_list("entity_id", "recovered")) == {("00uanna", True), ("00ubert", True)}
    deployment = Deployment.objects.get()
    assert deployment.covered_to is not None
    assert clock.now() - deployment.covered_to < timedelta(minutes=1)
    assert deployment.catch_up_at is None
    assert catchup.catch_up() == []


def test_what_was_delivered_already_is_told_again_and_changes_nothing() -> None:
    monitor_over(burst(1), covered_to=clock.now() - timedelta(hours=2))
    catchup.catch_up()
    Deployment.objects.update(catch_up_at=clock.now())
    catchup.catch_up()
    assert (Alert.objects.count(), Occurrence.objects.count()) == (1, 1)


def test_a_running_monitor_that_is_heard_is_left_alone() -> None:
    monitor_over(burst(1), covered_to=clock.now() - timedelta(minutes=5))
    assert catchup.catch_up() == []


def test_a_cut_answer_is_completed() -> None:
    grants = [
        event(
            "user.account.privilege.grant",
            clock.now() - timedelta(minutes=5, seconds=number),
            user=f"u{number}",
            targets=[user_target("bert"), *role_target("Help desk")],
        )
        for number in range(120)
    ]
    monitor_over(grants, "admin-role-granted", catch_up_at=clock.now(), covered_to=clock.now())
    catchup.catch_up()
    assert Alert.objects.count() == 120


def test_a_failure_waits_for_longer_each_time_and_covers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = clock.now() - timedelta(hours=3)
    monitor_over(burst(2), covered_to=before)

    def away(*_: Any, **__: Any) -> Any:
        raise OpenSearchAway("away")

    monkeypatch.setattr(search, "run_whole", away)
    waits = []
    for _ in range(3):
        catchup.catch_up()
        deployment = Deployment.objects.get()
        assert deployment.catch_up_at is not None
        waits.append((deployment.catch_up_at - clock.now()).total_seconds())
        Deployment.objects.update(catch_up_at=clock.now())
    assert waits == sorted(waits)
    assert waits[2] > 3 * waits[0]
    assert Deployment.objects.get().covered_to == before


def test_events_that_were_indexed_late_are_found_by_the_hourly_look() -> None:
    monitor_over(burst(20), covered_to=clock.now())
    assert catchup.catch_up() == []
    catchup.look_for_late_events(hours=25)
    assert Alert.objects.get().recovered


def test_only_one_worker_catches_up_at_a_time(other_session: Any) -> None:
    monitor_over(burst(5), covered_to=clock.now() - timedelta(hours=6))
    other_session.execute("SELECT pg_advisory_lock(%s)", [search.ONE_AT_A_TIME])
    assert catchup.catch_up() == []
    other_session.execute("SELECT pg_advisory_unlock(%s)", [search.ONE_AT_A_TIME])
    assert len(catchup.catch_up()) == 1


@pytest.fixture
def other_session() -> Iterator[Any]:
    """A cursor of another connection to the same database."""
    other = connection.copy()
    with other.cursor() as cursor:
        yield cursor
    other.close()
