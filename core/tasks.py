"""The asynchronous edge of core."""

from celery import shared_task

from core import activity


@shared_task(name="core.seal_activity")  # type: ignore[untyped-decorator]
def seal_activity() -> None:
    """Seal what was written since the last time."""
    while activity.seal() == activity.SEAL_BATCH:
        pass
