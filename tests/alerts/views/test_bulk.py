"""One decision on many alerts, the views that people keep, and the filters of the queue."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from alerts.choices import OperationKind, Status, Verdict
from alerts.models import Alert, BulkDecision, SavedView
from alerts.services import bulk, triage
from alerts.tasks import run_bulk_decision
from core import activity, clock
from core.activity import person_of
from core.jobs import State
from tests.alerts.views.test_queue import shown
from tests.factories import ago, make_alert, make_occurrence, make_person, make_ticket, make_user

pytestmark = pytest.mark.django_db


def statuses() -> list[str]:
    return list(Alert.objects.order_by("pk").values_list("status", flat=True))


def test_chosen_alerts_are_acknowledged_at_once_and_taken_back_together(client: Client, mira: User) -> None:
    alerts = [make_alert() for _ in range(3)]
    wanted = {"decision": "acknowledge", "alert": [one.pk for one in alerts[:2]], "query": "tab=new"}
    page = client.post("/bulk/", wanted, follow=True).content.decode()
    assert "Acknowledge: 2 alerts." in page
    assert statuses() == ["acknowledged", "acknowledged", "new"]
    client.post(client.session["undo"]["address"])
    assert statuses() == ["new", "new", "new"]
    assert not Alert.objects.exclude(assignee=None).exists()


def test_what_is_refused_holds_back_no_other_and_is_said(client: Client, mira: User) -> None:
    good, about_herself = make_alert(), make_alert(entity_name="mira@example.com")
    wanted = {"decision": "close", "answered": "yes", "verdict": "benign", "reason": "test",
              "alert": [good.pk, about_herself.pk], "query": ""}  # fmt: skip
    page = client.post("/bulk/", wanted, follow=True).content.decode()
    assert "1 refused" in page
    assert "Somebody else judges it." in page
    assert statuses() == ["closed", "new"]


def test_closing_many_asks_why_first_and_keeps_what_was_chosen(client: Client) -> None:
    alert = make_alert()
    page = client.post("/bulk/", {"decision": "close", "alert": [alert.pk], "query": "tab=new"}).content.decode()
    assert "Close 1 alert" in page
    assert f'name="alert" value="{alert.pk}"' in page
    assert statuses() == ["new"]


def test_all_that_match_is_an_exact_number_and_what_came_later_is_not_meant(client: Client) -> None:
    for _ in range(3):
        make_alert(severity=1)
    make_alert(severity=2)
    page = client.get("/?severity=1&all=yes").content.decode()
    assert "All 3 that match" in page
    told = {name: re.search(rf'name="{name}" value="(\d+)"', page) for name in ("count", "newest")}
    late = make_alert(severity=1)
    wanted = {name: found[1] for name, found in told.items() if found}
    client.post("/bulk/", {"decision": "take", "all": "yes", "query": "severity=1", **wanted})
    assert Alert.objects.exclude(assignee=None).count() == 3
    late.refresh_from_db()
    assert late.assignee is None


def test_when_another_number_matches_by_then_nothing_is_done(client: Client) -> None:
    alert = make_alert()
    wanted = {"decision": "take", "all": "yes", "query": "", "count": "2", "newest": str(alert.pk)}
    page = client.post("/bulk/", wanted, follow=True).content.decode()
    assert "1 match now, not 2." in page
    assert not Alert.objects.exclude(assignee=None).exists()


def test_more_than_fifty_are_left_to_a_worker_and_watched(client: Client) -> None:
    alerts = [make_alert() for _ in range(51)]
    wanted = {"decision": "acknowledge", "alert": [one.pk for one in alerts], "query": ""}
    address = client.post("/bulk/", wanted)["Location"]
    assert "Waiting for a worker" in client.get(address).content.decode()
    job = BulkDecision.objects.get()
    run_bulk_decision(str(job.pk))
    job.refresh_from_db()
    assert (job.state, job.done, len(job.results)) == (State.DONE, 51, 51)
    assert "51 done" in client.get(address).content.decode()
    assert set(statuses()) == {"acknowledged"}


def test_a_worker_goes_on_where_a_dead_one_stopped(mira: User) -> None:
    alerts = [make_alert() for _ in range(3)]
    done = triage.acknowledge(alerts[0].pk, person_of(mira))
    job = BulkDecision.objects.create(
        kind=BulkDecision.Kind.ACKNOWLEDGE, alerts=[one.pk for one in alerts], total=3, asked_by=person_of(mira),
        results=[[done.pk, activity.history(done)[0].pk, "Acknowledged."]],
    )  # fmt: skip
    run_bulk_decision(str(job.pk))
    job.refresh_from_db()
    assert [bool(line) for _, line, _ in job.results] == [True, True, True]


def test_a_bulk_closing_taken_back_in_time_never_reaches_jira(mira: User) -> None:
    alert = make_alert()
    make_ticket(alert)
    job = bulk.ask(BulkDecision.Kind.CLOSE, person_of(mira), [alert.pk], verdict="benign", cause="test", reason="Test")
    assert alert.operations.filter(kind=OperationKind.TRANSITION).exists()
    bulk.take_back(job, person_of(mira))
    alert.refresh_from_db()
    assert (alert.status, alert.verdict) == (Status.NEW, "")
    assert not alert.operations.filter(kind=OperationKind.TRANSITION).exists()


def test_a_bulk_decision_is_taken_back_by_whoever_took_it_and_in_time(client: Client, mira: User) -> None:
    job = bulk.ask(BulkDecision.Kind.ACKNOWLEDGE, person_of(mira), [make_alert().pk])
    other = Client()
    other.force_login(make_user())
    assert other.post(f"/bulk/{job.pk}/undo/").status_code == 404
    with time_machine.travel(clock.now() + timedelta(seconds=triage.UNDO_SECONDS + 1)):
        assert "after its end" in client.post(f"/bulk/{job.pk}/undo/", follow=True).content.decode()
    assert statuses() == ["acknowledged"]


def test_a_decision_on_nothing_is_refused_in_words(client: Client) -> None:
    assert (
        "No alert is chosen." in client.post("/bulk/", {"decision": "take", "query": ""}, follow=True).content.decode()
    )


def test_a_view_is_kept_offered_to_everybody_when_shared_and_dropped_by_its_owner(client: Client) -> None:
    client.post("/views/", {"name": "Night shift", "query": "tab=all&severity=1&before=7&odd=1", "shared": "yes"})
    view = SavedView.objects.get()
    assert view.query == "tab=all&severity=1"
    other = Client()
    other.force_login(make_user())
    assert "Night shift" in other.get("/").content.decode()
    assert other.post(f"/views/{view.pk}/drop/").status_code == 404
    client.post(f"/views/{view.pk}/drop/")
    assert not SavedView.objects.exists()


def test_a_view_of_ones_own_is_shown_to_nobody_else_and_has_a_name_of_its_own(client: Client) -> None:
    for _ in range(2):
        page = client.post("/views/", {"name": "Mine alone", "query": ""}, follow=True).content.decode()
    assert "a view named Mine alone already" in page
    other = Client()
    other.force_login(make_user())
    assert "Mine alone" not in other.get("/").content.decode()


@pytest.mark.parametrize(
    "query",
    ["country=Brazil", "verdict=benign", "assignee=jonas", "time=1h", "not=detection:Brute+force+on+one+user",
     "not=country:France", "not=entity:noise@example.com"],
)  # fmt: skip
def test_a_filter_leaves_what_fits_it(client: Client, query: str) -> None:
    make_alert(entity_name="noise@example.com", countries=["France"], last_seen=ago(hours=5))
    jonas = make_person(make_user("jonas"))
    wanted = make_alert(
        countries=["Brazil"], verdict=Verdict.BENIGN, assignee=jonas, detection="Other", entity_name="x@example.com"
    )
    assert shown(client, f"?tab=all&{query}") == [wanted.pk]


def test_what_belongs_to_nobody_can_be_asked_for(client: Client) -> None:
    make_alert(assignee=make_person())
    alert = make_alert()
    assert shown(client, "?assignee=nobody") == [alert.pk]


def test_a_value_that_is_left_out_is_told_with_the_way_to_bring_it_back(client: Client) -> None:
    make_alert()
    page = client.get("/?tab=all&not=country:France&not=country:Brazil").content.decode()
    assert 'href="?tab=all&amp;not=country%3ABrazil"' in page


def test_a_row_draws_its_occurrences_of_fourteen_days(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(10):
        alert = make_alert()
        make_occurrence(alert, first_at=ago(days=3), last_at=ago(days=3))
        make_occurrence(alert, first_at=ago(days=40), last_at=ago(days=40))
    client.get("/")  # makes the reader known
    with django_assert_max_num_queries(21):
        page = client.get("/").content.decode()
    assert page.count('class="spark"') == 10
    assert page.count("<rect x=") == 20


def test_an_alert_is_looked_at_beside_the_queue(client: Client) -> None:
    alert = make_alert()
    page = client.get(f"/alerts/{alert.pk}/preview/").content.decode()
    assert "22 failed sign-ins" in page
    assert "<html" not in page
