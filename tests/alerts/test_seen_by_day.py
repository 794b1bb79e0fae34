"""How often an alert was seen on each of the last days."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from alerts import querysets
from tests.factories import make_alert, make_occurrence

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
def test_the_days_are_those_of_utc_in_every_zone(zone: str) -> None:
    alert, other = make_alert(), make_alert()
    alert.occurrences.all().delete()
    other.occurrences.all().delete()
    for at in (
        datetime(2026, 11, 29, 1, tzinfo=UTC),
        datetime(2026, 11, 28, 23, tzinfo=UTC),
        datetime(2026, 11, 27, tzinfo=UTC),
    ):
        make_occurrence(alert, first_at=at, last_at=at)
    make_occurrence(other, first_at=NOW, last_at=datetime(2026, 11, 26, 23, 59, tzinfo=UTC))
    with timezone.override(zone):
        seen = querysets.seen_by_day([alert, other], NOW, days=3)
    assert seen == {alert.pk: [1, 1, 1], other.pk: [0, 0, 0]}
