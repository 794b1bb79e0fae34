"""Measures: times are those of people and alerts, shares those of verdicts, and the file is safe to open."""

import csv
import io
from datetime import datetime, timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from alerts.choices import Status, Verdict
from alerts.models import Alert
from alerts.services import measures
from core import activity
from core.models import Activity
from core.text import inert_cell
from tests.factories import ago, make_alert, make_monitor, make_person, make_user

pytestmark = pytest.mark.django_db


def found(minutes_long: float, *, acted: float | None = None, closed: float | None = None, **fields: object) -> Alert:
    """Return an alert opened a day ago, that long after its first event, with minutes until somebody acted and until its closing."""
    opened = ago(days=1)
    alert = make_alert(**fields)
    Alert.objects.filter(pk=alert.pk).update(
        created_at=opened,
        first_seen=opened - timedelta(minutes=minutes_long),
        closed_at=opened + timedelta(minutes=closed) if closed is not None else None,
    )
    activity.record("alert.opened", alert, by="ingest")
    if acted is not None:
        done = activity.record("alert.acknowledged", alert, by=make_person())
        _dated(done, opened + timedelta(minutes=acted))
        activity.record("alert.judged", alert, by=make_person())
    return alert


def _dated(line: Activity, at: datetime) -> None:
    """Give a line of history its time, which the database refuses to anybody else."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_activity DISABLE TRIGGER USER")
        cursor.execute("UPDATE core_activity SET at = %s WHERE id = %s", [at, line.pk])
        cursor.execute("ALTER TABLE core_activity ENABLE TRIGGER USER")


def test_times_are_those_of_half_and_nine_tenths_and_programs_do_not_acknowledge() -> None:
    for minute in range(1, 12):
        found(minute, acted=minute * 2, closed=minute * 10, severity=2)
    found(600, severity=4)
    found(600, severity=4, recovered=True)
    overall, high, low, *weeks = measures.times(30)
    assert (overall.alerts, high.alerts, low.alerts) == (12, 11, 1)
    assert (high.detect.p50, high.acknowledge.p50, high.resolve.p90) == (6 * 60, 12 * 60, 100 * 60)
    assert (low.acknowledge.p50, low.resolve.p50) == (None, None)
    assert [(one.alerts, one.severity) for one in weeks] == [(12, None)]
    assert measures.times(30)[0].alerts == 12


def test_a_share_is_given_once_enough_was_judged_and_the_noisiest_leads_to_its_tuning() -> None:
    monitor = make_monitor()
    for verdict in [Verdict.FALSE_POSITIVE] * 4 + [Verdict.TRUE_POSITIVE, Verdict.UNDETERMINED, ""]:
        make_alert(detection="Spray", monitor=monitor, verdict=verdict, status=Status.CLOSED)
    for verdict in [Verdict.FALSE_POSITIVE] * 2:
        make_alert(detection="Travel", verdict=verdict, status=Status.CLOSED)
    spray, travel = measures.detections(30)
    assert (spray.alerts, spray.judged, spray.false_share) == (7, 5, 0.8)
    assert (travel.judged, travel.false_share) == (2, None)
    assert [one.monitor for one in measures.noisiest([spray, travel])] == [str(monitor.pk)]


def test_open_alerts_are_counted_by_age() -> None:
    for age in (timedelta(minutes=5), timedelta(hours=5), timedelta(hours=6), timedelta(days=40)):
        Alert.objects.filter(pk=make_alert().pk).update(created_at=ago(seconds=age.total_seconds()))
    make_alert(status=Status.CLOSED)
    assert measures.open_by_age() == [("under an hour", 1), ("under a day", 2), ("under a week", 0), ("older", 1)]


def test_the_page_takes_few_queries_and_says_what_it_has_not(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(make_user("anna"))
    assert "Nothing to measure yet" in client.get("/measures/").content.decode()
    for number in range(30):
        found(3, acted=5, closed=9, detection=f"Detection {number} <b>", status=Status.CLOSED, verdict=Verdict.BENIGN)
    with django_assert_max_num_queries(28):
        page = client.get("/measures/?days=7").content.decode()
    assert "Detection 3 &lt;b&gt;" in page
    assert "5 min" in page
    assert client.get("/measures/?days=nonsense").status_code == 200


def test_the_file_holds_the_numbers_and_no_formula(client: Client) -> None:
    client.force_login(make_user("anna"))
    found(3, acted=5, closed=9, detection='=HYPERLINK("http://evil")')
    answer = client.get("/measures/?format=csv")
    assert answer["Content-Type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    assert ["time to acknowledge", "all", "1", "300.0", "300.0"] in rows
    assert [row[0] for row in rows if row and "HYPERLINK" in row[0]] == ['\'=HYPERLINK("http://evil")']


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "|cmd", "＝1"])
def test_no_cell_begins_a_formula(text: str) -> None:
    assert inert_cell(text) == f"'{text}"
    assert inert_cell("a=1") == "a=1"
    assert inert_cell(-1) == -1
