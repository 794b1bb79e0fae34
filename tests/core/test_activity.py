"""History is append-only, and a change behind the database's back is noticed."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction

from core import activity, clock
from core.models import Activity, ActivitySeal, Person

pytestmark = pytest.mark.django_db


def write(count: int = 3) -> Person:
    person = activity.person_of(User.objects.create_user(f"user{Activity.objects.count()}", email="a@example.com"))
    for number in range(count):
        activity.record("thing.done", person, by=person, number=number)
    return person


def age() -> None:
    """Make every row two minutes old, as only somebody past the trigger could."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_activity DISABLE TRIGGER core_activity_append_only")
        cursor.execute("UPDATE core_activity SET at = at - interval '2 minutes' WHERE at > now() - interval '1 minute'")
        cursor.execute("ALTER TABLE core_activity ENABLE TRIGGER core_activity_append_only")


def test_the_database_refuses_to_change_or_delete_history() -> None:
    write()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Activity.objects.update(action="other")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Activity.objects.all().delete()
    assert Activity.objects.count() == 3


def test_history_names_people_by_key_and_programs_by_name() -> None:
    person = write(1)
    activity.record("thing.seen", person, by="sweep")
    newest, oldest = activity.history(person)
    assert (newest.person, newest.program) == (None, "sweep")
    assert (oldest.person, oldest.program) == (person.key, "")


def test_a_name_can_be_erased_and_history_stays() -> None:
    person = write(1)
    Person.objects.filter(pk=person.pk).update(name="erased", email="", user=None, erased_at=clock.now())
    assert Activity.objects.get().person == person.key


def test_seals_chain_over_all_rows_and_leave_young_ones() -> None:
    write()
    assert activity.seal() == 0
    age()
    assert activity.seal() == 3
    write()
    age()
    assert activity.seal() == 3
    assert [seal.rows for seal in ActivitySeal.objects.order_by("first_id")] == [3, 3]
    assert activity.broken_seals() == []


@pytest.mark.parametrize(
    "damage", ["UPDATE core_activity SET action = 'other' WHERE id = %s", "DELETE FROM core_activity WHERE id = %s"]
)
def test_a_sealed_row_that_was_changed_or_removed_breaks_its_link(damage: str) -> None:
    write()
    age()
    activity.seal()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_activity DISABLE TRIGGER core_activity_append_only")
        cursor.execute(damage, [Activity.objects.order_by("id")[1].pk])
        cursor.execute("ALTER TABLE core_activity ENABLE TRIGGER core_activity_append_only")
    assert len(activity.broken_seals()) == 1


def test_clock_speaks_in_milliseconds_and_back() -> None:
    now = clock.now()
    assert abs(clock.from_ms(clock.to_ms(now)) - now) < timedelta(milliseconds=1)


def test_a_seal_ends_before_a_row_that_is_too_young_even_where_an_older_one_stands_behind_it() -> None:
    """A time is read before its id is given: of two writers at once, the later id may have the earlier time."""
    person = write(1)
    age()
    activity.record("thing.done", person, by="test")
    late = activity.record("thing.done", person, by="test")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_activity DISABLE TRIGGER core_activity_append_only")
        cursor.execute("UPDATE core_activity SET at = at - interval '2 minutes' WHERE id = %s", [late.pk])
        cursor.execute("ALTER TABLE core_activity ENABLE TRIGGER core_activity_append_only")
    assert activity.seal() == 1
    age()
    assert activity.seal() == 2
    assert activity.broken_seals() == []
