"""A monitor's ticket policy: what each would have made of the last month's alerts, and the choice."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from alerts.services import policies
from core import activity
from monitors.models import Monitor
from monitors.services import revisions


class PolicyForm(forms.Form):
    """A policy, and why."""

    policy = forms.ChoiceField(choices=Monitor.Policy.choices, error_messages={"required": "Choose one."})
    reason = forms.CharField(max_length=300, required=False)


@require_http_methods(["GET", "HEAD", "POST"])
def policy(request: HttpRequest, monitor: UUID) -> HttpResponse:
    """Show what each policy would have made; on POST, save the chosen one as a revision."""
    found = get_object_or_404(Monitor, pk=monitor)
    form = PolicyForm(request.POST or None)
    if request.method == "POST":
        if not request.user.has_perm("monitors.change_monitor"):
            raise PermissionDenied
        if form.is_valid():
            found.ticket_policy = form.cleaned_data["policy"]
            revisions.save(found, by=activity.person_of(request.user), reason=form.cleaned_data["reason"])
            messages.success(request, "Saved. It holds for alerts that come from now on.")
            return redirect("alerts:ticket-policy", monitor=found.pk)
    context = {
        "section": "monitors",
        "monitor": found,
        "form": form,
        "outlooks": policies.would_have_made(found),
        "days": policies.SHOWN_DAYS,
    }
    return render(request, "alerts/policy.html", context, status=422 if form.errors else 200)
