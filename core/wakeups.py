"""
Telling a worker that there is work. Best effort: the work stands in a row, and a sweeper finds what nobody was told of.

A wake-up costs a request at most 200 ms, and nothing at all for 5 s after one failed.
"""

import time
from functools import cache
from typing import Any

import structlog
from celery import Task, current_app
from django.db import transaction
from kombu.connection import Connection
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 0.2
PAUSE_SECONDS = 5.0

_silent_until = 0.0


@cache
def _connection() -> Connection:
    """A connection of its own with short timeouts: a worker's may wait for hours, a request's may not."""
    options = {"socket_connect_timeout": TIMEOUT_SECONDS, "socket_timeout": TIMEOUT_SECONDS, "max_retries": 0}
    return Connection(  # type: ignore[no-untyped-call]  # kombu has no types
        current_app.conf.broker_url, connect_timeout=TIMEOUT_SECONDS, transport_options=options
    )


def wake(task: Task, *args: Any) -> bool:
    """Tell a worker now; return whether the broker took it. Never raises when the broker is away."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return False
    try:
        task.apply_async(args=args, connection=_connection(), retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        _silent_until = time.monotonic() + PAUSE_SECONDS
        log.warning("wake_up_lost", task=task.name, error=type(error).__name__)
        return False
    return True


def wake_on_commit(task: Task, *args: Any) -> None:
    """Tell a worker once the current transaction is committed."""
    transaction.on_commit(lambda: wake(task, *args))
