"""Who asks, and what they may do: read at once."""

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission, User
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import QuerySet, Value
from django.db.models.functions import Concat

from core.queries import PreparedModels

NAMED = Concat("content_type__app_label", Value("."), "codename")


def _user(user_id: int) -> QuerySet[User]:
    named = Permission.objects.order_by().values_list(NAMED)
    may = named.filter(user=user_id).union(named.filter(group__user=user_id))
    return User.objects.filter(pk=user_id).annotate(may=ArraySubquery(may))


USER = PreparedModels(_user, user_id=-1)


class OneQueryBackend(ModelBackend):
    """Django's own, but for one query on each page: who asks, what they may do, and what their groups may."""

    def get_user(self, user_id: int) -> User | None:
        """Return an active user who knows their permissions; None where there is none."""
        for user in USER.all(user_id=user_id):
            if not user.is_superuser:  # who may all there is
                user._perm_cache = set(user.may)  # type: ignore[attr-defined]
            return user if self.user_can_authenticate(user) else None
        return None
