"""Many monitors are pushed one after the other: a failure holds up no other, and whoever goes on pushes nothing twice."""

import uuid
from typing import Any

import pytest

from core import jobs
from monitors import opensearch
from monitors.errors import MonitorsError, OpenSearchError
from monitors.models import BulkPush, Deployment, Monitor
from monitors.services import bulk, push
from tests.factories import make_monitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that were pushed; the channel is in order, OpenSearch holds no monitor, and refuses whoever is called "bad"."""
    names: list[str] = []

    def do(monitor: Monitor, **_: Any) -> Deployment:
        if monitor.name.startswith("bad"):
            raise OpenSearchError("refused")
        names.append(monitor.name)
        return Deployment(monitor=monitor, opensearch_id="x")

    monkeypatch.setattr(push, "push", do)
    monkeypatch.setattr(push, "preview", lambda _: push.Preview({}, None, None, None, "", None))
    monkeypatch.setattr(push, "ensure_channel", lambda: None)
    monkeypatch.setattr(opensearch, "call", lambda *_, **__: pytest.fail("nothing else is asked"))
    return names


def work(job: BulkPush) -> BulkPush:
    jobs.work(BulkPush, job.pk, bulk.run, expected=(MonitorsError,))
    job.refresh_from_db()
    return job


def three() -> list[Monitor]:
    return [make_monitor(name=f"{name} {uuid.uuid4().hex[:6]}", deployed=False) for name in ("a", "bad", "c")]


def test_one_that_fails_holds_up_no_other_and_says_why(pushed: list[str]) -> None:
    monitors = three()
    job = work(bulk.ask(monitors, by=None))
    assert pushed == [monitors[0].name, monitors[2].name]
    assert [one["error"] for one in job.results] == ["", "refused", ""]
    assert (job.state, job.done, job.total) == (jobs.State.DONE, 3, 3)


def test_after_a_workers_death_the_next_goes_on_where_it_stood(pushed: list[str]) -> None:
    monitors = three()
    job = bulk.ask(monitors, by=None)
    done = {"monitor": str(monitors[0].pk), "name": "a", "done": "pushed as x", "error": ""}
    BulkPush.objects.filter(pk=job.pk).update(results=[done], state=jobs.State.RUNNING)
    BulkPush.objects.filter(pk=job.pk).update(alive_at="2026-01-01T00:00:00Z")
    assert jobs.due(BulkPush) == [str(job.pk)]
    assert len(work(job).results) == 3
    assert pushed == [monitors[2].name]


def test_one_that_was_deleted_meanwhile_is_said(pushed: list[str]) -> None:
    monitor = make_monitor(deployed=False)
    job = bulk.ask([monitor], by=None)
    monitor.delete()
    assert "not there any more" in work(job).results[0]["error"]


def test_what_was_taken_back_pushes_nothing_more(pushed: list[str]) -> None:
    job = bulk.ask(three(), by=None)
    jobs.cancel(job)
    assert work(job).results == []
    assert pushed == []


def test_what_opensearch_holds_as_it_is_saved_is_left_alone(pushed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monitor = make_monitor()
    deployment = Deployment.objects.get(monitor=monitor)
    body = {"name": "x", "enabled": True}
    planned = push.Preview(body, dict(body), 1, 1, deployment.opensearch_id, None)
    monkeypatch.setattr(push, "preview", lambda _: planned)
    looked_at: list[str] = []
    monkeypatch.setattr(push, "ensure_channel", lambda: looked_at.append("channel"))
    assert work(bulk.ask([monitor], by=None)).results[0]["done"] == "in sync already"
    assert pushed == []
    assert looked_at == ["channel"]  # which a push mends, also where the monitor itself needs none


def test_what_has_a_fault_is_pushed_anew_although_it_is_held_as_it_is_saved(
    pushed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = make_monitor()
    Deployment.objects.filter(monitor=monitor).update(
        fault="The webhook channel posts elsewhere. Push any monitor to mend it."
    )
    body = {"name": "x", "enabled": True}
    held = push.Preview(body, dict(body), 1, 1, Deployment.objects.get(monitor=monitor).opensearch_id, None)
    monkeypatch.setattr(push, "preview", lambda _: held)
    work(bulk.ask([monitor], by=None))
    assert pushed == [monitor.name]


def test_a_change_of_others_is_overwritten_only_where_that_was_asked_for(
    pushed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = make_monitor()
    seen: list[int | None] = []
    monkeypatch.setattr(
        push, "preview", lambda _: push.Preview({}, {"name": "theirs"}, 7, 1, "x", None, needs_force=True)
    )

    def do(monitor: Monitor, *, seen_seq_no: int | None, **_: Any) -> Deployment:
        seen.append(seen_seq_no)
        return Deployment(monitor=monitor, opensearch_id="x")

    monkeypatch.setattr(push, "push", do)
    work(bulk.ask([monitor], by=None))
    work(bulk.ask([monitor], by=None, overwrite=True))
    assert seen == [None, 7]
