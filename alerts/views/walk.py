"""
The list that an alert was opened from: what comes before and after it there, and where one goes on once it is decided.

The list travels as `from`, in links and in the forms of decisions: a query of the queue, read anew and never an address to go to.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.http import HttpRequest, QueryDict
from django.urls import reverse

from alerts.querysets import COUNT_LIMIT
from alerts.search import newest
from alerts.views.filters import Asked, asked

LONGEST = 4_000


@dataclass(frozen=True)
class Walk:
    """
    Where an alert stands in a list (`query`, cleaned), newest first; an alert that has left the list stands where it was.

    `place` is its number, None when it has left or lies too deep to be counted; `count` ends at COUNT_LIMIT + 1.
    """

    query: str
    previous: int | None
    next: int | None
    place: int | None
    count: int

    @property
    def trail(self) -> str:
        """What is added to an address so that the list goes along."""
        return trail(self.query)

    @property
    def onward(self) -> str:
        """Where one goes on: the next alert, or the list itself after the last."""
        if self.next is None:
            return f"{reverse('alerts:queue')}?{self.query}"
        return reverse("alerts:alert", args=[self.next]) + self.trail


def trail(query: str) -> str:
    """Return what is added to an alert's address so that a list of the queue goes along."""
    return "?" + urlencode({"from": query})


def trail_of(request: HttpRequest) -> str:
    """Return the trail of the list that the request says an alert was opened from; empty when it says none."""
    understood = _list(request)
    return trail(understood.of_alerts) if understood else ""


def walk(request: HttpRequest, pk: int) -> Walk | None:
    """Return the alert's place in the list it was opened from; None without one. One query; a few where the list is long or searched."""
    assert isinstance(request.user, User)  # noqa: S101 - the middleware lets nobody else in
    understood = _list(request)
    if understood is None:
        return None
    alerts, searched_in = understood.alerts(request.user.pk), understood.searched_in(request.user.pk)
    first = newest(alerts, COUNT_LIMIT + 1, searched_in=searched_in)
    is_whole = len(first) <= COUNT_LIMIT
    newer, older = [key for key in first if key > pk], [key for key in first if key < pk]
    place = len(newer) + 1 if pk in first else None
    if not (older or is_whole):  # it lies deeper than those
        newer = list(alerts.filter(pk__gt=pk).order_by("pk").values_list("pk", flat=True)[:1])
        older = newest(alerts, 1, before=pk, searched_in=searched_in)
    return Walk(
        query=understood.of_alerts,
        previous=newer[-1] if newer else None,
        next=older[0] if older else None,
        place=place,
        count=len(first),
    )


def _list(request: HttpRequest) -> Asked | None:
    told = request.POST.get("from", request.GET.get("from"))
    return None if told is None or len(told) > LONGEST else asked(QueryDict(told))
