"""The way in and the way out: what was posted, what could not be read of it, and what Jira is still owed."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import BinaryField
from django.db.models.functions import Substr
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from alerts import querysets
from alerts.choices import DeliveryStatus, OperationKind, OperationState
from alerts.models import Alert, Baseline, Delivery, TicketOperation
from alerts.services import baseline, costs, doubts, quarantine, triage
from alerts.ticketing import gate, settling
from alerts.views import history
from core import activity
from core.models import Activity, Person
from monitors.models import IndexProfile

PAGE = 25
MAX_OPERATIONS = 25
MAX_COSTS = 20
MAX_DISMISSED = 20
MAX_HISTORY = 50
RAW_BYTES = 64 * 1024
OF_JIRA = ("kind", "state", "last_error", "not_before", "attempts", "alert__sentence", "case__ticket__key")
RETRYABLE = (OperationState.FAILED, OperationState.WAITING)


class DeliveryFilter(forms.Form):
    """What an address may ask of the deliveries; a value that makes no sense is left out."""

    status = forms.ChoiceField(choices=DeliveryStatus.choices, required=False)
    before = forms.UUIDField(required=False)
    costs = forms.ChoiceField(choices=[("all", "all")], required=False)


class DismissForm(forms.Form):
    """Why something is dismissed."""

    reason = forms.CharField(
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say why: whoever finds it dismissed asks that first."},
    )


class SettleForm(forms.Form):
    """What somebody found in Jira."""

    key = forms.RegexField(
        r"^[A-Za-z][A-Za-z0-9_]*-[1-9][0-9]*$",
        max_length=40,
        required=False,
        error_messages={"invalid": "Give the key of the issue, as SEC-12."},
    )
    made = forms.ChoiceField(choices=[("yes", "yes"), ("no", "no")])

    def __init__(self, *args: Any, needs_key: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.needs_key = needs_key

    def clean(self) -> dict[str, Any]:
        """Ask which issue it is, where one was made."""
        told = super().clean() or {}
        if self.needs_key and told.get("made") == "yes" and not told.get("key") and "key" not in self.errors:
            self.add_error("key", "Say which issue it is, as SEC-12.")
        return told


@require_safe
def pipeline(request: HttpRequest) -> HttpResponse:
    """Show what Jira is owed, and a page of deliveries, newest first."""
    form = DeliveryFilter(request.GET)
    form.is_valid()
    wanted = form.cleaned_data
    rows = Delivery.objects.select_related("source").defer("body").order_by("-id")
    if wanted.get("status"):
        rows = rows.filter(status=wanted["status"])
    if wanted.get("before"):
        rows = rows.filter(pk__lt=wanted["before"])
    deliveries = list(rows[: PAGE + 1])
    rows_of_jira = TicketOperation.objects.select_related("alert", "case__ticket").only(*OF_JIRA).order_by("-id")
    operations = list(querysets.owed(rows_of_jira)[: MAX_OPERATIONS + 1])
    dear = costs.of_the_last_day()
    unsettled = settling.unsettled(TicketOperation.objects.filter(pk__in=[one.pk for one in operations]))
    context = {
        "section": "pipeline",
        "deliveries": deliveries[:PAGE],
        "older": deliveries[PAGE - 1].pk if len(deliveries) > PAGE else None,
        "wanted": wanted,
        "statuses": DeliveryStatus.choices,
        "operations": operations[:MAX_OPERATIONS],
        "owed_is_cut": len(operations) > MAX_OPERATIONS,
        "retryable": RETRYABLE,
        "unsettled": set(unsettled.values_list("pk", flat=True)),
        "dismissed": _with_why(querysets.dismissed(rows_of_jira)[:MAX_DISMISSED]),
        "baselines": [(row, baseline.learnt(row)) for row in Baseline.objects.order_by("pattern")],
        "indices": IndexProfile.objects.exclude(newest_event_at=None).order_by("newest_event_at"),
        "costs": [(cost, points(cost.hourly)) for cost in dear[: None if wanted.get("costs") else MAX_COSTS]],
        "cheaper": 0 if wanted.get("costs") else max(len(dear) - MAX_COSTS, 0),
    }
    return render(request, "alerts/pipeline.html", context)


def points(hourly: Sequence[float | None], *, width: int = 96, height: int = 20) -> str:
    """Return the points of a sparkline: one for each hour that was heard, the slowest at the top; empty for fewer than two."""
    heard = [(place, value) for place, value in enumerate(hourly) if value is not None]
    if len(heard) < 2:
        return ""
    top = max(value for _, value in heard) or 1
    step = width / (len(hourly) - 1)
    return " ".join(f"{place * step:.1f},{height - 1 - value / top * (height - 2):.1f}" for place, value in heard)


@require_safe
def delivery(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show one delivery with the first RAW_BYTES of its body. A body may have 16 MB: only that much is read."""
    found = get_object_or_404(Delivery.objects.select_related("source").defer("body"), pk=pk)
    head = Substr("body", 1, RAW_BYTES, output_field=BinaryField())
    body = Delivery.objects.filter(pk=pk).values_list(head, flat=True).get()
    raw = None if body is None else bytes(body).decode("utf-8", "replace").replace("\x00", "\N{SYMBOL FOR NULL}")
    context = {
        "section": "pipeline",
        "delivery": found,
        "raw": raw,
        "is_cut": found.size > RAW_BYTES,
        "sha256": bytes(found.sha256).hex(),
        "history": history.lines(activity.history(found)[:MAX_HISTORY]),
    }
    return render(request, "alerts/delivery.html", context)


