"""How well alerts are found and worked, for whoever answers for it; the same as CSV."""

import csv
import io
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from alerts.services import figures, measures
from core.text import inert_cell
from monitors import charts
from monitors.definitions import SEVERITIES

DAYS = (7, 30, 90, 365)
DEFAULT_DAYS = 90
WIDTH, HEIGHT = 640, 120


class SpanForm(forms.Form):
    """How far back; a value that makes no sense is the default."""

    days = forms.TypedChoiceField(choices=[(day, f"last {day} days") for day in DAYS], coerce=int, required=False)


@require_safe
def measures_page(request: HttpRequest) -> HttpResponse:
    """Show the measures of a span, or give them as a file."""
    form = SpanForm(request.GET)
    days = (form.cleaned_data.get("days") if form.is_valid() else None) or DEFAULT_DAYS
    detections = measures.detections(days)
    if request.GET.get("format") == "csv":
        return _file(days, detections)
    times = measures.times(days)
    weeks = [(f"{week:%-d %b %Y}", number) for week, number in measures.weekly(days)]
    context = {
        "section": "measures",
        "days": days,
        "spans": DAYS,
        "overall": next((one for one in times if one.severity is None and one.week is None), None),
        "by_severity": [one for one in times if one.severity],
        "by_week": [one for one in times if one.week],
        "weeks": charts.bars(weeks, width=WIDTH, height=HEIGHT),
        "detections": detections,
        "noisiest": measures.noisiest(detections),
        "ages": measures.open_by_age(),
        "plumbing": measures.plumbing(days),
        "enough": measures.ENOUGH_VERDICTS,
        "kept_since": figures.kept_since(days),
    }
    return render(request, "alerts/measures.html", context)


def _file(days: int, detections: list[measures.OfDetection]) -> HttpResponse:
    """Return the measures as CSV; no cell is ever read as a formula."""
    out = io.StringIO()
    writer = csv.writer(out)

    def row(*cells: Any) -> None:
        writer.writerow([inert_cell(cell) for cell in cells])

    row("measure", "of", "alerts", "p50 seconds", "p90 seconds")
    for one in measures.times(days):
        of = SEVERITIES[one.severity] if one.severity else f"week of {one.week:%Y-%m-%d}" if one.week else "all"
        for name, found in (("detect", one.detect), ("acknowledge", one.acknowledge), ("resolve", one.resolve)):
            row(f"time to {name}", of, one.alerts, _seconds(found.p50), _seconds(found.p90))
    row()
    row("detection", "alerts", "judged", "true positives", "false positives", "false positive share", "suppressed")
    for told in detections:
        share = "" if told.false_share is None else round(told.false_share, 3)
        row(told.detection, told.alerts, told.judged, told.true_positives, told.false_positives, share, told.suppressed)
    answer = HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="oktadetect-measures-{days}-days.csv"'
    return answer


def _seconds(value: float | None) -> Any:
    return "" if value is None else round(value, 1)
