"""Many keys as one value, SQL that is written once, and a planner that walks."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from alerts.models import Alert
from core import activity
from core.models import Activity, Person
from core.queries import Prepared, PreparedModels, Written, one_row, walking, written
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


def test_what_is_prepared_outlives_a_transaction_that_is_rolled_back_and_each_connection_prepares_its_own() -> None:
    query = Prepared(_named, name="stands in", before=datetime(1, 1, 1, tzinfo=UTC))
    mira, far = make_person(), datetime(9999, 1, 1, tzinfo=UTC)
    activity.record("person.met", mira, by="test")
    with transaction.atomic():
        query.rows(name=mira.name, before=far)
        transaction.set_rollback(True)
    assert query.rows(name=mira.name, before=far) == [(mira.name, mira.email, "person.met")]
    with ThreadPoolExecutor() as pool:  # a thread has a connection of its own, which sees nothing of this transaction
        assert pool.submit(_asked_elsewhere, query, far).result() == []


def _asked_elsewhere(query: Prepared, before: datetime) -> list[tuple[Any, ...]]:
    try:
        return query.rows(name="nobody", before=before)
    finally:
        connection.close()


def test_a_query_with_a_percent_sign_and_a_list_is_prepared_as_it_is() -> None:
    def write(keys: list[int]) -> Written:
        sql, values = written(Person.objects.filter(pk__any_of=keys).exclude(name__contains="50 %").values_list("name"))
        return f"SELECT *, '100 %%s' FROM ({sql}) people", values  # noqa: S608 - Django's own SQL

    query = Prepared(write, keys=[-1])
    mira, half = make_person(), make_person()
    Person.objects.filter(pk=half.pk).update(name="50 % of %s")
    assert query.rows(keys=[mira.pk, half.pk]) == [(mira.name, "100 %s")]
    assert query.rows(keys=[]) == []


def test_models_that_are_prepared_are_those_that_the_orm_makes() -> None:
    def make(keys: list[int]) -> QuerySet[Alert]:
        rows = Alert.objects.filter(pk__any_of=keys).select_related("assignee", "case").order_by("pk")
        return rows.only("sentence", "observed", "countries", "last_seen", "assignee__name", "case__entity_id")

    query = PreparedModels(make, keys=[-1])
    alerts = [
        make_alert(observed={"count": 7}, countries=["Kenya"], assignee=make_person()),
        make_alert(),
        make_alert(),
    ]
    keys = [alert.pk for alert in alerts[:2]]
    with CaptureQueriesContext(connection) as asked:
        found = query.all(keys=keys)
        told = [
            (one.observed, one.countries, one.last_seen, one.assignee and one.assignee.name, one.case.entity_id)
            for one in found
        ]
    assert len(asked) == 2, "to prepare it, and to ask"
    assert found == alerts[:2]
    assert told == [
        (one.observed, one.countries, one.last_seen, one.assignee and one.assignee.name, one.case.entity_id)
        for one in alerts[:2]
    ]
    assert found[0].get_deferred_fields() == make(keys)[0].get_deferred_fields()
    found[0].sentence = "Something else"
    found[0].save()
    assert Alert.objects.get(pk=keys[0]).sentence == "Something else"
    assert query.all(keys=[alerts[2].pk]) == [alerts[2]]
    assert query.all(keys=[]) == []


def test_walking_changes_the_plans_of_what_is_within_alone() -> None:
    def said() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW enable_bitmapscan")
            return str((cursor.fetchone() or ("",))[0])

    with walking():
        assert said() == "off"
    assert said() == "on"
