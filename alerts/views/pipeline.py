"""The way in and the way out: what was posted, what could not be read of it, and what Jira is still owed."""

from collections.abc import Sequence
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import BinaryField
from django.db.models.functions import Substr
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from alerts import querysets
from alerts.choices import DeliveryStatus, OperationState
from alerts.models import Delivery, TicketOperation
from alerts.services import costs, quarantine, triage
from core import activity

PAGE = 50
MAX_OPERATIONS = 50
RAW_BYTES = 64 * 1024
RETRYABLE = (OperationState.FAILED, OperationState.WAITING)


class DeliveryFilter(forms.Form):
    """What an address may ask of the deliveries; a value that makes no sense is left out."""

    status = forms.ChoiceField(choices=DeliveryStatus.choices, required=False)
    before = forms.UUIDField(required=False)


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
    owed = TicketOperation.objects.exclude(state=OperationState.DONE).select_related("alert", "case__ticket")
    operations = list(owed.order_by("-id")[: MAX_OPERATIONS + 1])
    context = {
        "section": "pipeline",
        "deliveries": deliveries[:PAGE],
        "older": deliveries[PAGE - 1].pk if len(deliveries) > PAGE else None,
        "wanted": wanted,
        "statuses": DeliveryStatus.choices,
        "quarantined": Delivery.objects.filter(status=DeliveryStatus.QUARANTINED)[: querysets.COUNT_LIMIT + 1].count(),
        "operations": operations[:MAX_OPERATIONS],
        "owed_is_cut": len(operations) > MAX_OPERATIONS,
        "retryable": RETRYABLE,
        "costs": [(cost, points(cost.hourly)) for cost in costs.of_the_last_day()],
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
    }
    return render(request, "alerts/delivery.html", context)


@require_POST
def retry_delivery(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Have a quarantined delivery worked again now."""
    try:
        quarantine.retry(pk, activity.person_of(request.user))
    except Delivery.DoesNotExist as error:
        raise Http404("There is no such delivery.") from error
    except quarantine.QuarantineError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The delivery is worked again now.")
    return redirect("alerts:delivery", pk=pk)


@require_POST
def retry_operation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Have something that Jira is owed tried again now."""
    try:
        triage.retry_ticket(pk, activity.person_of(request.user))
    except TicketOperation.DoesNotExist as error:
        raise Http404("There is no such operation.") from error
    messages.success(request, "Jira is asked again now.")
    return redirect("alerts:pipeline")
