"""The table of deliveries is partitioned by month from the first migration, and hot paths use its indexes."""

from datetime import UTC, datetime

import pytest
from django.db import connection

from alerts import partitions
from alerts.models import Alert, Delivery, Source, TicketOperation
from alerts.services import intake
from core import clock
from tests.factories import make_alert

pytestmark = pytest.mark.django_db


def partition_of(delivery: Delivery) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM alerts_delivery WHERE id = %s", [delivery.pk])
        return str(cursor.fetchone()[0])


def test_a_delivery_lies_in_the_partition_of_its_month() -> None:
    source = Source.objects.create(name="test")
    delivery = intake.keep(source, b"x", content_type="", headers={})
    assert partition_of(delivery) == f"alerts_delivery_{clock.now():%Y_%m}"


def test_partitions_are_made_ahead_over_the_end_of_the_year_and_twice_is_once() -> None:
    now = datetime(2031, 11, 24, tzinfo=UTC)
    for _ in range(2):
        partitions.make(now, ahead=3)
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname ~ '^alerts_delivery_203[12]_[0-9]+$' ORDER BY 1")
        assert [row[0] for row in cursor.fetchall()] == [
            f"alerts_delivery_{month}" for month in ("2031_11", "2031_12", "2032_01", "2032_02")
        ]


def test_a_months_bound_is_the_uuid7_of_its_first_millisecond() -> None:
    assert int(partitions.bound(2026, 11).replace("-", "")[:12], 16) == int(
        datetime(2026, 11, 1, tzinfo=UTC).timestamp() * 1000
    )


def plan(queryset: object) -> str:
    """Return the plan, as if the tables were too large to be read whole."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    return str(queryset.explain())  # type: ignore[attr-defined]  # any QuerySet


def test_hot_paths_are_answered_by_their_indexes() -> None:
    make_alert()
    assert "delivery_due" in plan(Delivery.objects.filter(status="received", next_attempt_at__lte=clock.now())).replace(
        "next_attempt_at_idx", "delivery_due"
    )
    assert "alert_by_status" in plan(Alert.objects.filter(status="new").order_by("-id")[:50])
    assert "alert_by_entity" in plan(Alert.objects.filter(entity_type="user", entity_id="x").order_by("-id")[:50])
    assert "one_open_alert" in plan(
        Alert.objects.filter(fingerprint="x").exclude(status="closed")
    ) or "alert_by_fingerprint" in plan(Alert.objects.filter(fingerprint="x").exclude(status="closed"))
    assert "operation_due" in plan(
        TicketOperation.objects.exclude(state__in=["done", "failed"]).filter(not_before__lte=clock.now())
    )
