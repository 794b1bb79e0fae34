"""Giving a delivery in quarantine another try, once what it failed at is mended."""

from functools import partial
from uuid import UUID

from django.db import transaction

from alerts import tasks
from alerts.choices import DeliveryStatus
from alerts.models import Delivery
from core import activity, clock
from core.models import Person
from core.wakeups import wake


class QuarantineError(Exception):
    """The delivery cannot be tried again; `str()` is the sentence to show. Nothing was changed."""

    code = "quarantine"


@transaction.atomic
def retry(delivery_id: UUID, by: Person) -> Delivery:
    """Have a quarantined delivery worked again now. Raises Delivery.DoesNotExist and QuarantineError."""
    delivery = Delivery.objects.select_for_update().defer("body").get(pk=delivery_id)
    if delivery.status != DeliveryStatus.QUARANTINED:
        raise QuarantineError(f"The delivery is {delivery.get_status_display().lower()}, not in quarantine.")
    if not delivery.sha256:
        raise QuarantineError("Its body was over the limit and never read, so there is nothing to try again.")
    reason = delivery.reason
    delivery.status, delivery.reason, delivery.rejected = DeliveryStatus.RECEIVED, "", []
    delivery.attempts, delivery.next_attempt_at, delivery.processed_at = 0, clock.now(), None
    delivery.save(update_fields=["status", "reason", "rejected", "attempts", "next_attempt_at", "processed_at"])
    activity.record("delivery.retried", delivery, by=by, reason=reason)
    transaction.on_commit(partial(wake, tasks.process_delivery, str(delivery.pk)))
    return delivery
