"""
Tuning a monitor: what other values would have found in the past, before they are saved.

The page works without JavaScript: each play is a job with a page of its own. Where a limit can be moved, `tune.js` moves it at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from core import activity, clock, jobs
from core.verdicts import Verdict
from monitors import backtest, charts, told
from monitors.admin import origin
from monitors.backtest import Values
from monitors.errors import DefinitionError
from monitors.forms import PREFIX, parameter_field
from monitors.models import Backtest, Monitor
from monitors.profiles import lacks
from monitors.services import revisions
from monitors.signals import job_wanted

DAYS = (1, 7, 14, 30, 90)
KEPT = 10  # backtests of a monitor
WIDTH, HEIGHT = 640, 120
TEMPLATE = "admin/monitors/monitor/tune.html"


class TuneForm(forms.Form):
    """The parameters of a monitor's detection, and over how long they are played."""

    def __init__(self, monitor: Monitor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.monitor = monitor
        definition = monitor.definition()
        for name, parameter in definition.parameters.items():
            self.fields[PREFIX + name] = parameter_field(parameter)
        movable = [(line.parameter, definition.parameters[line.parameter].label) for line in backtest.lines(definition)]
        if len(movable) > 1:
            self.fields["line"] = forms.ChoiceField(
                choices=movable, label="Limit to move", help_text="The chart shows the values around this limit."
            )
        self.line = movable[0][0] if movable else ""
        self.fields["days"] = forms.TypedChoiceField(
            choices=[(day, "1 day" if day == 1 else f"{day} days") for day in DAYS], coerce=int, label="Play the last"
        )
        self.fields["reason"] = forms.CharField(
            max_length=300, required=False, label="Reason for this change", help_text="Asked for when it is saved."
        )

    def clean(self) -> dict[str, Any]:
        """Gather the parameters, each checked by its own schema."""
        cleaned = super().clean() or {}
        for name, parameter in self.monitor.definition().parameters.items():
            if PREFIX + name in cleaned:
                try:
                    parameter.check(cleaned[PREFIX + name])
                except DefinitionError as error:
                    self.add_error(PREFIX + name, str(error))
        return cleaned

    def params(self) -> dict[str, Any]:
        """Return the parameters as a monitor keeps them."""
        definition = self.monitor.definition()
        return definition.values({name: self.cleaned_data[PREFIX + name] for name in definition.parameters})


def urls(site: AdminSite) -> list[URLPattern]:
    """Return the pages, behind the admin's own sign-in."""

    def page(view: Any) -> Any:
        def wrapped(request: HttpRequest, **kwargs: Any) -> HttpResponse:
            answer: HttpResponse = view(request, site, **kwargs)
            return answer

        return site.admin_view(wrapped)

    return [
        path("<uuid:pk>/tune/", page(tune), name="monitors_monitor_tune"),
        path("<uuid:pk>/tune/<uuid:job>/", page(tune), name="monitors_monitor_tuned"),
        path("<uuid:pk>/tune/<uuid:job>/cancel/", page(cancel), name="monitors_monitor_untune"),
    ]


def tune(request: HttpRequest, site: AdminSite, pk: str, job: str | None = None) -> HttpResponse:
    """Show the values and what they would have found; play others, or save them."""
    if not request.user.has_perm("monitors.view_monitor"):
        raise PermissionDenied
    monitor = get_object_or_404(Monitor, pk=pk)
    played = get_object_or_404(Backtest, pk=job, monitor=monitor) if job else None
    refusal = _refusal(monitor)
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": f"Tune {monitor}",
        "opts": Monitor._meta,
        "monitor": monitor,
        "refusal": refusal,
    }
    if refusal:
        return render(request, TEMPLATE, context, status=422 if request.method == "POST" else 200)
    if request.method == "POST":
        form = TuneForm(monitor, request.POST)
        if form.is_valid():
            if "play" not in request.POST:
                return _save(request, monitor, form)
            return HttpResponseRedirect(_play(request, monitor, form))
    else:
        form = TuneForm(monitor, initial=_initial(monitor, played))
    definition = monitor.definition()
    context |= {
        "definition": definition,
        "sentence": told.sentence(definition, _values(monitor, played)),
        "form": form,
        "job": played,
        "panel": panel(played) if played and played.result else None,
        "latest": monitor.backtests.filter(state=jobs.State.DONE).order_by("-asked_at")[:5],
        "may_change": request.user.has_perm("monitors.change_monitor"),
    }
    return render(request, TEMPLATE, context)


