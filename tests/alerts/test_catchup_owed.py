"""Which monitors are caught up, when, and by which search: none that OpenSearch will repeat itself, and no broken one holds up others."""

from datetime import timedelta
from typing import Any

import pytest

from alerts.services import catchup
from core import clock
from monitors.errors import OpenSearchAway
from monitors.models import Deployment, Monitor
from monitors.rendering import Inputs
from monitors.services import revisions, search
from tests.factories import ago, make_monitor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[Inputs]:
    """The searches that were run; each finds nothing."""
    run: list[Inputs] = []

    def run_whole(inputs: Inputs, **_: Any) -> tuple[()]:
        run.append(inputs)
        return ()

    monkeypatch.setattr(search, "run_whole", run_whole)
    return run


def monitor_heard(covered_to: Any, **fields: Any) -> Monitor:
    monitor = make_monitor(**fields)
    Deployment.objects.filter(monitor=monitor).update(covered_to=covered_to)
    return monitor


def test_a_monitor_that_runs_rarely_is_not_run_by_the_portal_in_between(searched: list[Inputs]) -> None:
    monitor_heard(ago(hours=20), interval_seconds=86_400)
    catchup.catch_up()
    assert searched == []
    Deployment.objects.update(covered_to=ago(days=6))
    catchup.catch_up()
    assert len(searched) == 1


def test_a_monitor_that_left_the_catalogue_holds_up_no_other(searched: list[Inputs]) -> None:
    monitor_heard(ago(hours=2), detection="left-the-catalogue")
    good = monitor_heard(ago(hours=1))
    for _ in range(4):  # the order changes
        catchup.look_for_late_events(hours=25)
    catchup.catch_up()
    assert [inputs.monitor_uuid for inputs in searched] == [str(good.uuid)] * 5


def test_a_search_that_kills_its_worker_waits_before_it_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monitor_heard(ago(hours=3))

    def killed(*_: Any, **__: Any) -> Any:
        raise SystemExit

    monkeypatch.setattr(search, "run_whole", killed)
    with pytest.raises(SystemExit):
        catchup.catch_up()
    deployment = Deployment.objects.get()
    assert deployment.catch_up_at is not None
    assert deployment.catch_up_at > clock.now() + timedelta(seconds=50)


def test_a_failure_of_one_monitor_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    for hours in (5, 4):
        monitor_heard(ago(hours=hours))
    tried = []

    def away(inputs: Inputs, **_: Any) -> Any:
        tried.append(inputs.monitor_uuid)
        raise OpenSearchAway("away")

    monkeypatch.setattr(search, "run_whole", away)
    catchup.catch_up()
    assert len(tried) == 2


def test_what_was_pushed_is_caught_up_and_not_what_was_only_saved(searched: list[Inputs]) -> None:
    monitor = make_monitor(deployed=False, params={"failures": 30})
    first = revisions.save(monitor, by="test")
    monitor.params = {"failures": 99}
    revisions.save(monitor, by="test")
    Deployment.objects.update(opensearch_id="x", revision=first, pushed_body={"enabled": True}, covered_to=ago(hours=1))
    catchup.catch_up()
    assert [inputs.params["failures"] for inputs in searched] == [30]


def test_a_paused_monitor_is_not_caught_up(searched: list[Inputs]) -> None:
    monitor_heard(ago(days=3))
    Deployment.objects.update(pushed_body={"enabled": False})
    catchup.catch_up()
    catchup.look_for_late_events(hours=25)
    assert searched == []
