"""Who asks, and what they may do: read at once."""

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission, User

from core.queries import Prepared, Written, columns, instances, written

NOBODY = -1


def _permissions(user_id: int) -> Written:
    named = Permission.objects.order_by().values_list("content_type__app_label", "codename")
    return written(named.filter(user=user_id).union(named.filter(group__user=user_id)))


def _user(user_id: int) -> Written:
    row, its_values = written(User.objects.filter(pk=user_id).values_list(*columns(User)))
    named, their_values = _permissions(user_id)
    may = f"ARRAY(SELECT app || '.' || codename FROM ({named}) named (app, codename))"  # noqa: S608 - Django's own SQL
    return f"SELECT one.*, {may} FROM ({row}) one", (*their_values, *its_values)  # noqa: S608


USER = Prepared(_user, user_id=NOBODY)


class OneQueryBackend(ModelBackend):
    """Django's own, but for one query on each page: who asks, what they may do, and what their groups may."""

    def get_user(self, user_id: int) -> User | None:
        """Return an active user who knows their permissions; None where there is none."""
        for *row, may in USER.rows(user_id=user_id):
            [user] = instances(User, [row])
            if not user.is_superuser:  # who may all there is
                user._perm_cache = set(may)  # type: ignore[attr-defined]
            return user if self.user_can_authenticate(user) else None
        return None