@require_POST
def cancel(request: HttpRequest, _site: AdminSite, pk: str, job: str) -> HttpResponse:
    """Stop a play that nobody waits for any more."""
    if not request.user.has_perm("monitors.view_monitor"):
        raise PermissionDenied
    jobs.cancel(get_object_or_404(Backtest, pk=job, monitor_id=pk))
    return HttpResponseRedirect(origin.page(request, "monitors_monitor_tuned", pk, job))


def start(monitor: Monitor, params: Mapping[str, Any], *, days: int, line: str, by: Any) -> Backtest:
    """Ask for a play, wake a worker, and drop the oldest ones of this monitor."""
    now = clock.now()
    job = Backtest.objects.create(
        monitor=monitor,
        inputs={"params": dict(params)},
        line=line,
        begins_at=now - timedelta(days=days),
        ends_at=now,
        asked_by=by,
    )
    old = monitor.backtests.order_by("-asked_at").values_list("pk", flat=True)[KEPT:]
    Backtest.objects.filter(pk__in=list(old)).delete()
    job_wanted.send(sender=Backtest, job=str(job.pk))
    return job


def _play(request: HttpRequest, monitor: Monitor, form: TuneForm) -> str:
    job = start(
        monitor,
        form.params(),
        days=form.cleaned_data["days"],
        line=form.cleaned_data.get("line", form.line),
        by=activity.person_of(request.user),
    )
    return origin.page(request, "monitors_monitor_tuned", monitor.pk, job.pk)


def _save(request: HttpRequest, monitor: Monitor, form: TuneForm) -> HttpResponse:
    if not request.user.has_perm("monitors.change_monitor"):
        raise PermissionDenied
    monitor.params = form.params()
    try:
        revision = revisions.save(monitor, by=activity.person_of(request.user), reason=form.cleaned_data["reason"])
    except ValidationError as error:
        messages.error(request, f"Nothing was saved. {'; '.join(error.messages)}")
        return HttpResponseRedirect(origin.page(request, "monitors_monitor_tune", monitor.pk))
    messages.success(request, f"{monitor}: revision {revision.number} is saved. OpenSearch runs it once it is pushed.")
    following = "push" if "save_push" in request.POST else "change"
    return HttpResponseRedirect(origin.page(request, f"monitors_monitor_{following}", monitor.pk))


def _refusal(monitor: Monitor) -> str:
    """Return why a monitor cannot be tuned, and what to do instead; empty where it can be."""
    if monitor.kept:
        return (
            "Somebody else made this monitor, and it was imported with its search as it is. It has no values to tune, and its past is not "
            "played: only OpenSearch knows what its condition asks of an answer. Change it in OpenSearch, or take a detection of the "
            "catalogue in its place."
        )
    try:
        definition = monitor.definition()
        definition.values(monitor.params)
    except DefinitionError as error:
        return str(error)
    lacking = lacks(monitor.profile(), definition.needs())
    if lacking:
        return (
            f"The index {monitor.index_pattern} holds no field for {', '.join(lacking)}, which this detection needs, so that its past "
            "cannot be played. Look how the log gets into the index; once the field is there, learn its layout anew."
        )
    return ""


def _values(monitor: Monitor, played: Backtest | None) -> dict[str, Any]:
    """Return what the form begins with: what was played where a play is shown, else what is saved."""
    definition = monitor.definition()
    chosen = played.inputs.get("params", {}) if played else {}
    return definition.values(monitor.params) | {
        name: value for name, value in chosen.items() if name in definition.parameters
    }


