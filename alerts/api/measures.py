"""How well alerts are found and worked: the figures of the measures page."""

from typing import Any, ClassVar

from django import forms
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.api.asking import checked, parameters
from alerts.api.endpoint import Endpoint
from alerts.api.operation import operation
from alerts.choices import Scope
from alerts.services import measures
from alerts.views.measures import DAYS, DEFAULT_DAYS


class MeasuresAsked(forms.Form):
    """How far back."""

    days = forms.TypedChoiceField(
        choices=[(days, str(days)) for days in DAYS], coerce=int, empty_value=None, required=False,
        help_text=f"How far back; {DEFAULT_DAYS} by default.",
    )  # fmt: skip


class PercentilesOut(serializers.Serializer[Any]):
    """Seconds: half of the times, and nine tenths of them, were no longer. Null where there were none."""

    p50 = serializers.FloatField(allow_null=True)
    p90 = serializers.FloatField(allow_null=True)


class TimesOut(serializers.Serializer[Any]):
    """The times of one severity, of one week (its Monday, UTC), or, with neither, of all."""

    severity = serializers.IntegerField(allow_null=True)
    week = serializers.DateTimeField(allow_null=True)
    alerts = serializers.IntegerField()
    detect = PercentilesOut(help_text="From the first event to the alert.")
    acknowledge = PercentilesOut(help_text="From the alert to the first thing that somebody did.")
    resolve = PercentilesOut(help_text="From the alert to its closing.")


class OfDetectionOut(serializers.Serializer[Any]):
    """What a detection's alerts turned out to be."""

    detection = serializers.CharField()
    alerts = serializers.IntegerField()
    judged = serializers.IntegerField()
    true_positives = serializers.IntegerField()
    false_positives = serializers.IntegerField()
    false_share = serializers.FloatField(allow_null=True, help_text="Null while too little was judged.")
    suppressed = serializers.IntegerField(help_text="Of its alerts, those that a suppression hides.")
    monitor = serializers.UUIDField(allow_null=True, help_text="The one with most of them.")


class WeekOut(serializers.Serializer[Any]):
    """How many alerts a week had."""

    week = serializers.DateTimeField()
    alerts = serializers.IntegerField()


class AgeOut(serializers.Serializer[Any]):
    """How many open alerts are so old."""

    age = serializers.CharField()
    alerts = serializers.IntegerField()


class PlumbingOut(serializers.Serializer[Any]):
    """What came in and what got in the way."""

    deliveries = serializers.IntegerField()
    quarantined = serializers.IntegerField()
    recovered = serializers.IntegerField()
    suppressed = serializers.IntegerField()
    faulty_monitors = serializers.IntegerField()


class MeasuresOut(serializers.Serializer[Any]):
    """All figures of a span. Rehearsals do not count."""

    days = serializers.IntegerField()
    times = TimesOut(many=True)
    detections = OfDetectionOut(many=True)
    weeks = WeekOut(many=True)
    open_by_age = AgeOut(many=True)
    plumbing = PlumbingOut()


class Measures(Endpoint):
    """The measures."""

    needs: ClassVar = {"GET": Scope.MEASURES_READ}

    @operation("measures_read", MeasuresOut, parameters=parameters(MeasuresAsked))
    def get(self, request: Request) -> Response:
        """Read the times to detect, acknowledge and resolve, the share of false positives of each detection, and what got in the way."""
        days = checked(MeasuresAsked(request.query_params), request.query_params)["days"] or DEFAULT_DAYS
        answer = {
            "days": days,
            "times": measures.times(days),
            "detections": measures.detections(days),
            "weeks": [{"week": week, "alerts": number} for week, number in measures.weekly(days)],
            "open_by_age": [{"age": age, "alerts": number} for age, number in measures.open_by_age()],
            "plumbing": measures.plumbing(days),
        }
        return Response(MeasuresOut(answer).data)
