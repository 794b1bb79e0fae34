"""The asynchronous edge of monitors: ids in, one service call out. Nothing is lost when a task is: the next beat finds its row."""

import structlog
from celery import shared_task

from core import jobs
from monitors.errors import MonitorsError
from monitors.models import BulkPush
from monitors.services import bulk, events, exclusions

log = structlog.get_logger(__name__)


@shared_task(name="monitors.read_event_types", soft_time_limit=540, time_limit=570)  # type: ignore[untyped-decorator]
def read_event_types() -> None:
    """Read which events the indices hold by now."""
    events.read_all()


@shared_task(name="monitors.run_bulk_push", soft_time_limit=540, time_limit=570)  # type: ignore[untyped-decorator]
def run_bulk_push(bulk_push_id: str) -> None:
    """Bring many monitors to OpenSearch, as far as one task gets; the sweep goes on with the rest."""
    jobs.work(BulkPush, bulk_push_id, bulk.run, expected=(MonitorsError,))


@shared_task(name="monitors.expire_exclusions")  # type: ignore[untyped-decorator]
def expire_exclusions() -> None:
    """Take what has ended out of the monitors that left it out."""
    for sentence in exclusions.expire():
        log.warning("monitors.expiry_not_pushed", reason=sentence)
