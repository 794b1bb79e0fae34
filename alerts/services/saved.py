"""Queues that people keep, for themselves or for everybody."""

from typing import NamedTuple

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q

from alerts.models import SavedView
from alerts.services.triage import TriageError
from core import activity
from core.models import Person
from core.queries import Prepared, Written, written

MOST = 50


class NotKept(TriageError):
    """The view could not be kept; `str()` says why."""

    code = "not_kept"


class Offered(NamedTuple):
    """A view that somebody may open; `owner` is the name of who keeps it, `user_id` their user."""

    pk: int
    name: str
    query: str
    shared: bool
    owner: str
    user_id: int | None


def _offered(user_id: int) -> Written:
    views = SavedView.objects.filter(Q(owner__user=user_id) | Q(shared=True))
    return written(views.values_list("pk", "name", "query", "shared", "owner__name", "owner__user")[:MOST])


OFFERED = Prepared(_offered, user_id=-1)


def offered(user: User) -> list[Offered]:
    """Return the user's own views and those that others share, at most MOST of them."""
    return [Offered(*row) for row in OFFERED.rows(user_id=user.pk)]


def keep(by: Person, *, name: str, query: str, shared: bool) -> SavedView:
    """Keep an address of the queue (cleaned) under a name of one's own."""
    name = " ".join(name.split())
    if not 0 < len(name) <= 60 or len(query) > 2000:
        raise NotKept("A view has a name of 1 to 60 characters.")
    try:
        with transaction.atomic():
            view = SavedView.objects.create(owner=by, name=name, query=query, shared=shared)
            activity.record("view.kept", view, by=by, query=query, shared=shared)
    except IntegrityError as error:
        raise NotKept(f"You have a view named {name} already.") from error
    return view


@transaction.atomic
def drop(view: SavedView, by: Person) -> None:
    """Keep one's own view no longer."""
    activity.record("view.dropped", view, by=by, query=view.query)
    view.delete()
