"""Alerts: listed by the filters of the queue, read whole, and their evidence."""

from typing import Any, ClassVar

from django import forms
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.api.access import user_of
from alerts.api.asking import Paged, answered, checked, limit_of, page, parameters
from alerts.api.endpoint import Endpoint
from alerts.api.operation import operation, paged
from alerts.api.tell_alerts import AlertOut, AlertWhole, EvidenceOut
from alerts.choices import Scope
from alerts.models import Alert, Evidence
from alerts.querysets import NARROWS
from alerts.search import settled
from alerts.views.filters import BIGGEST_ID, MAX_LEFT_OUT, QueueFilter, asked

SHOWN = (
    "assignee__user",
    "closed_by__user",
    "case__ticket",
)  # what an answer says of people and Jira, in the same query
WORDS = {
    "tab": "A tab of the queue; `new` by default. `mine` is what is open and assigned to the caller.",
    "severity": "1 is the gravest, 5 the least.",
    "detection": "The detection's title.",
    "status": "Where it stands.",
    "verdict": "What it was judged.",
    "assignee": "A user name; `nobody` for what nobody has.",
    "country": "A country that its events came from, by Okta's name.",
    "time": "Seen last within so long.",
    "entity": "The user, device or other entity that it is about: its id, or its name.",
    "address": "An address that took part.",
    "q": "Words of the sentence, a name, the key of a ticket, or the exact value of whatever took part.",
    "before": "Those before this id: `next` says it for you.",
    "after": "Only those above this id: what is newer than what was read before.",
}
NOT = OpenApiParameter(
    "not",
    {"type": "array", "maxItems": MAX_LEFT_OUT, "items": {"type": "string"}},
    description=f"Leave these out: `field:value`, where the field is one of {', '.join(NARROWS)}. May be given again.",
)


class AlertsAsked(QueueFilter):
    """What the queue's address may ask, but how it is shown; and how much of it."""

    group = None  # type: ignore[assignment]  # as Django takes a field out of a form
    limit = Paged.base_fields["limit"]


class OccurrenceAsked(forms.Form):
    """Which occurrence."""

    occurrence = forms.IntegerField(
        min_value=1, max_value=BIGGEST_ID, required=False, help_text="Its id; the latest by default."
    )


def find(pk: int) -> Alert:
    """Return an alert with what an answer shows. Raises Http404."""
    return get_object_or_404(Alert.objects.select_related(*SHOWN), pk=pk)


class Alerts(Endpoint):
    """The queue."""

    needs: ClassVar = {"GET": Scope.ALERTS_READ}

    @operation("alerts_list", paged(AlertOut), parameters=[*parameters(AlertsAsked, WORDS), NOT])
    def get(self, request: Request) -> Response:
        """
        List alerts, newest first.

        The parameters are those of the queue's address: what one filters there can be asked here. A parameter that is not known, or
        makes no sense, is refused. To follow what is new, ask with `tab=all&after=` and the highest id that was read.
        """
        wanted = checked(AlertsAsked(request.query_params), request.query_params)
        understood = asked(request.query_params)
        left_out = request.query_params.getlist("not")
        if len(understood.left_out) != len(set(left_out)):
            raise ValidationError({"not": [f"Give field:value, at most {MAX_LEFT_OUT}, of {', '.join(NARROWS)}."]})
        reader = user_of(request).pk
        alerts = understood.alerts(reader)
        if wanted.get("after"):
            alerts = alerts.filter(pk__gt=wanted["after"])
        most = limit_of(wanted) + 1
        near = settled(alerts, most, before=wanted.get("before"), searched_in=understood.searched_in(reader))
        found = page(request, near.select_related(*SHOWN), wanted)
        return answered(AlertOut, found)


class OneAlert(Endpoint):
    """One alert."""

    needs: ClassVar = {"GET": Scope.ALERTS_READ}

    @operation("alerts_read", AlertWhole, refuses=[404])
    def get(self, _request: Request, pk: int) -> Response:
        """
        Read an alert with all that its page says.

        `version` goes back with a decision, so that it is taken only on what was read.
        """
        return Response(AlertWhole(find(pk)).data)


class AlertEvidence(Endpoint):
    """The events under an alert."""

    needs: ClassVar = {"GET": Scope.ALERTS_READ}

    @operation("alerts_evidence", EvidenceOut, parameters=parameters(OccurrenceAsked), refuses=[404])
    def get(self, request: Request, pk: int) -> Response:
        """Read the events of one occurrence: as the search told them, and whole where they were fetched."""
        wanted = checked(OccurrenceAsked(request.query_params), request.query_params)
        occurrences = find(pk).occurrences.all()
        named = wanted.get("occurrence")
        occurrence = get_object_or_404(occurrences, pk=named) if named else occurrences.first()
        kept = Evidence.objects.filter(occurrence=occurrence).first() if occurrence else None
        answer: dict[str, Any] = {
            "occurrence": occurrence,
            "told": occurrence.events if occurrence else [],
            "events": kept.events if kept else [],
            "sha256": bytes(kept.sha256).hex() if kept and kept.sha256 else None,
            "missing": len(kept.wanted) if kept else 0,
        }
        return Response(EvidenceOut(answer).data)
