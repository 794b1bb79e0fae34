"""What somebody may do, whether they were given it or their group was."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from pytest_django.fixtures import DjangoAssertNumQueries

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
    return User.objects.get(pk=user.pk)


def test_both_count_and_cost_one_query(analyst: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    make_user("other", role="").user_permissions.add(named("delete_monitor"))
    with django_assert_num_queries(1):
        assert analyst.has_perm("alerts.view_alert")
        assert analyst.has_perm("monitors.change_monitor")
        assert not analyst.has_perm("monitors.delete_monitor")
    assert analyst.get_all_permissions() == {"alerts.view_alert", "monitors.change_monitor"}


def test_who_is_not_active_or_not_known_may_nothing(analyst: User) -> None:
    analyst.is_active = False
    assert analyst.get_all_permissions() == set()
    assert AnonymousUser().get_all_permissions() == set()


def test_a_superuser_may_everything() -> None:
    root = make_user("root", role="", is_superuser=True)
    assert root.has_perm("alerts.view_alert")
    assert "monitors.delete_monitor" in root.get_all_permissions()
