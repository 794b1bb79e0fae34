"""Suppressions: what is in force and what was, a form with a preview of what it would have hidden, and the way back."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from alerts.models import Alert, Suppression
from alerts.rules import KINDS, NEVER, Rule, RuleError
from alerts.services import bulk, hiding, suppression, triage
from alerts.services.suppression import Preview, Wanted
from alerts.views import history
from alerts.views.forms import AssignForm
from core import activity, clock
from core.text import whole_number
from monitors.models import every_detection

SHOWN_ENDED, SHOWN_ALERTS, SHOWN_LINES = 50, 20, 50
PRESETS = {"1": "1 day", "7": "7 days", "30": "30 days", "90": "90 days"}
TYPED = tuple(kind for kind in KINDS if kind != "detection")
MAX_TYPED = 30_000


class SuppressionForm(AssignForm):
    """Conditions, one field a kind, joined by *and*; why, until when, and who answers for it."""

    detection = forms.CharField(max_length=120, required=False)
    entity = forms.CharField(max_length=MAX_TYPED, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    address = forms.CharField(max_length=MAX_TYPED, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    country = forms.CharField(max_length=MAX_TYPED, required=False, widget=forms.Textarea(attrs={"rows": 1}))
    application = forms.CharField(max_length=MAX_TYPED, required=False, widget=forms.Textarea(attrs={"rows": 1}))
    reason = forms.CharField(
        max_length=suppression.MAX_REASON,
        error_messages={"required": "Say why: whoever meets it later decides by that whether it still holds."},
    )
    days = forms.ChoiceField(choices=list(PRESETS.items()), widget=forms.RadioSelect, required=False)
    until = forms.DateTimeField(
        required=False, widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
    )
    confirmed = forms.BooleanField(required=False)

    rule: Rule | None = None

    def clean(self) -> dict[str, Any]:
        """Make one rule of the conditions, and settle on its end."""
        cleaned = super().clean() or self.cleaned_data
        told = [{"kind": kind, "values": _typed(kind, cleaned.get(kind, ""))} for kind in KINDS if cleaned.get(kind)]
        try:
            self.rule = Rule.from_json(told)
        except RuleError as error:
            self.add_error(error.kind or None, str(error))
        if cleaned.get("days") and "until" not in {*self.changed_data, *self.errors}:
            cleaned["until"] = clock.now() + timedelta(days=int(cleaned["days"]))
        elif not cleaned.get("until") and "until" not in self.errors:
            self.add_error("until", "Choose when it ends.")
        return cleaned

    def wanted(self) -> Wanted:
        """Return what was asked for; of a valid form."""
        assert self.rule is not None  # noqa: S101 - a valid form has one
        told = self.cleaned_data
        return Wanted(self.rule, told["reason"], activity.person_of(told["to"]), told["until"])


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show what is in force, and what has ended lately. Two queries for the rows."""
    rows = Suppression.objects.select_related("owner").annotate(hides=Count("alerts"))
    holding = list(rows.filter(pk__in=hiding.in_force()))
    ended = rows.exclude(pk__in=[row.pk for row in holding])[:SHOWN_ENDED]
    return render(request, "alerts/suppressions.html", {"section": "suppressions", "holding": holding, "ended": ended})


@require_safe
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one: what it hides, what it hid, and its history."""
    row = _find(pk)
    hidden = row.alerts.order_by("-id")
    context = {
        "section": "suppressions",
        "row": row,
        "hides": hidden.count(),
        "alerts": hidden[:SHOWN_ALERTS],
        "history": history.lines(activity.history(row)[:SHOWN_LINES]),
    }
    return render(request, "alerts/suppression.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Ask for a suppression, filled in from the alert that the address names; on POST show what it would have hidden, or make it."""
    alert = _of_address(request)
    form = SuppressionForm(request.POST or None, initial=_initial(request, alert))
    if request.method != "POST":
        return _ask(request, form, alert=alert, outlook=_outlook_of(request, alert))
    return _answer(request, form, None, alert)


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Change one that is in force, as it was made."""
    row = _find(pk)
    if not row.is_in_force:
        messages.error(request, f"{row} has ended. Make a new one.")
        return redirect("alerts:suppression", pk=pk)
    form = SuppressionForm(request.POST or None, initial=_kept(row))
    if request.method != "POST":
        return _ask(request, form, row=row, outlook=suppression.preview(row.rule()))
    return _answer(request, form, row, None)


@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Have it hide nothing more."""
    row = _find(pk)
    try:
        suppression.withdraw(row.pk, activity.person_of(request.user))
    except triage.TriageError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{row} is withdrawn. What it hid stays hidden until you bring it back.")
    return redirect("alerts:suppression", pk=pk)


