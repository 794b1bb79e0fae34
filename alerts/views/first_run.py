"""The first run: each step with its state, asked for by itself again and again until it is done, and what may be done about it."""

import hashlib
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from alerts import tasks
from alerts.models import Rehearsal
from alerts.services import first_run, rehearsal
from alerts.services.first_run import STEPS, Step
from alerts.services.standing import State, Told
from alerts.views.jira import ask_for_check
from alerts.views.rehearsals import Stage, stages
from core import activity
from core.wakeups import wake
from monitors.errors import MonitorsError
from monitors.services import push

AGAIN = {True: "every 15s", False: "every 5s"}  # by whether OpenSearch is asked
SHAPES = {State.DONE: "✓", State.WAITING: "…", State.FAILED: "✕"}


@dataclass(frozen=True)
class Shown:
    """A step as the page shows it; `told` is None while nobody looked."""

    step: Step
    told: Told | None
    number: int
    rehearsal: Rehearsal | None = None

    @property
    def state(self) -> str:
        """Its state, for a class name."""
        return str(self.told.state) if self.told else "open"

    @property
    def shape(self) -> str:
        """Its state as a shape."""
        return SHAPES[self.told.state] if self.told else "–"

    @property
    def stages(self) -> list[Stage]:
        """The stages of the test alert that was sent last."""
        return stages(self.rehearsal) if self.rehearsal else []

    @property
    def is_under_way(self) -> bool:
        """Whether a test alert is on its way."""
        return self.rehearsal is not None and not self.rehearsal.is_over

    @property
    def trigger(self) -> str:
        """When it is asked for again."""
        if self.told is None:
            return "load"
        return "" if self.told.state == State.DONE else AGAIN[self.step.asks]

    @property
    def seen(self) -> str:
        """A digest of what it says: asked again with the same, nothing is sent."""
        return hashlib.sha256(repr((self.told, self.stages)).encode()).hexdigest()[:16]


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show every step. What asks OpenSearch is left to the steps themselves."""
    return _page(request, looked="")


@vary_on_headers("HX-Request")
@require_safe
def step(request: HttpRequest, key: str) -> HttpResponse:
    """Show one step as it stands now: as a fragment for htmx (204 where it stands as was `seen`), else on the whole page."""
    found = STEPS.get(key)
    if found is None:
        raise Http404("There is no such step.")
    if request.headers.get("HX-Request") != "true":
        return _page(request, looked=key)
    shown = _look(found)
    if request.GET.get("seen") == shown.seen:
        return HttpResponse(status=204)
    return render(request, "alerts/_first_run_step.html", {"shown": shown})


@require_POST
def make_channel(request: HttpRequest) -> HttpResponse:
    """Write the webhook channel, unless it is as it must be."""
    try:
        push.ensure_channel()
    except MonitorsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The channel is in OpenSearch, with a live token.")
    return _back("channel")


@require_POST
def try_webhook(request: HttpRequest) -> HttpResponse:
    """Have OpenSearch post a test message here."""
    try:
        first_run.try_webhook()
    except MonitorsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "OpenSearch posted a test message, and the webhook took it.")
    return _back("webhook")


@require_POST
def check_jira(request: HttpRequest) -> HttpResponse:
    """Have a worker check how Jira is set up; the step follows it."""
    ask_for_check(request)
    return _back("jira")


@require_POST
def send_test(request: HttpRequest) -> HttpResponse:
    """Rehearse a monitor, and show it arriving."""
    monitor = first_run.to_rehearse()
    if monitor is None:
        messages.error(
            request,
            "No running monitor can be rehearsed. Push one of the catalogue's detections, then send a test alert.",
        )
        return _back("test")
    try:
        row = rehearsal.start(monitor, by=activity.person_of(request.user))
    except rehearsal.RehearsalRefused as error:
        messages.error(request, str(error))
    else:
        wake(tasks.advance_rehearsal, str(row.pk))
    return _back("test")


def _page(request: HttpRequest, *, looked: str) -> HttpResponse:
    """Show the page; of the steps that ask OpenSearch only the `looked` one is looked at."""
    shown = [_look(one) if not one.asks or one.key == looked else _unseen(one) for one in STEPS.values()]
    return render(request, "alerts/first_run.html", {"section": "first-run", "steps": shown})


def _look(found: Step) -> Shown:
    last = first_run.last_rehearsal() if found.key == "test" else None
    return Shown(found, first_run.told(found), _number(found), last)


def _unseen(found: Step) -> Shown:
    return Shown(found, None, _number(found))


def _number(found: Step) -> int:
    return list(STEPS).index(found.key) + 1


def _back(key: str) -> HttpResponse:
    """Go back to the step, and have it looked at on the way."""
    return HttpResponseRedirect(f"{reverse('alerts:first-run-step', args=[key])}#{key}")
