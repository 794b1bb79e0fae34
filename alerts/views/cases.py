"""Cases: which there are, and one with its alerts, its ticket, how its score came about, and one history."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from alerts import caseload, querysets
from alerts.choices import OperationState
from alerts.models import Alert, Case
from alerts.services import entities, policies
from alerts.views import history
from alerts.views.filters import BIGGEST_ID
from alerts.views.observed import Bar, bar
from core import activity
from monitors.definitions import SEVERITIES
from monitors.models import Monitor

PAGE = 50
MAX_OPERATIONS = 50
MAX_HISTORY = 100
SETTLED = (OperationState.DONE, OperationState.DISMISSED)
POLICIES = {"own": "own ticket", "join": "joins an open ticket", "score": "by score"}


class CasesFilter(forms.Form):
    """What an address may ask of the list of cases. A value that makes no sense is left out; the others hold."""

    tab = forms.ChoiceField(choices=list(caseload.TABS.items()), required=False)
    entity = forms.CharField(max_length=500, required=False)
    policy = forms.ChoiceField(choices=list(POLICIES.items()), required=False)
    ticket = forms.ChoiceField(choices=list(caseload.TICKETS.items()), required=False)
    before = forms.RegexField(r"\A[01]-[0-9]{1,18}\Z", required=False)


class CaseFilter(forms.Form):
    """What an address may ask of a case's page: a page of its alerts."""

    before = forms.IntegerField(min_value=1, max_value=BIGGEST_ID, required=False)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show a page of cases."""
    form = CasesFilter(request.GET)
    form.is_valid()
    wanted = form.cleaned_data
    tab, asked = wanted.get("tab") or "open", {name: wanted.get(name) or "" for name in ("entity", "policy", "ticket")}
    before = tuple(map(int, wanted["before"].split("-"))) if wanted.get("before") else None
    page = caseload.listed(tab, **asked, limit=PAGE, before=before)  # type: ignore[arg-type]  # two numbers, as its field has it
    context = {
        "section": "cases",
        "tab": tab,
        "tabs": list(caseload.TABS.items()),
        "asked": asked,
        "filtered": any(asked.values()),
        "form": form,
        "policies": list(POLICIES.items()),
        "tickets": list(caseload.TICKETS.items()),
        "page": page,
        "rows": [
            (row, POLICIES[row.case.ticket_policy], querysets.first_owed(row.case), score_bar(row.case))
            for row in page.rows
        ],
        "before": before,
        "older": page.older and f"{page.older[0]}-{page.older[1]}",
    }
    return render(request, "alerts/cases.html", context)


@require_safe
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one case."""
    case = get_object_or_404(Case.objects.select_related("ticket", "joined_into"), pk=pk)
    form = CaseFilter(request.GET)
    form.is_valid()
    before = form.cleaned_data.get("before")
    alerts = Alert.objects.filter(case=case).select_related("assignee").order_by("-pk")
    found = list((alerts.filter(pk__lt=before) if before else alerts)[: PAGE + 1])
    shown = found[:PAGE]
    operations = list(case.operations.select_related("alert").order_by("-pk")[:MAX_OPERATIONS])
    subjects = [*shown, *([case.ticket] if hasattr(case, "ticket") else [])]
    rows = list(activity.history(*subjects)[:MAX_HISTORY])
    context = {
        "section": "cases",
        "case": case,
        "entity": entities.named(case.entity_type, case.entity_id),
        "policy": Monitor.Policy(case.ticket_policy).label,
        "lead": caseload.lead([case.pk]).get(case.pk),
        "counts": caseload.counts(case),
        "alerts": shown,
        "before": before,
        "older": shown[-1].pk if len(found) > PAGE else None,
        "operation": querysets.first_of([one for one in operations if one.state not in SETTLED]),
        "operations": operations,
        "retryable": (OperationState.FAILED, OperationState.WAITING),
        "links": caseload.links(case),
        "joined": list(case.joined.order_by("pk")[:PAGE]),
        "score": case.score,
        "short": case.score["needed"] - case.score["sum"] if case.score else 0,
        "bar": score_bar(case),
        "points": [(number, points, SEVERITIES[number]) for number, points in policies.POINTS.items()],
        "history": [(_subject(row.subject_kind, row.subject_id), line) for row, line in zip(rows, history.lines(rows), strict=True)],
    }  # fmt: skip
    return render(request, "alerts/case.html", context)


def score_bar(case: Case) -> Bar | None:
    """Return a case's sum beside what is needed; None where nothing was weighed."""
    return bar(case.score["sum"], case.score["needed"]) if case.score else None


def _subject(kind: str, pk: str) -> dict[str, Any]:
    return {"alert": int(pk)} if kind == "alert" else {}
