"""Times, counts and names in words, and values beside their limits."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from alerts.templatetags import portal
from alerts.views.observed import Bar, in_words, readings
from tests.factories import make_alert


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (2, "just now"),
        (40, "40 s ago"),
        (3 * 60 + 59, "3 min ago"),
        (2 * 3600, "2 h ago"),
        (47 * 3600, "47 h ago"),
        (5 * 86_400, "5 days ago"),
    ],
)  # fmt: skip
def test_a_time_is_told_by_its_distance(seconds: int, words: str) -> None:
    assert portal.distance(timezone.now() - timedelta(seconds=seconds)) == words


def test_a_time_to_come_is_told_as_one() -> None:
    assert portal.distance(timezone.now() + timedelta(minutes=2, seconds=30)) == "in 2 min"


def test_the_exact_time_stands_beside_with_its_offset() -> None:
    at = datetime.fromisoformat("2026-11-24T14:02:11+01:00")
    assert portal.exactly(at) == "2026-11-24 14:02:11 +01:00"
    assert 'title="2026-11-24 13:02:11 +00:00"' in portal.ago(at)


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Mira Okafor", "MO"), ("mira", "M"), ("li.wei@example.com", "LC"), ("Anna Maria van Berg", "AB"), ("", "?"), ("…", "…")],
)  # fmt: skip
def test_a_person_is_drawn_by_initials(name: str, letters: str) -> None:
    assert portal.initials(name) == letters


@pytest.mark.parametrize(
    ("value", "words"), [(448917, "448,917"), (1.5, "1.5"), (True, "yes"), (["a", "b"], "a, b"), ("Admin", "Admin")]
)
def test_an_observed_value_is_told_as_people_read_it(value: object, words: str) -> None:
    assert in_words(value) == words


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("count", "comparison", "bar"),
    [
        (22, "over the limit", Bar(100.0, 90.9)),
        (20, "at the limit", Bar(100.0, 99.0)),
        (10, "under the limit", Bar(50.0, 99.0)),
        (4000, "200 times the limit", Bar(100.0, 2.0)),
    ],
)  # fmt: skip
def test_a_number_is_compared_with_its_limit_in_words_and_as_a_bar(count: int, comparison: str, bar: Bar) -> None:
    alert = make_alert(observed={"count": count})
    [reading] = readings(alert, alert.observed)
    assert (reading.limit, reading.comparison, reading.bar) == ("limit 20", comparison, bar)


@pytest.mark.django_db
def test_one_of_something_is_not_told_in_the_plural() -> None:
    alert = make_alert(observed={"count": 1, "values": 3})
    first, second = readings(alert, alert.observed)
    assert (first.phrase, second.phrase) == ("1", "3 addresses")
