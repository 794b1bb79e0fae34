"""A wake-up costs little, never raises, and is not tried again for a while after it failed."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import current_app

from core import tasks, wakeups


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No pause and no connection from another test."""
    monkeypatch.setattr(wakeups, "_silent_until", 0.0)
    wakeups._connection.cache_clear()
    yield
    wakeups._connection.cache_clear()


def broker(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_app.conf, "broker_url", url)


def test_a_broker_that_is_away_costs_little_once_and_nothing_then(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broker(f"redis+socket://{tmp_path}/nobody.sock", monkeypatch)
    started = time.monotonic()
    assert wakeups.wake(tasks.seal_activity) is False
    first = time.monotonic() - started
    started = time.monotonic()
    assert wakeups.wake(tasks.seal_activity) is False
    assert time.monotonic() - started < 0.01
    assert first < 1.0


def test_a_broker_that_takes_the_call_and_says_nothing_is_given_up_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = str(tmp_path / "b.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        broker(f"redis+socket://{path}", monkeypatch)
        started = time.monotonic()
        assert wakeups.wake(tasks.seal_activity) is False
        assert time.monotonic() - started < 2.0


def test_a_broker_that_is_there_takes_it(monkeypatch: pytest.MonkeyPatch, broker_url: str) -> None:
    broker(broker_url, monkeypatch)
    assert wakeups.wake(tasks.seal_activity) is True