@require_POST
def retry_delivery(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Have a quarantined delivery worked again now."""
    return _do(request, partial(quarantine.retry, pk), "The delivery is worked again now.", _page_of(pk))


@require_http_methods(["GET", "HEAD", "POST"])
def dismiss_delivery(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask why, and take a delivery out of quarantine."""
    found = get_object_or_404(Delivery.objects.select_related("source").defer("body"), pk=pk)
    form = DismissForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _ask_why(request, form, {"delivery": found, "back": _page_of(pk)})
    act = partial(quarantine.dismiss, pk, reason=form.cleaned_data["reason"])
    return _do(request, act, "The delivery is dismissed. Its bytes are kept.", _page_of(pk))


@require_POST
def restore_delivery(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Put a dismissed delivery back into quarantine."""
    return _do(request, partial(quarantine.restore, pk), "The delivery is in quarantine again.", _page_of(pk))


@require_POST
def retry_operation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Have something that Jira is owed tried again now."""
    return _do(request, partial(triage.retry_ticket, pk), "Jira is asked again now.", reverse("alerts:pipeline"))


@require_http_methods(["GET", "HEAD", "POST"])
def dismiss_operation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask why, and owe Jira something that failed no more."""
    found = get_object_or_404(TicketOperation.objects.select_related("alert", "case__ticket"), pk=pk)
    form = DismissForm(request.POST if request.method == "POST" else None)
    back = reverse("alerts:pipeline")
    if not form.is_valid():
        return _ask_why(request, form, {"operation": found, "back": back})
    act = partial(triage.dismiss_ticket, pk, reason=form.cleaned_data["reason"])
    return _do(request, act, "Dismissed: Jira is owed it no more. It can be taken back below.", back)


@require_POST
def restore_operation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take the dismissal of something that Jira was owed back."""
    act = partial(triage.restore_ticket, pk)
    return _do(request, act, "It stands among what Jira is owed again.", reverse("alerts:pipeline"))


@require_http_methods(["GET", "HEAD", "POST"])
def settle_operation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask what somebody found in Jira of an effect whose answer was lost, and act on it."""
    found = get_object_or_404(TicketOperation.objects.select_related("alert", "case__ticket"), pk=pk)
    needs_key = found.kind == OperationKind.CREATE
    form = SettleForm(request.POST if request.method == "POST" else None, needs_key=needs_key)
    if not form.is_valid():
        context = {"section": "pipeline", "operation": found, "form": form}
        return render(request, "alerts/settle.html", context, status=422 if form.is_bound else 200)
    back = reverse("alerts:pipeline")
    if form.cleaned_data["made"] == "no":
        return _do(request, partial(doubts.nothing_was_made, pk), "It is sent again now.", back)
    act = partial(doubts.it_was_made, pk, key=form.cleaned_data["key"].upper())
    return _do(request, act, "Noted: it stands in Jira.", back)


@require_POST
def ask_jira(request: HttpRequest) -> HttpResponse:
    """Let the next request through to a Jira that failed, rather than at the time of the next probe."""
    gate.probe_now()
    messages.success(request, "The next request goes to Jira at once. When it is answered, the others follow.")
    return HttpResponseRedirect(reverse("alerts:pipeline"))


def _page_of(delivery: UUID) -> str:
    return reverse("alerts:delivery", args=[delivery])


def _ask_why(request: HttpRequest, form: DismissForm, context: dict[str, Any]) -> HttpResponse:
    status = 422 if form.is_bound else 200
    return render(request, "alerts/dismiss.html", {"section": "pipeline", "form": form, **context}, status=status)


def _do(request: HttpRequest, act: Callable[[Person], object], said: str, back: str) -> HttpResponse:
    """Do it as whoever is signed in, and go back with what became of it in words."""
    try:
        act(activity.person_of(request.user))
    except (Delivery.DoesNotExist, TicketOperation.DoesNotExist) as error:
        raise Http404("There is no such thing.") from error
    except (quarantine.QuarantineError, triage.TriageError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return HttpResponseRedirect(back)


def _with_why(operations: Iterable[TicketOperation]) -> list[tuple[TicketOperation, history.Line | None]]:
    """Return dismissed operations, each with the history line that says by whom and why: three queries, whatever their number."""
    found = list(operations)
    rows = Activity.objects.filter(
        action="ticket.dismissed",
        subject_kind=Alert._meta.model_name,
        subject_id__in={str(operation.alert_id) for operation in found},
    ).order_by("id")
    why = {row.data.get("id"): row for row in rows}  # the newest stands
    lines = dict(zip(why, history.lines(why.values()), strict=True))
    return [(operation, lines.get(str(operation.pk))) for operation in found]
