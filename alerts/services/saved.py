"""Queues that people keep, for themselves or for everybody."""

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q

from alerts.models import SavedView
from alerts.services.triage import TriageError
from core import activity
from core.models import Person

MOST = 50


class NotKept(TriageError):
    """The view could not be kept; `str()` says why."""

    code = "not_kept"


def offered(user: User) -> list[SavedView]:
    """Return the user's own views and those that others share, at most MOST of them."""
    return list(SavedView.objects.filter(Q(owner__user=user) | Q(shared=True)).select_related("owner")[:MOST])


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
