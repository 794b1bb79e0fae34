"""The table of deliveries is partitioned by month from the first migration, and hot paths use its indexes."""

import re
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from alerts import partitions, querysets
from alerts.models import Alert, Delivery, Entity, Source, TicketOperation
from alerts.services import intake, retention
from alerts.ticketing import claims
from core import clock
from core.models import Activity
from tests.factories import make_alert, make_delivery, make_operation, make_user

pytestmark = pytest.mark.django_db

UNFINISHED = re.compile("operation_(due|not_done)")  # either index holds only what is not done


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
    """
    Return the plan, as if the tables held a million rows of which nothing else is known.

    What is planned for a handful says nothing, nor what is planned by statistics of the rows that other tests once committed.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM pg_statistic WHERE starelid IN (SELECT oid FROM pg_class WHERE relname ~ '^(alerts|operation|evidence)_')"
        )
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "UPDATE pg_class SET reltuples = 1000000, relpages = 1 WHERE relname ~ '^(alerts|operation|evidence)_' "
            "AND relkind IN ('r', 'i')"
        )
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
    assert UNFINISHED.search(
        plan(TicketOperation.objects.exclude(state__in=["done", "failed"]).filter(not_before__lte=clock.now()))
    )


def test_what_every_page_and_every_sweep_ask_for_is_answered_by_indexes() -> None:
    make_operation(make_alert())
    now = clock.now()
    troubled = TicketOperation.objects.filter(state__in=["waiting", "unknown", "failed"]).exclude(last_error="")
    assert UNFINISHED.search(plan(troubled.order_by()[:100]))
    assert UNFINISHED.search(plan(querysets.owed(TicketOperation.objects.order_by("-id"))[:51]))
    ready = claims._ready(now) & claims.FREE | claims._lease_passed(now)
    assert UNFINISHED.search(plan(TicketOperation.objects.filter(ready).order_by("not_before", "id")[:100]))
    assert "entities_are_unique" in plan(Entity.objects.filter(kind__in=["user", "ip"], value__in=["a", "b"]))


def months() -> list[str]:
    """Return the partitions, without the default one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'alerts_delivery'::regclass ORDER BY 1"
        )
        return [row[0] for row in cursor.fetchall() if not row[0].endswith("_default")]


def delivery_of(year: int, month: int, **fields: Any) -> Delivery:
    delivery = make_delivery(id=uuid.UUID(partitions.bound(year, month)), **fields)
    connection.check_constraints()  # as the commit would: a table whose checks are still owed cannot be dropped
    return delivery


def give_to_nobody(delivery: Delivery) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(source_id=-1)
    connection.check_constraints()


def test_deliveries_that_came_before_their_month_was_made_move_into_it() -> None:
    delivery = delivery_of(2031, 11)
    assert partition_of(delivery) == "alerts_delivery_default"
    partitions.make(datetime(2031, 11, 24, tzinfo=UTC), ahead=1)
    assert partition_of(delivery) == "alerts_delivery_2031_11"
    assert months()[-2:] == ["alerts_delivery_2031_11", "alerts_delivery_2031_12"]
    with pytest.raises(IntegrityError), transaction.atomic():
        give_to_nobody(delivery)


def test_old_months_are_dropped_and_that_is_history(settings: Any) -> None:
    settings.OKTADETECT_KEEP_DELIVERIES_MONTHS = 2
    for month in (1, 2, 3, 4):
        partitions.make(datetime(2031, month, 1, tzinfo=UTC), ahead=0)
        delivery_of(2031, month)
    retention.drop_old_deliveries(datetime(2031, 4, 15, tzinfo=UTC))
    assert [name for name in months() if "_2031_" in name] == [f"alerts_delivery_2031_0{month}" for month in (2, 3, 4)]
    assert not Delivery.objects.filter(pk=partitions.bound(2031, 1)).exists()
    assert Delivery.objects.filter(pk=partitions.bound(2031, 2)).exists()
    told = Activity.objects.get(action="deliveries.dropped", data__month="2031-01")
    assert (told.program, told.data["deliveries"]) == ("retention", 1)


def test_a_month_with_a_delivery_that_is_not_ended_stays(settings: Any) -> None:
    settings.OKTADETECT_KEEP_DELIVERIES_MONTHS = 2
    partitions.make(datetime(2031, 1, 1, tzinfo=UTC), ahead=0)
    delivery_of(2031, 1, status="received")
    retention.drop_old_deliveries(datetime(2031, 9, 15, tzinfo=UTC))
    assert "alerts_delivery_2031_01" in months()


def test_none_is_dropped_where_all_are_kept(settings: Any) -> None:
    settings.OKTADETECT_KEEP_DELIVERIES_MONTHS = 0
    before = months()
    retention.drop_old_deliveries(datetime(2099, 1, 1, tzinfo=UTC))
    assert months() == before


def test_an_alert_outlives_the_delivery_that_told_it(settings: Any, client: Client) -> None:
    settings.OKTADETECT_KEEP_DELIVERIES_MONTHS = 1
    partitions.make(datetime(2031, 1, 1, tzinfo=UTC), ahead=0)
    alert = make_alert()
    alert.occurrences.update(delivery=delivery_of(2031, 1).pk)
    retention.drop_old_deliveries(datetime(2031, 9, 15, tzinfo=UTC))
    client.force_login(make_user())
    assert client.get(f"/alerts/{alert.pk}/").status_code == 200