@require_POST
def bring_all_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Make everything new that it hid: at once where that is little, else by a worker whose page shows how far it is."""
    row = _find(pk)
    try:
        keys = suppression.to_bring_back(row)
    except triage.TriageError as error:
        messages.error(request, str(error))
        return redirect("alerts:suppression", pk=pk)
    job = bulk.ask(bulk.Kind.BRING_BACK, activity.person_of(request.user), keys)
    return redirect("alerts:bulk", pk=job.pk)


@require_POST
def bring_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Make one hidden alert new."""
    try:
        suppression.bring_back(pk, activity.person_of(request.user))
    except triage.NoSuchAlert as error:
        raise Http404(str(error)) from error
    except triage.TriageError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The alert is new again, and owes its ticket.")
    return redirect("alerts:alert", pk=pk)


def _answer(request: HttpRequest, form: SuppressionForm, row: Suppression | None, alert: Alert | None) -> HttpResponse:
    """Show what it would have hidden, or save it: a new one, or the changed `row`."""
    person = activity.person_of(request.user)
    is_valid = form.is_valid()
    outlook = _outlook(form, request) if form.rule else None
    if request.POST.get("do") != "save":
        return _ask(request, form, row=row, alert=alert, outlook=outlook)
    if not is_valid:
        return _ask(request, form, row=row, alert=alert, outlook=outlook, status=422)
    confirmed = form.cleaned_data["confirmed"]
    try:
        if row is None:
            saved = suppression.make(form.wanted(), person, confirmed=confirmed)
        else:
            saved = suppression.change(row.pk, form.wanted(), person, confirmed=confirmed)
    except triage.TriageError as error:
        form.add_error(None, str(error))
        return _ask(request, form, row=row, alert=alert, outlook=outlook, status=422)
    stays = f" {alert} itself stays open: close it with its verdict." if alert and alert.is_open else ""
    messages.success(request, f"{saved} holds for alerts that come from now on.{stays}")
    return redirect("alerts:suppression", pk=saved.pk)


def _ask(
    request: HttpRequest,
    form: SuppressionForm,
    *,
    row: Suppression | None = None,
    alert: Alert | None = None,
    outlook: Preview | None = None,
    status: int = 200,
) -> HttpResponse:
    facts = hiding.facts_of([alert])[alert.pk] if alert else None
    holds = {
        "entity": [facts.entity_name] if facts and facts.entity_name != facts.entity_id else [],
        "address": sorted(facts.addresses) if facts else [],
        "country": sorted(facts.countries) if facts else [],
        "application": sorted(facts.applications) if facts else [],
    }
    context = {
        "section": "suppressions",
        "form": form,
        "row": row,
        "alert": alert,
        "outlook": outlook,
        "days": suppression.SHOWN_DAYS,
        "most_days": suppression.MOST_DAYS,
        "detections": sorted({one.title for one in every_detection()}),
        "fields": [(form[kind], KINDS[kind], holds[kind]) for kind in TYPED],
    }
    return render(request, "alerts/suppress.html", context, status=status)


def _outlook(form: SuppressionForm, request: HttpRequest) -> Preview:
    assert form.rule is not None  # noqa: S101 - for the type checker
    owner = form.cleaned_data.get("to") or request.user
    people = {activity.person_of(request.user), activity.person_of(owner)}
    return suppression.preview(suppression.exempting(form.rule, *people))


def _outlook_of(request: HttpRequest, alert: Alert | None) -> Preview | None:
    """Return what the form would have hidden as it is filled in from an alert."""
    if alert is None:
        return None
    told = [{"kind": "detection", "values": [alert.detection]}, {"kind": "entity", "values": [alert.entity_id]}]
    try:
        rule = Rule.from_json(told)
    except RuleError:
        return None  # an entity that no condition can name
    return suppression.preview(suppression.exempting(rule, activity.person_of(request.user)))


def _of_address(request: HttpRequest) -> Alert | None:
    """Return the alert that the address names; 404 where there is none, or where it is one that is never suppressed."""
    if "alert" not in request.GET:
        return None
    pk = whole_number(request.GET["alert"])
    return get_object_or_404(Alert.objects.exclude(entity_type__in=NEVER), pk=pk, rehearsal=None)


def _initial(request: HttpRequest, alert: Alert | None) -> dict[str, Any]:
    assert isinstance(request.user, User)  # noqa: S101 - the middleware lets nobody else in
    told: dict[str, Any] = {"to": request.user.username, "days": str(suppression.USUAL_DAYS)}
    if alert is not None:
        told |= {"detection": alert.detection, "entity": alert.entity_id, "reason": f"{alert}: "}
    return told


def _kept(row: Suppression) -> dict[str, Any]:
    told: dict[str, Any] = {one["kind"]: "\n".join(one["values"]) for one in row.conditions}
    owner = row.owner.user.get_username() if row.owner.user else ""
    return {**told, "reason": row.reason, "to": owner, "until": row.expires_at.replace(second=0, microsecond=0)}


def _typed(kind: str, text: str) -> list[str]:
    """Return the values of a field: a line each; the detection is one."""
    lines = [text] if kind == "detection" else text.splitlines()
    return [line.strip() for line in lines if line.strip()]


def _find(pk: int) -> Suppression:
    return get_object_or_404(Suppression.objects.select_related("owner__user", "author__user"), pk=pk)
