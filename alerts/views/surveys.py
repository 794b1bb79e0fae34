"""A first look at an index: start it, watch it, judge what is worth judging, choose what to push."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from alerts.choices import Verdict
from alerts.services import surveys
from core import activity, jobs
from core.wakeups import wake
from monitors.definitions import Definition
from monitors.models import Monitor, Survey, SurveyFinding, SurveyRow, every_detection
from monitors.services import bulk
from monitors.tasks import run_bulk_push

DAYS = (1, 7, 14, 30, 90)


class AskForm(forms.Form):
    """Which index, and how far back."""

    index = forms.CharField(
        max_length=200, label="Index pattern", help_text="Never an alias. The layout is learnt from it first."
    )
    days = forms.TypedChoiceField(
        choices=[(day, "1 day" if day == 1 else f"{day} days") for day in DAYS], coerce=int, label="The last"
    )


@dataclass(frozen=True)
class Row:
    """A detection as the table shows it; `monitor` is the one that there is already."""

    definition: Definition
    row: SurveyRow
    monitor: Monitor | None

    @property
    def result(self) -> dict[str, Any]:
        """What would have been found."""
        return self.row.result or {}


@require_http_methods(["GET", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """List surveys; on POST, start one."""
    form = AskForm(request.POST or None, initial={"index": settings.OKTADETECT_INDEX_PATTERN, "days": 30})
    if request.method == "POST":
        if not request.user.has_perm("monitors.change_monitor"):
            raise PermissionDenied
        if form.is_valid():
            by = activity.person_of(request.user)
            survey = surveys.ask(form.cleaned_data["index"], form.cleaned_data["days"], by=by)
            return HttpResponseRedirect(reverse("alerts:survey", args=[survey.pk]))
    context = {"section": "monitors", "form": form, "surveys": Survey.objects.order_by("-asked_at")[:20]}
    return render(request, "alerts/surveys.html", context)


@require_safe
def page(request: HttpRequest, pk: str) -> HttpResponse:
    """Show a survey as far as it is."""
    survey = get_object_or_404(Survey, pk=pk)
    known = {one.id: one for one in every_detection()}
    monitors = {
        one.detection: one for one in Monitor.objects.filter(index_pattern=survey.index_pattern).order_by("-pk")
    }
    rows = [
        Row(known[row.detection], row, monitors.get(row.detection))
        for row in survey.rows.all()
        if row.detection in known
    ]
    played = [one for one in rows if one.row.result]
    played.sort(key=lambda one: (-one.result["a_week"], one.definition.severity, one.definition.title))
    context = {
        "section": "monitors",
        "survey": survey,
        "finding_rows": [one for one in played if one.result["occurrences"]],
        "silent_rows": [one for one in played if not one.result["occurrences"]],
        "unserved_rows": [one for one in rows if one.row.lacks],
        "failed_rows": [one for one in rows if one.row.error],
        "totals": surveys.totals([one.row for one in rows]),
        "findings": [
            (one, known[one.detection].title)
            for one in survey.findings.order_by("severity", "pk")
            if one.detection in known
        ],
        "verdicts": Verdict.choices,
        "may_judge": request.user.has_perm("alerts.change_alert"),
        "may_keep": request.user.has_perm("monitors.change_monitor"),
    }
    return render(request, "alerts/survey.html", context)


@require_POST
def judge(request: HttpRequest, pk: str, finding: int) -> HttpResponse:
    """Keep a verdict on a finding; the same one again takes it back."""
    row = get_object_or_404(SurveyFinding, pk=finding, survey_id=pk)
    given = request.POST.get("verdict", "")
    if given in Verdict.values:
        surveys.judge(row, "" if row.verdict == given else given, by=activity.person_of(request.user))
    return HttpResponseRedirect(f"{reverse('alerts:survey', args=[pk])}#f{row.pk}")


@require_POST
def cancel(_request: HttpRequest, pk: str) -> HttpResponse:
    """Stop a survey; what was played stays."""
    jobs.cancel(get_object_or_404(Survey, pk=pk))
    return HttpResponseRedirect(reverse("alerts:survey", args=[pk]))


@require_POST
def choose(request: HttpRequest, pk: str) -> HttpResponse:
    """Make monitors of the chosen detections, on the publisher's value or the one for an alert a week; then they are pushed."""
    survey = get_object_or_404(Survey, pk=pk)
    chosen = request.POST.getlist("detection")
    quiet = set(request.POST.getlist("one_a_week"))
    made = surveys.make_monitors(survey, chosen, quiet=quiet, by=activity.person_of(request.user))
    if not made:
        messages.warning(request, "Nothing was chosen, or each has a monitor already. Tick the detections to push.")
        return HttpResponseRedirect(reverse("alerts:survey", args=[pk]))
    job = bulk.ask(made, by=activity.person_of(request.user))
    wake(run_bulk_push, str(job.pk))
    return HttpResponseRedirect(reverse("admin:monitors_monitor_bulk", args=[job.pk]))
