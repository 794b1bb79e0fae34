"""Who asks, and what they may do, whether they were given it or their group was."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.forms import model_to_dict
from pytest_django.fixtures import DjangoAssertNumQueries

from core.auth import OneQueryBackend
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def named(codename: str) -> Permission:
    return Permission.objects.get(codename=codename)


@pytest.fixture
def analyst() -> User:
    """Somebody who may see alerts by their group, and change monitors by themselves."""
    user = make_user("lena", role="")
    group = Group.objects.create(name="Night shift")
    group.permissions.add(named("view_alert"))
    user.groups.add(group)
    user.user_permissions.add(named("change_monitor"))
    return user


def signed_in(user: User) -> User:
    """Return the user as a page gets them."""
    found = OneQueryBackend().get_user(user.pk)
    assert found is not None
    return found


def test_who_asks_and_what_they_may_cost_one_query(
    analyst: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_user("other", role="").user_permissions.add(named("delete_monitor"))
    signed_in(analyst)  # prepares it
    with django_assert_num_queries(1):
        reader = signed_in(analyst)
        assert reader.has_perm("alerts.view_alert")
        assert reader.has_perm("monitors.change_monitor")
        assert not reader.has_perm("monitors.delete_monitor")
    assert reader.get_all_permissions() == {"alerts.view_alert", "monitors.change_monitor"}
    assert reader == analyst
    assert model_to_dict(reader) == model_to_dict(analyst)


def test_what_somebody_may_is_read_anew_each_time(analyst: User) -> None:
    assert signed_in(analyst).has_perm("alerts.view_alert")
    analyst.groups.clear()
    assert signed_in(analyst).get_all_permissions() == {"monitors.change_monitor"}


def test_who_is_not_active_or_not_known_is_nobody(analyst: User) -> None:
    User.objects.filter(pk=analyst.pk).update(is_active=False)
    assert OneQueryBackend().get_user(analyst.pk) is None
    assert OneQueryBackend().get_user(-7) is None


def test_a_superuser_may_everything() -> None:
    root = signed_in(make_user("root", role="", is_superuser=True))
    assert root.has_perm("alerts.view_alert")
    assert "monitors.delete_monitor" in root.get_all_permissions()
