"""What was changed behind our back is said in words, and each of the three ways out works."""

import uuid
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from core import clock
from monitors import opensearch, rendering
from monitors.errors import PushError
from monitors.models import Deployment, Monitor
from monitors.services import drift, health, push, revisions
from tests.events import sign_in
from tests.factories import make_person
from tests.monitors.indexing import index_by_template

pytestmark = [pytest.mark.opensearch, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    """A pushed monitor over an index of its own; whatever was pushed of it is gone afterwards."""
    pattern = index_by_template(f"t-{uuid.uuid4().hex[:12]}", [sign_in(clock.now())])
    made = Monitor(
        detection="brute-force-user",
        name=f"Brute {uuid.uuid4().hex[:8]}",
        index_pattern=pattern,
        severity=2,
        interval_seconds=3600,
    )
    revisions.save(made, by="test")
    push.push(made, by="test")
    yield made
    for hit in opensearch.all_monitors():
        if push.trigger_id(hit["_source"]) == str(made.uuid):
            opensearch.delete_monitor(hit["_id"])


def theirs(monitor: Monitor, change: Any) -> None:
    """Change the monitor in OpenSearch behind our back."""
    held = opensearch.read_monitor(Deployment.objects.get(monitor=monitor).opensearch_id)
    body = deepcopy(held["monitor"])
    change(body)
    opensearch.update_monitor(held["_id"], body, seq_no=held["_seq_no"], primary_term=held["_primary_term"])


def program(body: dict[str, Any]) -> dict[str, Any]:
    """The params of the window program."""
    found: dict[str, Any] = body["inputs"][0]["search"]["query"]["aggregations"]["f"]["scripted_metric"]["params"]
    return found


def trigger(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["triggers"][0]["query_level_trigger"]
    return found


def told(found: drift.Drift) -> set[tuple[str, str, str]]:
    return {(line.what, line.old, line.new) for line in found.theirs}


def change_much(body: dict[str, Any]) -> None:
    program(body)["n"] = 5
    body["schedule"]["period"] = {"interval": 10, "unit": "MINUTES"}
    body["enabled"] = False
    trigger(body)["severity"] = "1"


def test_nothing_differs_right_after_a_push(monitor: Monitor) -> None:
    found = drift.look(monitor)
    assert (found.theirs, found.ours, found.adopted) == ([], [], None)


def test_a_change_is_told_in_the_words_of_the_monitor(monitor: Monitor) -> None:
    theirs(monitor, change_much)
    label = monitor.definition().parameters["failures"].label
    assert told(drift.look(monitor)) == {
        (label, "20", "5"),
        ("Schedule", "every 1 h", "every 10 min"),
        ("Enabled", "yes", "no"),
        ("Severity", "2", "1"),
    }


def test_what_was_changed_there_is_adopted_as_a_revision_of_whoever_adopts_it(monitor: Monitor) -> None:
    person = make_person()
    theirs(monitor, change_much)
    seen = drift.look(monitor)
    assert seen.seq_no is not None
    drift.adopt(monitor, by=person, seen_seq_no=seen.seq_no)
    revision = monitor.revisions.first()
    assert revision is not None
    assert (revision.number, revision.author) == (2, person)
    assert revision.inputs["params"]["failures"] == 5
    monitor.refresh_from_db()
    assert (monitor.severity, monitor.interval_seconds, monitor.enabled) == (1, 600, False)
    assert drift.look(monitor).theirs == []
    health.watch()
    deployment = Deployment.objects.get(monitor=monitor)
    assert (deployment.state, deployment.fault) == ("in_sync", "")


def test_a_change_that_cannot_be_said_here_blocks_adopting_and_is_named(monitor: Monitor) -> None:
    def change(body: dict[str, Any]) -> None:
        trigger(body)["condition"]["script"]["source"] = "return true;"
        trigger(body)["severity"] = "1"

    theirs(monitor, change)
    found = drift.look(monitor)
    assert [line.what for line in found.blocked] == ["Condition · script.source"]
    assert found.seq_no is not None
    with pytest.raises(PushError, match="Condition"):
        drift.adopt(monitor, by=make_person(), seen_seq_no=found.seq_no)
    assert monitor.revisions.count() == 1


def test_adopting_keeps_what_was_saved_here_and_not_pushed(monitor: Monitor) -> None:
    monitor.params = {"window_minutes": 30}
    revisions.save(monitor, by="test")
    theirs(monitor, lambda body: program(body).update(n=7))
    found = drift.look(monitor)
    assert found.ours
    assert found.seq_no is not None
    drift.adopt(monitor, by=make_person(), seen_seq_no=found.seq_no)
    monitor.refresh_from_db()
    assert (monitor.params["failures"], monitor.params["window_minutes"]) == (7, 30)


def test_what_changed_again_since_it_was_looked_at_is_not_adopted(monitor: Monitor) -> None:
    theirs(monitor, change_much)
    seen = drift.look(monitor)
    theirs(monitor, lambda body: body.update(name="later"))
    assert seen.seq_no is not None
    with pytest.raises(PushError, match="at this moment"):
        drift.adopt(monitor, by=make_person(), seen_seq_no=seen.seq_no)
    assert monitor.revisions.count() == 1


def test_a_window_that_stands_in_milliseconds_and_in_the_look_back_is_adopted_in_minutes(monitor: Monitor) -> None:
    monitor.params = {"window_minutes": 25}
    inputs = revisions.inputs_of(monitor)
    wanted = rendering.monitor(inputs, channel_id="c", revision=1, enabled=True, enabled_time_ms=0)
    monitor.refresh_from_db()

    def change(body: dict[str, Any]) -> None:
        body["inputs"] = wanted["inputs"]

    theirs(monitor, change)
    found = drift.look(monitor)
    assert found.adopted is not None
    assert found.adopted.params["window_minutes"] == 25


def test_a_renamed_monitor_whose_id_was_lost_is_found_by_its_trigger(monitor: Monitor) -> None:
    before = Deployment.objects.get(monitor=monitor).opensearch_id
    theirs(monitor, lambda body: body.update(name="Something else"))
    Deployment.objects.filter(monitor=monitor).update(opensearch_id="")
    assert push.preview(monitor).opensearch_id == before
