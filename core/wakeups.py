"""
Telling a worker that there is work. Best effort: the work stands in a row, and a sweeper finds what nobody was told of.

A wake-up costs a request at most 200 ms, and nothing at all for 5 s after one failed.
"""

import time
from functools import cache
from typing import Any

import structlog
from celery import Task, current_app
from kombu.connection import Connection
from kombu.exceptions import LimitExceeded, OperationalError
from kombu.pools import ProducerPool

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 0.2
PAUSE_SECONDS = 5.0
CONNECTIONS = 8  # a process; more threads than that wait their turn

_silent_until = 0.0


@cache
def _producers() -> ProducerPool:
    """Connections of their own, with short timeouts: a worker's may wait for hours, a request's may not."""
    options = {"socket_connect_timeout": TIMEOUT_SECONDS, "socket_timeout": TIMEOUT_SECONDS, "max_retries": 0}
    connection = Connection(  # type: ignore[no-untyped-call]  # kombu has no types
        current_app.conf.broker_url, connect_timeout=TIMEOUT_SECONDS, transport_options=options
    )
    return ProducerPool(connection.Pool(limit=CONNECTIONS), limit=CONNECTIONS)  # type: ignore[no-untyped-call]


def wake(task: Task, *args: Any) -> bool:
    """Tell a worker now; return whether the broker took it. Never raises when the broker is away."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return False
    try:
        with _producers().acquire(block=True, timeout=TIMEOUT_SECONDS) as producer:  # type: ignore[no-untyped-call]
            task.apply_async(args=args, producer=producer, retry=False, ignore_result=True)
    except LimitExceeded:
        return False  # every connection is in use; the broker itself may be well
    except (OperationalError, OSError) as error:
        _silent_until = time.monotonic() + PAUSE_SECONDS
        log.warning("wake_up_lost", task=task.name, error=type(error).__name__)
        return False
    return True
