"""Many keys as one value, SQL that is written once, and a planner that walks."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import activity
from core.models import Activity, Person
from core.queries import Prepared, Written, one_row, walking, written
from tests.factories import make_alert, make_person

pytestmark = pytest.mark.django_db


def test_any_of_finds_what_in_finds() -> None:
    some = [make_person() for _ in range(3)]
    wanted = [some[0].pk, some[2].pk]
    assert set(Person.objects.filter(pk__any_of=wanted)) == {some[0], some[2]}
    assert set(Person.objects.exclude(pk__any_of=wanted)) == {some[1]}
    assert not Person.objects.filter(pk__any_of=[]).exists()
    assert Person.objects.filter(name__any_of=[some[1].name, 'it\'s "nobody" %s']).get() == some[1]


def test_any_of_follows_a_relation_by_its_key() -> None:
    alert, other = make_alert(), make_alert()
    assert alert.__class__.objects.filter(case__any_of=[alert.case_id]).get() == alert
    assert alert.__class__.objects.exclude(case__any_of={alert.case_id}).get() == other


def _named(name: str, before: datetime) -> Written:
    people = Person.objects.filter(name=name).order_by("name")
    history = Activity.objects.filter(at__lt=before, action="person.met").order_by("id")
    return one_row([written(people.values_list("name", "email")), written(history.values_list("action"))])


def test_what_is_written_once_answers_for_each_value() -> None:
    query = Prepared(_named, name="stands in", before=datetime(1, 1, 1, tzinfo=UTC))
    mira, jonas = make_person(), make_person()
    activity.record("person.met", mira, by="test")
    far = datetime(9999, 1, 1, tzinfo=UTC)
    assert query.rows(name=mira.name, before=far) == [(mira.name, mira.email, "person.met")]
    with CaptureQueriesContext(connection) as asked:
        assert query.rows(name=jonas.name, before=far) == [(jonas.name, jonas.email, "person.met")]
    assert len(asked) == 1
    assert query.rows(name=mira.name, before=datetime(2000, 1, 1, tzinfo=UTC)) == []
    assert query.rows(name="' OR 1 = 1 --", before=far) == []


def test_walking_changes_the_plans_of_what_is_within_alone() -> None:
    def said() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW enable_bitmapscan")
            return str((cursor.fetchone() or ("",))[0])

    with walking():
        assert said() == "off"
    assert said() == "on"
