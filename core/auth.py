"""What people may do, asked for at once."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser, Permission, User

from core.queries import Prepared, Written, written

NOBODY = -1


def _permissions(user_id: int) -> Written:
    named = Permission.objects.order_by().values_list("content_type__app_label", "codename")
    return written(named.filter(user=user_id).union(named.filter(group__user=user_id)))


PERMISSIONS = Prepared(_permissions, user_id=NOBODY)


class OneQueryBackend(ModelBackend):
    """Django's own, but for one query on each page: what a user may do and what their groups may, together."""

    def get_all_permissions(self, user_obj: User | AnonymousUser, obj: Any = None) -> set[str]:
        """Return them as "app.codename"; none of somebody who is not active."""
        ordinary = isinstance(user_obj, User) and user_obj.is_active and not user_obj.is_superuser
        if ordinary and not hasattr(user_obj, "_perm_cache"):
            named = PERMISSIONS.rows(user_id=user_obj.pk)
            user_obj._perm_cache = {f"{app}.{codename}" for app, codename in named}  # type: ignore[union-attr]
        return super().get_all_permissions(user_obj, obj)
