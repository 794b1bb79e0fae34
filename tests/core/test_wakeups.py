"""A wake-up costs little, never raises, and is not tried again for a while after it failed."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from core import tasks, wakeups


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No pause and no connection from another test."""
    monkeypatch.setattr(wakeups, "_silent_until", 0.0)
    wakeups._producers.cache_clear()
    yield
    wakeups._producers.cache_clear()


def broker(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", url)  # Celery reads it at each use


def test_a_broker_that_is_away_costs_little_once_and_nothing_then(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broker(f"redis+socket://{tmp_path}/nobody.sock", monkeypatch)
    started = time.monotonic()
    assert wakeups.wake(tasks.seal_activity) is False
    first = time.monotonic() - started
    started = time.monotonic()
    assert wakeups.wake(tasks.seal_activity) is False
    assert time.monotonic() - started < first


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
        assert time.monotonic() - started < 5.0  # 0.2 s on a quiet machine; for ever without the timeout


def test_a_broker_that_is_there_takes_it(monkeypatch: pytest.MonkeyPatch, broker_url: str) -> None:
    broker(broker_url, monkeypatch)
    assert wakeups.wake(tasks.seal_activity) is True


def test_a_broker_that_was_restarted_is_told_again(monkeypatch: pytest.MonkeyPatch, broker_url: str) -> None:
    broker(broker_url, monkeypatch)
    assert wakeups.wake(tasks.seal_activity) is True
    client = redis.Redis(unix_socket_path=broker_url.removeprefix("redis+socket://"))
    client.client_kill_filter(_type="normal", skipme=True)
    answers = []
    for _ in range(2):
        monkeypatch.setattr(wakeups, "_silent_until", 0.0)
        answers.append(wakeups.wake(tasks.seal_activity))
    assert answers[-1] is True


def test_more_threads_than_connections_lose_a_wake_up_and_raise_nothing(
    monkeypatch: pytest.MonkeyPatch, broker_url: str
) -> None:
    broker(broker_url, monkeypatch)
    monkeypatch.setattr(wakeups, "CONNECTIONS", 1)
    with wakeups._producers().acquire(block=True):  # type: ignore[no-untyped-call]  # kombu has no types
        assert wakeups.wake(tasks.seal_activity) is False
