"""An alert's page says of each thing in its evidence whether this user was seen with it before, and how much is known at all."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from alerts.models import Alert, Baseline, Sighting
from core import clock
from tests.factories import ago, make_alert, make_event, make_evidence, make_monitor

pytestmark = pytest.mark.django_db

USER = "00uanna"


def known(days: int, fault: str = "") -> None:
    now = clock.now()
    Baseline.objects.create(pattern="okta-system-log-*", read_from=now - timedelta(days=days), read_to=now, fault=fault)


def saw(kind: Sighting.Kind, value: str, *, user: str = USER, first_days_ago: int = 12) -> None:
    Sighting.objects.create(user=user, kind=kind, value=value, first_at=ago(days=first_days_ago), last_at=ago(hours=3))


def alert_of_anna() -> Alert:
    event = make_event(actor=USER, ip="203.0.113.9", country="Singapore", asn=4657, as_org="StarHub",
                       os="Linux", browser="FIREFOX")  # fmt: skip
    alert = make_alert(
        monitor=make_monitor(), entity_id=USER, observed={"count": 22, "new_country": True},
        severity_reasons=["this user was never seen in that country"], events=[event],
    )  # fmt: skip
    app = {"id": "0oamail", "type": "AppInstance", "displayName": "Mail"}
    make_evidence(alert.occurrences.get(), [{"uuid": "e1", "actor": {"id": USER}, "target": [app]}])
    return alert


def page_of(client: Client, alert: Alert) -> str:
    return client.get(f"/alerts/{alert.pk}/").content.decode()


def section_of(client: Client, alert: Alert) -> str:
    return page_of(client, alert).split('id="known"')[1].split("</section>")[0]


def test_what_was_seen_before_says_since_when_and_what_was_not_says_first_time(client: Client) -> None:
    known(30)
    saw(Sighting.Kind.NETWORK, "4657")
    saw(Sighting.Kind.APP, "0oamail")
    told = section_of(client, alert_of_anna())
    since = timezone.localtime(ago(days=12))
    assert told.count(f">{since.day} {since:%b}</time>, last") == 2
    assert "3 h ago" in told
    for name in ("203.0.113.9", "AS4657 StarHub", "Singapore", "Linux · FIREFOX", "Mail"):
        assert name in told
    assert told.count("first time for this user") == 3  # address, country, system and browser
    assert "baseline: known" in told


def test_what_others_were_seen_with_and_what_came_with_the_alert_itself_is_no_before(client: Client) -> None:
    known(30)
    saw(Sighting.Kind.COUNTRY, "Singapore", user="00ubert")
    saw(Sighting.Kind.NETWORK, "4657", first_days_ago=0)
    assert section_of(client, alert_of_anna()).count("first time for this user") == 5


def test_evidence_marks_what_is_new_in_its_column(client: Client) -> None:
    known(30)
    for kind, value in ((Sighting.Kind.ADDRESS, "203.0.113.9"), (Sighting.Kind.AGENT, "Linux · FIREFOX")):
        saw(kind, value)
    table = page_of(client, alert_of_anna()).split('id="evidence"')[1].split("</section>")[0]
    assert table.count(">first time</span>") == 2  # country and network


@pytest.mark.parametrize("days", [0, 6])
def test_while_too_little_is_known_nothing_is_called_new_and_the_page_says_how_far_it_is(
    client: Client, days: int
) -> None:
    if days:
        known(days)
    page = page_of(client, alert_of_anna())
    assert f"baseline: learning, {days} of 30 days" in page
    assert f"is judged by a baseline: learning, {days} of 30 days" in page
    assert "first time" not in page
    assert page.count("not seen yet, too little is known") == 5


def test_an_event_of_somebody_else_says_nothing_of_this_user(client: Client) -> None:
    known(30)
    alert = make_alert(monitor=make_monitor(), entity_id=USER, events=[make_event(actor="00uhelpdesk")])
    assert "names nothing to compare" in section_of(client, alert)


def test_an_alert_about_an_address_has_no_such_section(client: Client) -> None:
    known(30)
    alert = make_alert(monitor=make_monitor(), entity_type="ip", entity_id="203.0.113.9", entity_name="203.0.113.9")
    assert 'id="known"' not in page_of(client, alert)


def test_the_pipeline_says_how_much_of_each_index_is_known_and_what_came_in_the_way(client: Client) -> None:
    known(6, fault="OpenSearch did not answer within 60 s.")
    page = client.get("/pipeline/").content.decode()
    assert "okta-system-log-*" in page
    assert "learning, 6 of 30 days" in page
    assert "nothing is called new yet" in page
    assert "OpenSearch did not answer within 60 s." in page
