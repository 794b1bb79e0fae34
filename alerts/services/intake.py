"""Keeping what was posted. One insert; whoever calls answers 2xx only after the commit."""

import hashlib

from django.db import transaction

from alerts.choices import DeliveryStatus
from alerts.models import Delivery, Source
from core import clock

KEPT_HEADERS = ("User-Agent", "X-Request-Id", "X-Forwarded-For", "Content-Encoding")


def keep(source: Source, body: bytes, *, content_type: str, headers: dict[str, str]) -> Delivery:
    """Commit a delivery as it came. Raises DatabaseError when the database is away; then nothing was kept."""
    now = clock.now()
    with transaction.atomic():
        return Delivery.objects.create(
            received_at=now,
            source=source,
            body=body,
            size=len(body),
            sha256=hashlib.sha256(body).digest(),
            content_type=content_type[:200],
            headers={name: value[:500] for name, value in headers.items() if name in KEPT_HEADERS},
            next_attempt_at=now,
        )


def keep_refusal(source: Source, *, size: int, limit: int, content_type: str) -> Delivery:
    """Commit that a body was over the limit and never read, so that it is seen and caught up."""
    with transaction.atomic():
        return Delivery.objects.create(
            received_at=clock.now(),
            source=source,
            body=None,
            size=size,
            sha256=b"",
            content_type=content_type[:200],
            status=DeliveryStatus.QUARANTINED,
            reason=f"The body of {size:,} bytes is over the limit of {limit:,} (OKTADETECT_WEBHOOK_MAX_BYTES) and was not read. "
            "What it told is caught up by a search.",
        )
