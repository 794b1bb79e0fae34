"""The admin of monitors: from the catalogue to a saved monitor in two clicks, and each save a revision."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from core.models import Activity
from monitors import opensearch
from monitors.definitions import catalog
from monitors.errors import OpenSearchAway
from monitors.models import Deployment, Monitor
from monitors.services import push, revisions
from tests.factories import make_monitor, make_source, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    return client


def form(**changes: Any) -> dict[str, Any]:
    told = {
        "detection": "brute-force-user",
        "name": "Brute force",
        "index_pattern": "okta-system-log-*",
        "severity": "3",
        "interval_seconds": "60",
        "enabled": "on",
        "param_failures": "20",
        "param_window_minutes": "60",
        "reason": "",
        "revisions-TOTAL_FORMS": "0",
        "revisions-INITIAL_FORMS": "0",
    }
    return {**told, **changes}


ADD = "/admin/monitors/monitor/add/"


def test_the_first_click_shows_the_catalogue(admin: Client) -> None:
    page = admin.get(ADD).content.decode()
    for definition in catalog().values():
        assert f"?detection={definition.id}" in page


def test_the_second_shows_the_detections_own_values_with_units_and_help(admin: Client) -> None:
    page = admin.get(f"{ADD}?detection=impossible-travel").content.decode()
    assert "Speed (km/h)" in page
    assert 'value="900"' in page
    assert "Panther alerts above 900 km/h" in page


def test_an_unknown_detection_leads_back_to_the_catalogue(admin: Client) -> None:
    assert "Choose a detection" in admin.get(f"{ADD}?detection=nothing").content.decode()


def test_saving_makes_a_monitor_with_its_first_revision_and_its_author(admin: Client) -> None:
    answer = admin.post(f"{ADD}?detection=brute-force-user", form(param_failures="25", reason="quieter"))
    assert answer.status_code == 302, answer.content.decode()[:2000]
    monitor = Monitor.objects.get()
    assert monitor.params == {"failures": 25, "window_minutes": 60}
    revision = monitor.revisions.get()
    assert (revision.number, revision.reason, str(revision.author)) == (1, "quieter", "root")
    assert Activity.objects.get(action="monitor.saved").person == revision.author.key  # type: ignore[union-attr]  # it has one


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"param_failures": "1"}, "greater than or equal to 2"),
        ({"param_failures": "many"}, "whole number"),
        ({"interval_seconds": "5"}, "greater than or equal to 10"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_a_wrong_value_is_refused_beside_its_field(admin: Client, changes: dict[str, str], words: str) -> None:
    page = admin.post(f"{ADD}?detection=brute-force-user", form(**changes)).content.decode()
    assert words in page
    assert not Monitor.objects.exists()


def test_a_change_is_a_second_revision_and_lists_are_lines(admin: Client) -> None:
    admin.post(f"{ADD}?detection=impossible-travel", form(detection="impossible-travel", name="Travel", param_max_kmh="900",
               param_min_km="500", param_span_minutes="1440", param_trusted_zones="Corporate VPN\n\n Office \n"))  # fmt: skip
    monitor = Monitor.objects.get()
    assert monitor.params["trusted_zones"] == ["Corporate VPN", "Office"]
    page = admin.get(reverse("admin:monitors_monitor_change", args=[monitor.pk])).content.decode()
    assert "Corporate VPN\nOffice</textarea>" in page
    assert "Push" in page


def test_the_list_shows_heartbeat_and_fault(admin: Client) -> None:
    monitor = make_monitor()
    monitor.deployment.fault = "The monitor was disabled in OpenSearch."
    monitor.deployment.save()
    page = admin.get("/admin/monitors/monitor/").content.decode()
    assert "The monitor was disabled in OpenSearch." in page
    assert "in sync" in page


def test_opensearch_being_away_is_said_on_the_push_page(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise OpenSearchAway("OpenSearch did not answer within 10 s.")

    monkeypatch.setattr(push, "preview", away)
    page = admin.get(reverse("admin:monitors_monitor_push", args=[make_monitor().pk])).content.decode()
    assert "did not answer within 10 s" in page
    assert "Nothing was changed" in page


def test_analysts_do_not_push(client: Client) -> None:
    client.force_login(make_user("analyst"))
    address = reverse("admin:monitors_monitor_push", args=[make_monitor().pk])
    assert client.get(address).status_code == 302
    client.force_login(make_user("staff", is_staff=True))
    assert client.post(address).status_code == 403


@pytest.mark.opensearch
@pytest.mark.django_db(transaction=True)
def test_the_push_page_shows_what_will_change_and_pushes(admin: Client) -> None:
    monitor = make_monitor(deployed=False, name="Pushed from the admin", interval_seconds=3600)
    address = reverse("admin:monitors_monitor_push", args=[monitor.pk])
    assert "does not hold this monitor yet" in admin.get(address).content.decode()
    assert "in sync" in admin.post(address, follow=True).content.decode()
    Monitor.objects.filter(pk=monitor.pk).update(params={"failures": 33})
    page = admin.get(address).content.decode()
    assert "<code>20</code>" in page
    assert "<code>33</code>" in page
    admin.post(reverse("admin:monitors_monitor_delete", args=[monitor.pk]), {"post": "yes"})
    assert not Monitor.objects.exists()


def test_a_pushed_monitor_with_revisions_can_be_deleted(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monitor = pushed_monitor()
    gone: list[str] = []
    monkeypatch.setattr(opensearch, "delete_monitor", gone.append)
    admin.post(reverse("admin:monitors_monitor_delete", args=[monitor.pk]), {"post": "yes"})
    assert not Monitor.objects.exists()
    assert gone == ["os-1"]


def test_a_monitor_that_cannot_be_taken_out_of_opensearch_stays_and_says_why(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = pushed_monitor()

    def away(_: str) -> None:
        raise OpenSearchAway("OpenSearch did not answer within 10 s.")

    monkeypatch.setattr(opensearch, "delete_monitor", away)
    address = reverse("admin:monitors_monitor_delete", args=[monitor.pk])
    page = admin.post(address, {"post": "yes"}, follow=True).content.decode()
    assert "did not answer within 10 s" in page
    assert Monitor.objects.get().deployment.opensearch_id == "os-1"


def test_whoever_may_only_look_at_monitors_and_sources_is_offered_no_push_and_no_token(client: Client) -> None:
    user = make_user("reader", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_monitor", "view_source"]))
    client.force_login(user)
    monitor, source = make_monitor(), make_source()
    for page, action, row in (
        ("monitors/monitor", "push_selected", monitor.pk),
        ("alerts/source", "mint_token", source.pk),
    ):
        address = f"/admin/{page}/"
        assert action not in client.get(address).content.decode()
        client.post(address, {"action": action, "_selected_action": [str(row)]})
    assert not Activity.objects.filter(action__in=["monitor.pushed", "source.token_minted"]).exists()


def pushed_monitor() -> Monitor:
    monitor = make_monitor(deployed=False)
    revision = revisions.save(monitor, by="test")
    Deployment.objects.update(opensearch_id="os-1", revision=revision)
    return monitor
