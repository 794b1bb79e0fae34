"""Analysts see and triage; detection engineers also keep monitors and sources and push; the rest is for administrators."""

import io
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from monitors.errors import OpenSearchAway
from monitors.services import push
from tests.factories import make_monitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def ensure(monkeypatch: pytest.MonkeyPatch) -> Any:
    def ensure(name: str, *options: str, typed: str = "a long one\n") -> User:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        call_command("ensure_user", name, *options, stdout=io.StringIO())
        return User.objects.get(username=name)

    return ensure


def test_the_two_groups_are_there_with_their_permissions() -> None:
    may = {
        group.name: {f"{one.content_type.app_label}.{one.codename}" for one in group.permissions.all()}
        for group in Group.objects.prefetch_related("permissions__content_type")
    }
    analysts, engineers = may["analysts"], may["detection engineers"]
    assert {"alerts.view_alert", "alerts.change_alert", "monitors.view_monitor"} <= analysts
    assert {"monitors.add_monitor", "monitors.change_monitor", "alerts.change_source"} <= engineers - analysts
    assert analysts < engineers
    assert {name for name in engineers if ".delete_" in name} == {
        "alerts.delete_tickettemplate",
        "monitors.delete_exclusion",
        "monitors.delete_namedlist",
    }
    assert not {name for name in engineers if name.startswith(("auth.", "core."))}


def test_an_engineer_uses_the_admin_and_pushes(ensure: Any, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    user = ensure("eve", "--engineer")
    assert (user.is_staff, user.is_superuser) == (True, False)
    client.force_login(user)
    for page in ("monitors/monitor", "alerts/source"):
        assert client.get(f"/admin/{page}/").status_code == 200
        assert client.get(f"/admin/{page}/add/").status_code == 200
    assert client.get("/admin/auth/user/").status_code == 403
    assert client.get("/admin/core/person/").status_code == 403

    def away(*_: Any, **__: Any) -> Any:
        raise OpenSearchAway("away")

    monkeypatch.setattr(push, "push", away)
    address = reverse("admin:monitors_monitor_push", args=[make_monitor().pk])
    assert client.post(address).status_code == 302


def test_an_analyst_triages_and_does_not_enter_the_admin(ensure: Any, client: Client) -> None:
    user = ensure("anna")
    assert (user.is_staff, list(user.groups.values_list("name", flat=True))) == (False, ["analysts"])
    assert user.has_perm("alerts.change_alert")
    assert not user.has_perm("monitors.change_monitor")
    client.force_login(user)
    assert client.get("/admin/monitors/monitor/").status_code == 302


def test_rights_are_set_anew_and_other_groups_are_left_alone(ensure: Any) -> None:
    ensure("anna", "--engineer").groups.add(Group.objects.create(name="night shift"))
    assert set(ensure("anna").groups.values_list("name", flat=True)) == {"analysts", "night shift"}
    admin = ensure("anna", "--admin")
    assert (admin.is_superuser, list(admin.groups.values_list("name", flat=True))) == (True, ["night shift"])


def test_one_is_not_both_and_never_without_a_password(ensure: Any) -> None:
    with pytest.raises(CommandError, match="not allowed with"):
        ensure("anna", "--admin", "--engineer")
    with pytest.raises(CommandError, match="password"):
        ensure("anna", typed="")
