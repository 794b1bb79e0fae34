"""From an alert to its monitor's tuning and to leaving it out, and back again after each step."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from alerts.models import Alert
from core.roles import ANALYSTS, DETECTION_ENGINEERS
from monitors import kept
from monitors.models import Backtest, Exclusion, IndexProfile
from monitors.services import revisions
from tests.factories import ago, make_alert, make_event, make_monitor, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def engineer(client: Client) -> Client:
    client.force_login(make_user("eve", role=DETECTION_ENGINEERS, is_staff=True))
    return client


def an_alert() -> Alert:
    monitor = make_monitor("brute-force-user")
    revisions.save(monitor, by="test")
    events = [make_event(user="anna@example.com", asn=64500), make_event(user="anna@example.com", asn=64501)]
    return make_alert(monitor=monitor, entity_id="00uanna", entity_name="anna@example.com", events=events)


def link(page: str, words: str) -> str:
    """Return where the link with these words leads."""
    before = page.split(f">{words}</a>")[0]
    return before.rpartition('href="')[2].rpartition('"')[0].replace("&amp;", "&")


def test_the_way_back_to_the_alert_is_there_after_each_play_save_and_push(engineer: Client) -> None:
    alert = an_alert()
    tune = link(engineer.get(f"/alerts/{alert.pk}/").content.decode(), "Tune this monitor")
    back = f'<a href="/alerts/{alert.pk}/">← Back to alert A-{alert.pk}</a>'
    assert back in engineer.get(tune).content.decode()
    values = {"param_failures": 30, "param_window_minutes": 10, "days": 14}
    played = engineer.post(tune, {**values, "play": "1"})["Location"]
    assert back in engineer.get(played).content.decode()
    saved = engineer.post(played, {**values, "save": "1"})["Location"]
    page = engineer.get(saved).content.decode()
    assert back in page
    assert link(page, "Push…").endswith(f"?alert={alert.pk}")
    assert engineer.post(link(page, "Push…"), {})["Location"] == saved
    saved = engineer.post(played, {**values, "param_failures": 31, "save_push": "1"})["Location"]
    assert saved.endswith(f"/push/?alert={alert.pk}")


@pytest.mark.parametrize("given", ["x", "1' or", "²", "1" * 40])
def test_a_number_that_is_none_gives_no_way_back(engineer: Client, given: str) -> None:
    address = reverse("admin:monitors_monitor_tune", args=[make_monitor().pk])
    assert "Back to alert" not in engineer.get(address, {"alert": given}).content.decode()


def test_leaving_out_begins_with_the_user_on_the_networks_that_were_seen_and_leads_back(engineer: Client) -> None:
    alert = an_alert()
    address = link(engineer.get(f"/alerts/{alert.pk}/").content.decode(), "Leave this out…")
    form = engineer.get(address).context["adminform"].form
    told = {name: form[name].value() for name in ("kind_1", "values_1", "kind_2", "values_2", "scope", "reason")}
    assert told == {
        "kind_1": "user", "values_1": "00uanna\nanna@example.com", "kind_2": "network", "values_2": "64500\n64501",
        "scope": "monitor", "reason": f"{alert}: ",
    }  # fmt: skip
    assert parse_qs(urlsplit(address).query)["next"] == [f"/alerts/{alert.pk}/"]
    answer = engineer.post(address, {**told, "monitor": alert.monitor_id, "owner": form["owner"].value()})
    assert answer.status_code == 302, answer.context["adminform"].errors
    assert answer["Location"] == f"/alerts/{alert.pk}/"
    assert Exclusion.objects.get().monitor_id == alert.monitor_id


def test_an_alert_on_an_address_leaves_out_the_address(engineer: Client) -> None:
    alert = make_alert(monitor=make_monitor(), entity_type="ip", entity_id="203.0.113.9", entity_name="203.0.113.9")
    address = link(engineer.get(f"/alerts/{alert.pk}/").content.decode(), "Leave this out…")
    assert parse_qs(urlsplit(address).query)["address"] == ["203.0.113.9"]


def test_only_who_may_go_there_is_shown_the_way(client: Client) -> None:
    alert = an_alert()
    client.force_login(make_user(role=ANALYSTS))
    assert "Tune this monitor" not in client.get(f"/alerts/{alert.pk}/").content.decode()
    client.force_login(make_user(role=ANALYSTS, is_staff=True))
    page = client.get(f"/alerts/{alert.pk}/").content.decode()
    assert "Tune this monitor" in page
    assert "Leave this out" not in page


def test_somebody_elses_monitor_says_that_it_has_nothing_to_tune(engineer: Client) -> None:
    body = {"name": "Theirs", "monitor_type": "query_level_monitor", "inputs": [{"search": {"indices": ["okta-*"], "query": {}}}],
            "triggers": [{"query_level_trigger": {"severity": "3", "actions": []}}]}  # fmt: skip
    monitor = make_monitor("", name="Theirs", kept=kept.take(body, actions=kept.REPLACE))
    address = reverse("admin:monitors_monitor_tune", args=[monitor.pk])
    assert "It has no values to tune" in engineer.get(address).content.decode()
    answer = engineer.post(address, {"days": 7, "play": "1"})
    assert (answer.status_code, Backtest.objects.count()) == (422, 0)
    assert reverse("admin:monitors_monitor_tune", args=[monitor.pk]) not in engineer.get("/monitors/").content.decode()


def test_a_field_that_the_index_lacks_is_named_before_anything_is_played(engineer: Client) -> None:
    monitor = make_monitor("brute-force-user")
    lacking = {**monitor.profile().to_json(), "names": {"published": "published", "eventType": "eventType"}}
    IndexProfile.objects.create(pattern=monitor.index_pattern, learnt=lacking, learnt_at=ago(minutes=1))
    address = reverse("admin:monitors_monitor_tune", args=[monitor.pk])
    assert (
        "holds no field for actor.id, outcome.result, which this detection needs"
        in engineer.get(address).content.decode()
    )
    assert engineer.post(address, {"days": 7, "play": "1"}).status_code == 422
    assert Backtest.objects.count() == 0
