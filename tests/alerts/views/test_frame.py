"""The frame around every page: its pulse, banners and rail; and the monitors' page."""

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from alerts.choices import DeliveryStatus, OperationState, Status
from alerts.models import JiraGate
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


def test_the_pulse_costs_two_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    pulse()  # writes its SQL
    with django_assert_num_queries(2):
        pulse()


def banners(client: Client) -> list[str]:
    """Return what the banners of a page say."""
    page = client.get("/pipeline/").content.decode()
    return re.findall(r'class="message down".*?<b>([^<]*)</b>', page, re.DOTALL)


def test_while_all_parts_work_there_is_no_banner(client: Client) -> None:
    make_monitor()
    make_delivery()
    make_delivery(status=DeliveryStatus.RECEIVED)
    assert banners(client) == []


@pytest.mark.parametrize(("quiet", "said"), [(14, False), (16, True)])
def test_a_banner_says_when_no_monitor_is_heard_any_more(client: Client, quiet: int, said: bool) -> None:
    """Two heartbeats of five minutes, and one interval of five."""
    for minutes in (quiet, 600):
        make_deployment(make_monitor(deployed=False, interval_seconds=300), heard_at=ago(minutes=minutes))
    assert banners(client) == (["No monitor is heard: what happens in Okta now shows no alert here"] if said else [])
    assert pulse().is_well is not said


def test_monitors_that_are_paused_or_send_no_heartbeat_are_not_silent(client: Client) -> None:
    for fields in ({"enabled": False}, {"kept": {"name": "theirs"}}):
        make_deployment(make_monitor(deployed=False, **fields), heard_at=ago(days=1))
    assert banners(client) == []


def test_a_banner_says_when_nobody_takes_deliveries_up(client: Client) -> None:
    make_delivery(
        status=DeliveryStatus.RECEIVED, received_at=ago(minutes=9), attempts=1
    )  # taken up, and tried again later
    assert banners(client) == []
    make_delivery(status=DeliveryStatus.RECEIVED, received_at=ago(minutes=3))
    assert banners(client) == ["Deliveries wait and nothing takes them up: new alerts do not show"]


def test_a_banner_says_that_jira_is_away_and_that_nothing_is_lost(client: Client, settings: Settings) -> None:
    settings.JIRA_URL = "https://jira.example.com"
    JiraGate.objects.create(url=settings.JIRA_URL, open_since=ago(minutes=4))
    assert banners(client) == ["Jira does not answer: tickets wait"]
    assert 'href="/pipeline/jira/"' in client.get("/").content.decode().split('class="message down"')[1]


def test_the_rail_leads_to_every_part_also_from_a_narrow_screen(client: Client) -> None:
    page = client.get("/measures/").content.decode()
    rail = page.split('class="rail"')[1].split("</nav>")[0]
    more = rail.split("<details")[1]
    for to in ("/coverage/", "/measures/", "/pipeline/"):
        assert f'href="{to}"' in rail.split("<details")[0]
        assert f'href="{to}"' in more
    assert re.search(r'href="/measures/" aria-current="page"', rail)


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
    with django_assert_max_num_queries(13):
        client.get("/monitors/")


def test_no_monitor_yet_teaches_what_one_is(client: Client) -> None:
    assert "pushed to OpenSearch as a scheduled search" in client.get("/monitors/").content.decode()
