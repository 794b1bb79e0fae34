"""The first run against a real node and the Alerting stand-in: each step ticks once it is so."""

import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pytest_django import Settings

from alerts.services import first_run
from alerts.services.first_run import STEPS
from alerts.services.standing import State
from core import clock
from monitors import opensearch
from monitors.errors import OpenSearchError
from monitors.models import Monitor
from monitors.services import push, revisions
from tests.events import sign_in
from tests.monitors.indexing import index_by_template

pytestmark = [pytest.mark.opensearch, pytest.mark.django_db(transaction=True)]

told_to: list[bytes] = []


class _Receiver(BaseHTTPRequestHandler):
    """Takes what is posted with a token, and refuses all else, as the webhook does."""

    def do_POST(self) -> None:
        told_to.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(202 if self.path == "/okta-detections" else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver(settings: Settings) -> Iterator[str]:
    told_to.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Receiver) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        settings.OKTADETECT_WEBHOOK_URL = f"http://127.0.0.1:{server.server_port}"
        yield settings.OKTADETECT_WEBHOOK_URL
        server.shutdown()


def state(key: str) -> State:
    return first_run.told(STEPS[key]).state


def test_opensearch_says_its_version_and_that_it_has_alerting() -> None:
    found = first_run.told(STEPS["opensearch"])
    assert found.state == State.DONE
    assert found.words.startswith("OpenSearch 3.")


def test_an_index_is_late_empty_or_served(settings: Settings) -> None:
    settings.OKTADETECT_INDEX_PATTERN = index_by_template(f"t-{uuid.uuid4().hex[:12]}", [sign_in(clock.now())])
    found = first_run.told(STEPS["index"])
    assert found.state == State.DONE
    assert "it can serve" in found.words
    assert found.at is not None
    assert clock.now() - found.at < timedelta(minutes=5)
    settings.OKTADETECT_INDEX_PATTERN = index_by_template(
        f"t-{uuid.uuid4().hex[:12]}", [sign_in(clock.now() - timedelta(days=3))]
    )
    assert state("index") == State.FAILED
    settings.OKTADETECT_INDEX_PATTERN = f"none-{uuid.uuid4().hex[:8]}-*"
    assert state("index") == State.WAITING


def test_the_channel_is_written_tested_and_refused_in_words(receiver: str) -> None:
    push.ensure_channel(anew=True)
    assert state("channel") == State.DONE
    first_run.try_webhook()
    assert told_to == [b"Test message content body for config id oktadetect"]
    config = opensearch.read_channel(push.CHANNEL_ID)
    elsewhere = {**config, "webhook": {**config["webhook"], "url": f"{receiver}/elsewhere"}}
    opensearch.write_channel(push.CHANNEL_ID, elsewhere, exists=True)
    assert state("channel") == State.FAILED
    with pytest.raises(OpenSearchError, match=r"could not post its test message there: .*Unauthorized"):
        first_run.try_webhook()


def test_a_pushed_monitor_with_test_events_can_be_rehearsed() -> None:
    pattern = index_by_template(f"t-{uuid.uuid4().hex[:12]}", [sign_in(clock.now())])
    assert first_run.to_rehearse() is None
    made = Monitor(
        detection="impossible-travel", name=f"Travel {uuid.uuid4().hex[:8]}", index_pattern=pattern, severity=2,
        interval_seconds=3600,
    )  # fmt: skip
    revisions.save(made, by="test")
    push.push(made, by="test")
    assert first_run.to_rehearse() == made
    push.delete(made, by="test")
    assert first_run.to_rehearse() is None
