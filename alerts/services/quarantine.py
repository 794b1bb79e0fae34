"""What people do about a delivery in quarantine: another try once what it failed at is mended, or dismissing it."""

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
    """The delivery is not where that can be done to it; `str()` is the sentence to show. Nothing was changed."""

    code = "quarantine"


@transaction.atomic
def retry(delivery_id: UUID, by: Person) -> Delivery:
    """Have a quarantined delivery worked again now. Raises Delivery.DoesNotExist and QuarantineError."""
    delivery = _locked(delivery_id, DeliveryStatus.QUARANTINED)
    if not delivery.sha256:
        raise QuarantineError("Its body was over the limit and never read, so there is nothing to try again.")
    reason = delivery.reason
    delivery.status, delivery.reason, delivery.rejected = DeliveryStatus.RECEIVED, "", []
    delivery.attempts, delivery.next_attempt_at, delivery.processed_at = 0, clock.now(), None
    delivery.save(update_fields=["status", "reason", "rejected", "attempts", "next_attempt_at", "processed_at"])
    activity.record("delivery.retried", delivery, by=by, reason=reason)
    transaction.on_commit(partial(wake, tasks.process_delivery, str(delivery.pk)))
    return delivery


@transaction.atomic
def dismiss(delivery_id: UUID, by: Person, *, reason: str) -> Delivery:
    """Take a delivery out of quarantine without working it, and say why. Raises Delivery.DoesNotExist and QuarantineError."""
    delivery = _locked(delivery_id, DeliveryStatus.QUARANTINED)
    delivery.status = DeliveryStatus.DISMISSED
    delivery.save(update_fields=["status"])
    activity.record("delivery.dismissed", delivery, by=by, reason=reason)
    return delivery


@transaction.atomic
def restore(delivery_id: UUID, by: Person) -> Delivery:
    """Take a dismissal back: the delivery is in quarantine again. Raises Delivery.DoesNotExist and QuarantineError."""
    delivery = _locked(delivery_id, DeliveryStatus.DISMISSED)
    delivery.status = DeliveryStatus.QUARANTINED
    delivery.save(update_fields=["status"])
    activity.record("delivery.restored", delivery, by=by)
    return delivery


def _locked(delivery_id: UUID, status: DeliveryStatus) -> Delivery:
    """Return the delivery, locked until the transaction ends. It must have that status."""
    delivery = Delivery.objects.select_for_update().defer("body").get(pk=delivery_id)
    if delivery.status != status:
        raise QuarantineError(f"The delivery is {delivery.get_status_display().lower()}, not {status.label.lower()}.")
    return delivery
