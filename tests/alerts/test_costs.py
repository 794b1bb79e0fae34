"""What monitors cost the cluster is shown, with its trend."""

import hashlib
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from alerts import partitions
from alerts.models import Delivery, Source
from alerts.services import costs
from alerts.views.pipeline import points
from core import clock
from monitors.models import Monitor
from tests.factories import make_monitor, make_user

pytestmark = pytest.mark.django_db


def heard(monitor: Monitor, took_ms: int, hours_ago: float = 0) -> None:
    at = clock.now() - timedelta(hours=hours_ago)
    source, _ = Source.objects.get_or_create(name="OpenSearch")
    Delivery.objects.create(
        id=partitions.first_key(at)[:24] + uuid4().hex[:12], received_at=at, source=source, body=b"x", size=100,
        sha256=hashlib.sha256(b"x").digest(),
        status="processed", monitor=monitor.uuid, took_ms=took_ms, events_read=1000 * took_ms,
    )  # fmt: skip


def test_each_monitors_cost_is_summed_over_the_last_day_the_dearest_first() -> None:
    cheap, dear = make_monitor(name="Cheap"), make_monitor(name="Dear")
    for took in (10, 20):
        heard(cheap, took)
    heard(dear, 500)
    heard(dear, 9_000, hours_ago=30)
    found = costs.of_the_last_day()
    assert [(cost.monitor.name, cost.heard, cost.took_ms, cost.slowest_ms) for cost in found] == [
        ("Dear", 1, 500, 500),
        ("Cheap", 2, 15, 20),
    ]
    assert found[1].events_read == 15_000
    assert len(found[0].hourly) == 24


def test_the_hours_are_the_same_in_every_zone() -> None:
    monitor = make_monitor()
    heard(monitor, 10)
    heard(monitor, 30, hours_ago=2)
    with timezone.override("Asia/Kolkata"):  # half an hour off
        [cost] = costs.of_the_last_day()
    assert cost.hourly[-1] == 10
    assert cost.hourly[-3] == 30
    assert [mean for mean in cost.hourly if mean is not None] == [30, 10]


def test_a_trend_needs_two_hours_and_puts_the_slowest_on_top() -> None:
    assert points([None] * 24) == ""
    assert points([None, 5.0, None]) == ""
    assert points([1.0, None, 2.0], width=10, height=20) == "0.0,10.0 10.0,1.0"


def test_the_pipeline_shows_it_in_few_queries(client: Client, django_assert_max_num_queries: object) -> None:
    client.force_login(make_user())
    monitors = [make_monitor() for _ in range(5)]
    for monitor in monitors:
        heard(monitor, 12)
        heard(monitor, 24, hours_ago=2)
    client.get("/pipeline/")
    with django_assert_max_num_queries(19):  # type: ignore[operator]  # pytest-django's fixture
        page = client.get("/pipeline/").content.decode()
    assert "What monitors cost OpenSearch" in page
    assert page.count("<polyline") == 5
