"""The pulse, which every page shows, and the monitors' page."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from alerts.choices import DeliveryStatus, OperationState, Status
from alerts.views.frame import pulse
from tests.factories import ago, make_alert, make_delivery, make_deployment, make_monitor, make_operation, make_user

pytestmark = pytest.mark.django_db


def test_the_pulse_is_well_while_monitors_are_heard_and_nothing_is_stuck(client: Client) -> None:
    make_monitor()
    assert pulse().is_well
    page = client.get("/").content.decode()
    assert "Monitors heard" in page
    assert "Jira ok" in page


def test_without_a_monitor_the_pulse_says_so(client: Client) -> None:
    assert "No monitor yet" in client.get("/").content.decode()


def test_the_pulse_names_what_is_in_the_way(client: Client) -> None:
    make_deployment(make_monitor(deployed=False), fault="Nothing was heard from this monitor for 12 min.")
    make_delivery(status=DeliveryStatus.QUARANTINED, reason="No JSON.")
    make_operation(make_alert(), state=OperationState.WAITING, last_error="Jira is away.")
    page = client.get("/pipeline/").content.decode()
    assert "1 monitor with a fault" in page
    assert "1 in quarantine" in page
    assert "1 late for Jira" in page


def test_an_operation_that_only_waits_its_turn_is_no_fault() -> None:
    make_operation(make_alert(), state=OperationState.PENDING)
    assert pulse().is_well


def test_the_pulse_costs_five_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(5):
        pulse()


@pytest.mark.parametrize(
    ("cookie", "drawn"), [("dark", 'data-theme="dark"'), ("system", "<html lang"), ('"><script>', "<html lang")]
)
def test_the_page_is_drawn_in_the_theme_that_was_chosen(client: Client, cookie: str, drawn: str) -> None:
    client.cookies["theme"] = cookie
    page = client.get("/").content.decode()
    assert drawn in page
    assert ("data-theme=" in page) == (cookie == "dark")


def test_monitors_with_a_fault_stand_first_with_the_fault_in_a_sentence(client: Client) -> None:
    make_monitor(name="Well", severity=1)
    make_deployment(
        make_monitor(name="Silent", severity=4, deployed=False), fault="Nothing was heard.", fault_since=ago(hours=1)
    )
    page = client.get("/monitors/").content.decode()
    assert page.index("Silent") < page.index("Well")
    assert "Nothing was heard." in page


def test_a_monitor_that_was_never_pushed_says_so(client: Client) -> None:
    make_monitor(deployed=False)
    page = client.get("/monitors/").content.decode()
    assert "Never pushed" in page
    assert "not yet" in page


def test_a_monitor_counts_its_open_alerts(client: Client) -> None:
    monitor = make_monitor("impossible-travel", name="Travel")
    make_alert(monitor=monitor)
    make_alert(monitor=monitor, status=Status.CLOSED)
    assert '<a href="/?tab=all&amp;detection=Impossible%20travel">1</a>' in client.get("/monitors/").content.decode()


def test_only_staff_are_shown_the_way_to_change_a_monitor(client: Client) -> None:
    monitor = make_monitor()
    change = f"/admin/monitors/monitor/{monitor.pk}/change/"
    assert change not in client.get("/monitors/").content.decode()
    client.force_login(make_user(is_staff=True))
    assert change in client.get("/monitors/").content.decode()


def test_the_monitors_page_asks_no_more_of_the_database_for_more_rows(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(12):
        make_alert(monitor=make_monitor())
    with django_assert_max_num_queries(12):
        client.get("/monitors/")


def test_no_monitor_yet_teaches_what_one_is(client: Client) -> None:
    assert "pushed to OpenSearch as a scheduled search" in client.get("/monitors/").content.decode()
