"""The asynchronous edge of monitors: ids in, one service call out. Nothing is lost when a task is: the next beat finds its row."""

import structlog
from celery import shared_task

from monitors.services import exclusions

log = structlog.get_logger(__name__)


@shared_task(name="monitors.expire_exclusions")  # type: ignore[untyped-decorator]
def expire_exclusions() -> None:
    """Take what has ended out of the monitors that left it out."""
    for sentence in exclusions.expire():
        log.warning("monitors.expiry_not_pushed", reason=sentence)