def _initial(monitor: Monitor, played: Backtest | None) -> dict[str, Any]:
    values = _values(monitor, played)
    days, line = 14, ""
    if played:
        days = min(DAYS, key=lambda day: abs(day - (played.ends_at - played.begins_at).days))
        line = played.line
    return {**{PREFIX + name: value for name, value in values.items()}, "days": days, "line": line}


@dataclass(frozen=True)
class Panel:
    """What a finished play of `span` days shows. `moved` is what `tune.js` needs; None where no limit can be moved."""

    alerts: int
    alerts_before: int
    a_week: float
    span: int
    days: list[charts.Bar]
    days_before: list[charts.Bar]
    histogram: list[dict[str, Any]]
    line: dict[str, Any] | None
    fates: list[str]
    judged: list[dict[str, Any]]
    moved: dict[str, Any] | None
    result: Mapping[str, Any]


def panel(job: Backtest) -> Panel:
    """Return what the page shows of a finished play."""
    result = job.result or {}
    days, line = result["days"], result["line"]
    span = max((job.ends_at - job.begins_at).total_seconds() / 86_400, 1)
    if line:
        values = Values.from_json(line)
        now, was = _a_day(values, line["now"], len(days)), _a_day(values, line["was"], len(days))
    else:
        now = result["now"]["a_day"]
        was = (result["before"] or result["now"])["a_day"]
    if result["before"]:
        was = result["before"]["a_day"]
    largest = max([*now, *was, 1])
    return Panel(
        alerts=sum(now),
        alerts_before=sum(was),
        a_week=round(sum(now) * 7 / span, 1),
        span=round(span),
        days=charts.bars(list(zip(days, now, strict=True)), width=WIDTH, height=HEIGHT, largest=largest),
        days_before=charts.bars(list(zip(days, was, strict=True)), width=WIDTH, height=HEIGHT, largest=largest),
        histogram=_histogram(line) if line else [],
        line=_drawn(line) if line else None,
        fates=backtest.fate_words(result["fates"], dict(Verdict.choices)),
        judged=[{**one, "label": Verdict(one["verdict"]).label} for one in result["fates"]],
        moved=_moved(result, span) if line else None,
        result=result,
    )


def _a_day(values: Values, limit: float, days: int) -> list[int]:
    found = values.at(limit)
    return [found.get(day, 0) for day in range(days)]


def _histogram(line: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a bar for each bin of values; its height is logarithmic, since small values are a thousand times as many."""
    found = _bins(line)
    drawn = charts.bars([(one.label, charts.logarithmic(one.number)) for one in found], width=WIDTH, height=HEIGHT)
    return [
        {"bar": bar, "bin": one, "found": one.more or one.high >= line["now"]}
        for one, bar in zip(found, drawn, strict=True)
    ]


def _bins(line: Mapping[str, Any]) -> list[charts.Bin]:
    counts: dict[int, int] = {}
    for day in line["days"].values():
        for value, number in day.items():
            counts[int(value)] = counts.get(int(value), 0) + number
    return charts.bins(counts, floor=line["floor"], reach=3 * int(max(line["now"], line["was"])))


def _drawn(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return where the limit stands in the histogram, now and as it is saved, and its scale: `low` at the left, `high` at the right."""
    found = _bins(line)
    low, high = found[0].low, found[-1].low + found[0].high - found[0].low + 1
    places = {name: round(WIDTH * (min(line[name], high) - low) / (high - low), 2) for name in ("now", "was")}
    return {"low": low, "high": high, "width": WIDTH, "more": found[-1].more, **places}


def _moved(result: Mapping[str, Any], span: float) -> dict[str, Any]:
    """Return what `tune.js` needs to move the limit: values by day, and what was measured of everything judged."""
    line = result["line"]
    return {
        "parameter": PREFIX + line["parameter"],
        "floor": line["floor"],
        "now": line["now"],
        "was": line["was"],
        "days": line["days"],
        "span": span,
        "compared": not result["before"],
        "height": HEIGHT,
        "scale": _drawn(line),
        "verdicts": dict(Verdict.choices),
        "fates": [
            {"key": one["key"], "verdict": one["verdict"], "value": one["value"], "before": one["kept_before"]}
            for one in result["fates"]
        ],
    }
