"""What is kept for how long."""

from datetime import datetime

import structlog
from django.conf import settings
from django.db import OperationalError, transaction

from alerts import partitions
from alerts.choices import DeliveryStatus
from alerts.models import Delivery
from core import activity

log = structlog.get_logger(__name__)


def drop_old_deliveries(now: datetime) -> None:
    """
    Drop the months of deliveries that ended more than OKTADETECT_KEEP_DELIVERIES_MONTHS ago; 0 keeps all.

    A month in which a delivery still waits stays whole. Alerts keep what deliveries told. One that cannot be dropped now, since the
    table is busy, is dropped another day.
    """
    months = settings.OKTADETECT_KEEP_DELIVERIES_MONTHS
    first_kept = divmod(now.year * 12 + now.month - 1 - months, 12)
    for year, month in partitions.made() if months else ():
        if (year, month - 1) < first_kept:
            try:
                _drop(year, month)
            except OperationalError as error:
                log.warning("deliveries_not_dropped", month=f"{year}-{month:02d}", error=str(error))


@transaction.atomic
def _drop(year: int, month: int) -> None:
    low, high = partitions.bound(year, month), partitions.bound(*partitions.following(year, month))
    rows = Delivery.objects.filter(id__gte=low, id__lt=high)
    waiting = rows.filter(status=DeliveryStatus.RECEIVED).order_by("id").first()
    if waiting is not None:
        log.warning("deliveries_not_dropped", month=f"{year}-{month:02d}", error=f"{waiting} was never ended")
        return
    newest = rows.select_related("source").defer("body").order_by("id").last()
    if newest is not None:
        told = {"month": f"{year}-{month:02d}", "deliveries": rows.count()}
        activity.record("deliveries.dropped", newest.source, by="retention", **told)
    partitions.drop(year, month)
