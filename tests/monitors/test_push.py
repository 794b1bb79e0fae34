"""Pushing to the stand-in: never half, never over a change that was not seen, and what is broken there is a fault here."""

import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pytest_django import Settings

from alerts.models import SourceToken
from core import clock
from core.models import Activity
from monitors import opensearch
from monitors.errors import MissingField, NotFound, OpenSearchAway, PushError
from monitors.models import Deployment, Monitor
from monitors.services import health, push, revisions
from tests.events import sign_in
from tests.monitors.indexing import index_by_template, index_dynamically

pytestmark = [pytest.mark.opensearch, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    """A saved monitor over an index of its own; whatever was pushed of it is gone afterwards."""
    pattern = index_by_template(f"t-{uuid.uuid4().hex[:12]}", [sign_in(clock.now())])
    made = Monitor(
        detection="impossible-travel",
        name=f"Travel {uuid.uuid4().hex[:8]}",
        index_pattern=pattern,
        severity=2,
        interval_seconds=3600,
    )
    revisions.save(made, by="test")
    yield made
    for hit in opensearch.find_monitors(made.name):
        opensearch.delete_monitor(hit["_id"])


def deployed(monitor: Monitor) -> Deployment:
    return Deployment.objects.get(monitor=monitor)


def theirs(monitor: Monitor, **changes: Any) -> None:
    """Change the monitor in OpenSearch behind our back."""
    held = opensearch.read_monitor(deployed(monitor).opensearch_id)
    body = {**held["monitor"], **changes}
    opensearch.update_monitor(held["_id"], body, seq_no=held["_seq_no"], primary_term=held["_primary_term"])


def test_a_push_makes_monitor_and_channel_and_reads_them_back(monitor: Monitor) -> None:
    push.push(monitor, by="test")
    deployment = deployed(monitor)
    held = opensearch.read_monitor(deployment.opensearch_id)
    assert push.trigger_id(held["monitor"]) == str(monitor.uuid)
    assert held["monitor"]["ui_metadata"]["oktadetect"]["revision"] == 1
    assert (deployment.state, deployment.seq_no, deployment.fault) == ("in_sync", held["_seq_no"], "")
    config = opensearch.read_channel(push.CHANNEL_ID)
    assert config["webhook"]["url"] == push.webhook_url()
    assert push.token_is_live(config)
    assert Activity.objects.filter(action="monitor.pushed", subject_id=str(monitor.uuid)).count() == 1


def test_a_second_push_changes_the_same_monitor_and_leaves_a_good_channel_alone(monitor: Monitor) -> None:
    first = push.push(monitor, by="test").opensearch_id
    tokens = SourceToken.objects.count()
    monitor.params = {"max_kmh": 1000}
    revisions.save(monitor, by="test", reason="fewer flights")
    assert deployed(monitor).state == "changed"
    assert push.push(monitor, by="test").opensearch_id == first
    assert SourceToken.objects.count() == tokens
    assert deployed(monitor).revision is not None
    assert deployed(monitor).revision.number == 2  # type: ignore[union-attr]  # asserted above


def test_saving_without_a_change_makes_no_revision(monitor: Monitor) -> None:
    revisions.save(monitor, by="test")
    assert monitor.revisions.count() == 1


def test_what_becomes_of_findings_in_tickets_is_nothing_to_push(monitor: Monitor) -> None:
    push.push(monitor, by="test")
    monitor.ticket_policy = Monitor.Policy.SCORE
    revisions.save(monitor, by="test")
    health.watch()
    assert deployed(monitor).state == Deployment.State.IN_SYNC
    monitor.severity = 3
    revisions.save(monitor, by="test")
    assert deployed(monitor).state == Deployment.State.CHANGED


def test_a_change_behind_our_back_is_shown_and_never_overwritten_unseen(monitor: Monitor) -> None:
    push.push(monitor, by="test")
    theirs(monitor, schedule={"period": {"interval": 5, "unit": "HOURS"}})
    health.watch()
    assert deployed(monitor).state == "drifted"
    assert "changed in OpenSearch" in deployed(monitor).fault
    with pytest.raises(PushError, match="Look at the difference"):
        push.push(monitor, by="test")
    seen = push.preview(monitor)
    assert seen.needs_force
    push.push(monitor, by="test", seen_seq_no=seen.seq_no)
    health.watch()
    assert (deployed(monitor).state, deployed(monitor).fault) == ("in_sync", "")


def test_a_push_against_a_state_that_is_old_by_now_is_refused(monitor: Monitor) -> None:
    push.push(monitor, by="test")
    theirs(monitor, name="one")
    seen = push.preview(monitor)
    theirs(monitor, name="two")
    with pytest.raises(PushError):
        push.push(monitor, by="test", seen_seq_no=seen.seq_no)
    assert opensearch.read_monitor(deployed(monitor).opensearch_id)["monitor"]["name"] == "two"


def test_an_answer_that_was_lost_is_looked_for_before_another_is_made(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = opensearch.create_monitor

    def lost(body: Any) -> Any:
        create(body)
        raise OpenSearchAway("the answer was lost")

    monkeypatch.setattr(opensearch, "create_monitor", lost)
    push.push(monitor, by="test")
    assert len(opensearch.find_monitors(monitor.name)) == 1
    assert deployed(monitor).state == "in_sync"


def test_a_request_that_never_arrived_leaves_nothing_behind(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: Any) -> Any:
        raise OpenSearchAway("not reached")

    monkeypatch.setattr(opensearch, "create_monitor", away)
    with pytest.raises(PushError, match="Nothing was changed"):
        push.push(monitor, by="test")
    assert opensearch.find_monitors(monitor.name) == []
    assert not Deployment.objects.filter(monitor=monitor, state="in_sync").exists()


def test_a_monitor_disabled_behind_our_back_is_a_fault(monitor: Monitor) -> None:
    push.push(monitor, by="test")
    theirs(monitor, enabled=False)
    health.watch()
    assert deployed(monitor).state == "disabled"
    assert "was disabled" in deployed(monitor).fault


def test_a_monitor_deleted_behind_our_back_is_a_fault_and_a_push_mends_it(monitor: Monitor) -> None:
    gone = push.push(monitor, by="test").opensearch_id
    opensearch.delete_monitor(gone)
    health.watch()
    assert deployed(monitor).state == "missing"
    assert push.push(monitor, by="test").opensearch_id != gone
    health.watch()
    assert deployed(monitor).fault == ""


def test_a_channel_that_posts_elsewhere_is_a_fault_and_a_push_mends_it(monitor: Monitor) -> None:
    push.push(monitor, by="test")
    config = opensearch.read_channel(push.CHANNEL_ID)
    config["webhook"]["url"] = "http://127.0.0.1:9/elsewhere"
    opensearch.write_channel(push.CHANNEL_ID, config, exists=True)
    health.watch()
    assert "posts to http://127.0.0.1:9/elsewhere" in deployed(monitor).fault
    push.push(monitor, by="test")
    health.watch()
    assert deployed(monitor).fault == ""


def test_a_channel_whose_token_was_withdrawn_is_a_fault(monitor: Monitor) -> None:
    push.push(monitor, by="test")
    SourceToken.objects.update(withdrawn_at=clock.now())
    health.watch()
    assert "token" in deployed(monitor).fault


def test_silence_is_a_fault_after_two_heartbeats(monitor: Monitor) -> None:
    push.push(monitor, by="test")
    Deployment.objects.update(pushed_at=clock.now() - timedelta(hours=3), heard_at=clock.now() - timedelta(hours=2))
    health.watch()
    assert "Nothing was heard" in deployed(monitor).fault


def test_a_fault_writes_history_once_and_so_does_its_end(monitor: Monitor) -> None:
    push.push(monitor, by="test")
    theirs(monitor, enabled=False)
    health.watch()
    health.watch()
    theirs(monitor, enabled=True)
    health.watch()
    told = Activity.objects.filter(subject_id=str(monitor.uuid), action__in=["monitor.fault", "monitor.mended"])
    assert [row.action for row in told.order_by("id")] == ["monitor.fault", "monitor.mended"]


def test_opensearch_being_away_is_a_fault_of_every_monitor_and_no_crash(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    push.push(monitor, by="test")

    def away(*_: Any, **__: Any) -> Any:
        raise OpenSearchAway("OpenSearch did not answer within 10 s.")

    with monkeypatch.context() as away_now:
        away_now.setattr(opensearch, "call", away)
        assert health.watch() == 1
    assert "did not answer" in deployed(monitor).fault


def test_an_index_that_cannot_serve_the_detection_is_refused_before_anything_is_written(monitor: Monitor) -> None:
    event = sign_in(clock.now())
    del event["client"]["geographicalContext"]
    monitor.index_pattern = index_dynamically(f"t-{uuid.uuid4().hex[:12]}", [event])
    revisions.save(monitor, by="test")
    with pytest.raises(MissingField, match="geolocation"):
        push.push(monitor, by="test")
    assert opensearch.find_monitors(monitor.name) == []


def test_deleting_takes_it_out_of_opensearch(monitor: Monitor) -> None:
    gone = push.push(monitor, by="test").opensearch_id
    push.delete(monitor, by="test")
    with pytest.raises(NotFound):
        opensearch.read_monitor(gone)
    assert deployed(monitor).state == "never"


def test_a_push_that_fails_leaves_the_channel_with_a_token_that_is_live(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    push.push(monitor, by="test")
    config = opensearch.read_channel(push.CHANNEL_ID)
    config["webhook"]["url"] = "http://127.0.0.1:9/elsewhere"
    opensearch.write_channel(push.CHANNEL_ID, config, exists=True)

    def away(*_: Any, **__: Any) -> Any:
        raise OpenSearchAway("not reached")

    monkeypatch.setattr(opensearch, "update_monitor", away)
    with pytest.raises(PushError):
        push.push(monitor, by="test")
    mended = opensearch.read_channel(push.CHANNEL_ID)
    assert push.channel_fault(mended) is None
    assert push.token_is_live(mended)


def test_what_is_saved_while_a_push_runs_is_shown_as_a_change(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = opensearch.create_monitor

    def create_while_saved(body: Any) -> Any:
        again = Monitor.objects.get(pk=monitor.pk)
        again.severity = 1
        revisions.save(again, by="test")
        return create(body)

    monkeypatch.setattr(opensearch, "create_monitor", create_while_saved)
    deployment = push.push(monitor, by="test")
    assert deployment.revision is not None
    assert deployment.revision.number == 1
    health.watch()
    assert deployed(monitor).state == "changed"


def test_a_push_sends_what_is_saved_and_not_what_its_caller_read_before(monitor: Monitor) -> None:
    Monitor.objects.filter(pk=monitor.pk).update(severity=4)
    push.push(monitor, by="test")
    held = opensearch.read_monitor(deployed(monitor).opensearch_id)["monitor"]
    assert held["triggers"][0]["query_level_trigger"]["severity"] == "4"


def test_an_answer_to_a_change_that_was_lost_is_looked_for_too(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    push.push(monitor, by="test")
    monitor.severity = 1
    revisions.save(monitor, by="test")
    update = opensearch.update_monitor

    def lost(*args: Any, **options: Any) -> Any:
        update(*args, **options)
        raise OpenSearchAway("the answer was lost")

    monkeypatch.setattr(opensearch, "update_monitor", lost)
    deployment = push.push(monitor, by="test")
    assert (deployment.state, deployment.revision) == ("in_sync", monitor.revisions.first())


def test_a_change_that_never_arrived_is_said_to_have_changed_nothing(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    push.push(monitor, by="test")
    monitor.severity = 1
    revisions.save(monitor, by="test")

    def away(*_: Any, **__: Any) -> Any:
        raise OpenSearchAway("not reached")

    with monkeypatch.context() as away_now:
        away_now.setattr(opensearch, "update_monitor", away)
        with pytest.raises(PushError, match=r"as it was\. Nothing was changed"):
            push.push(monitor, by="test")
    assert push.push(monitor, by="test").state == "in_sync"


def mend(monitor: Monitor) -> str:
    """Look, mend what is found, and look again."""
    health.watch()
    said = health.mend(monitor, by="test")
    health.watch()
    return said


def test_a_disabled_monitor_is_enabled_again_by_one_click(monitor: Monitor) -> None:
    push.push(monitor, by="test")
    theirs(monitor, enabled=False)
    mend(monitor)
    assert (deployed(monitor).state, deployed(monitor).fault) == ("in_sync", "")


def test_enabling_again_never_undoes_another_change_that_nobody_looked_at(monitor: Monitor) -> None:
    push.push(monitor, by="test")
    theirs(monitor, enabled=False, name="theirs")
    health.watch()
    with pytest.raises(PushError, match="More of"):
        health.mend(monitor, by="test")
    assert opensearch.read_monitor(deployed(monitor).opensearch_id)["monitor"]["name"] == "theirs"


def test_a_deleted_monitor_is_created_again_by_one_click(monitor: Monitor) -> None:
    gone = push.push(monitor, by="test").opensearch_id
    opensearch.delete_monitor(gone)
    mend(monitor)
    assert deployed(monitor).opensearch_id != gone
    assert deployed(monitor).fault == ""


def test_mending_pushes_no_change_that_nobody_pushed(monitor: Monitor) -> None:
    gone = push.push(monitor, by="test").opensearch_id
    opensearch.delete_monitor(gone)
    monitor.severity = 1
    revisions.save(monitor, by="test")
    health.watch()
    with pytest.raises(PushError, match="not pushed"):
        health.mend(monitor, by="test")


class _TakesAll(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[str]:
    """An address that takes whatever is posted: an alert is active only once its action went out."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _TakesAll) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_monitor_muted_by_an_acknowledgement_is_named_and_unmuted_by_one_click(
    monitor: Monitor, receiver: str, settings: Settings
) -> None:
    settings.OKTADETECT_WEBHOOK_URL = receiver
    monitor.detection, monitor.index_pattern = "support-impersonation", f"none-{uuid.uuid4().hex[:8]}-*"
    monitor.params = {}
    revisions.save(monitor, by="test")  # an index that is not there: the condition holds, so that there is an alert
    opensearch_id = push.push(monitor, by="test").opensearch_id
    opensearch.call("POST", f"{opensearch.MONITORS}/{opensearch_id}/_execute", body={}, params={"dryrun": "false"})
    (alert,) = opensearch.monitor_alerts(opensearch_id)
    opensearch.call(
        "POST", f"{opensearch.MONITORS}/{opensearch_id}/_acknowledge/alerts", body={"alerts": [alert["id"]]}
    )
    health.watch()
    assert "mutes it" in deployed(monitor).fault
    mend(monitor)
    assert deployed(monitor).fault == ""
    assert deployed(monitor).opensearch_id == opensearch_id
    held = opensearch.read_monitor(opensearch_id)["monitor"]
    assert push.trigger_id(held) == str(monitor.uuid)
    assert [one["state"] for one in opensearch.monitor_alerts(opensearch_id)] == ["DELETED"]


def test_a_channel_is_written_again_by_one_click(monitor: Monitor) -> None:
    push.push(monitor, by="test")
    config = opensearch.read_channel(push.CHANNEL_ID)
    opensearch.write_channel(push.CHANNEL_ID, {**config, "is_enabled": False}, exists=True)
    mend(monitor)
    assert push.channel_fault(opensearch.read_channel(push.CHANNEL_ID)) is None


def test_a_rotated_token_is_another_that_is_live_and_the_old_one_still_lets_in(monitor: Monitor) -> None:
    push.push(monitor, by="test")
    before = opensearch.read_channel(push.CHANNEL_ID)
    push.rotate_token(by="test")
    after = opensearch.read_channel(push.CHANNEL_ID)
    assert after["webhook"]["header_params"] != before["webhook"]["header_params"]
    assert push.token_is_live(after)
    assert push.token_is_live(before)
