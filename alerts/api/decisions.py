"""
Decisions on one alert, each by the service that the alert's page calls.

A decision says on which `version` of the alert it was taken. Where somebody or something changed the alert since, nothing is done, and
the answer (409) shows both: what was wanted, and what happened.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from django.http import Http404
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.api import errors
from alerts.api.access import caller
from alerts.api.alerts import find
from alerts.api.endpoint import Endpoint
from alerts.api.operation import operation
from alerts.api.tell_alerts import AlertWhole, LineOut
from alerts.choices import Cause, Scope, Verdict
from alerts.models import Alert
from alerts.services import triage
from alerts.services import undo as undoing
from alerts.views import history
from alerts.views.decide import Decision
from alerts.views.filters import BIGGEST_ID
from alerts.views.forms import AssignForm, CloseForm
from core import activity, clock
from core.models import Activity

NAMES_OF_FORM = {"reason": "cause"}


class Versioned(serializers.Serializer[Any]):
    """On what the decision was taken."""

    version = serializers.IntegerField(
        min_value=0,
        max_value=BIGGEST_ID,
        allow_null=True,
        help_text="The alert's `version` as it was read; null to decide whatever happened since.",
    )


class Assigned(Versioned):
    """Who gets it."""

    to = serializers.CharField(max_length=150, allow_null=True, help_text="A user name; null for nobody.")


class Snoozed(Versioned):
    """Until when it is quiet."""

    until = serializers.DateTimeField(help_text=f"At most {triage.LONGEST_SNOOZE.days} days from now.")
    or_growth = serializers.BooleanField(default=False, help_text="End it earlier when more is found.")

    def validate_until(self, until: datetime) -> datetime:
        """Refuse what is over already, and what is too far away."""
        if not clock.now() < until <= clock.now() + triage.LONGEST_SNOOZE:
            raise ValidationError(f"A snooze ends within {triage.LONGEST_SNOOZE.days} days from now.")
        return until


class Closed(Versioned):
    """Verdict and why."""

    verdict = serializers.ChoiceField(Verdict.choices)
    cause = serializers.ChoiceField(
        Cause.choices, required=False, allow_null=True, help_text="Needed, but for a true positive."
    )
    note = serializers.CharField(
        max_length=400, required=False, allow_blank=True,
        help_text="In words. Needed for a true positive, a known change (its ticket) and another reason.",
    )  # fmt: skip


class Undone(serializers.Serializer[Any]):
    """Which decision is taken back."""

    decision = serializers.IntegerField(min_value=1, max_value=BIGGEST_ID, help_text="As the decision was answered.")


class DecisionOut(serializers.Serializer[Any]):
    """What was decided."""

    decision = serializers.IntegerField(help_text="By which it can be undone.")
    undo_until = serializers.DateTimeField(help_text="Until then; Jira hears of the decision afterwards.")
    alert = AlertWhole()


class ConflictOut(serializers.Serializer[Any]):
    """
    Why nothing was done. Where the alert changed meanwhile (`changed_meanwhile`): what was wanted, what happened, and the alert as it is.

    What is wanted all the same is asked again, with the version of `alert`.
    """

    code = serializers.CharField()
    detail = serializers.CharField()
    wanted = serializers.DictField(required=False)
    changes = LineOut(many=True, required=False, help_text="Oldest first.")
    alert = AlertWhole(required=False)


decided = partial(operation, answers=DecisionOut, refuses=[404], conflict=ConflictOut)


class Deciding(Endpoint):
    """An endpoint that takes one decision."""

    needs: ClassVar = {"POST": Scope.ALERTS_DECIDE}

    def decide(self, request: Request, pk: int, asked: dict[str, Any], act: Decision) -> Response:
        """Take it, and answer what became of it."""
        try:
            alert = act(pk, caller(request), seen=asked["version"])
        except triage.ChangedMeanwhile as error:
            changes = history.lines(error.changes)
            conflict = {**errors.told(error), "wanted": request.data, "changes": changes, "alert": find(pk)}
            return Response(ConflictOut(conflict).data, status=status.HTTP_409_CONFLICT)
        return Response(_told(alert))


class Assign(Deciding):
    """Who works it."""

    @decided("alerts_assign", asks=Assigned)
    def post(self, request: Request, pk: int) -> Response:
        """Give an alert to somebody, or to nobody."""
        asked = self.asked(Assigned)
        to = None
        if asked["to"] is not None:
            form = AssignForm({"to": asked["to"]})
            if not form.is_valid():
                raise ValidationError({"to": ["Nobody of that user name may decide."]})
            to = activity.person_of(form.cleaned_data["to"])
        return self.decide(request, pk, asked, partial(triage.assign, to=to))


class Acknowledge(Deciding):
    """That somebody has seen it."""

    @decided("alerts_acknowledge", asks=Versioned)
    def post(self, request: Request, pk: int) -> Response:
        """Say that somebody has seen it; one that nobody has becomes the caller's."""
        return self.decide(request, pk, self.asked(Versioned), triage.acknowledge)


class Snooze(Deciding):
    """Quiet for a time."""

    @decided("alerts_snooze", asks=Snoozed)
    def post(self, request: Request, pk: int) -> Response:
        """Let an alert be quiet until a time."""
        asked = self.asked(Snoozed)
        act = partial(triage.snooze, until=asked["until"], or_growth=asked["or_growth"])
        return self.decide(request, pk, asked, act)


class Unsnooze(Deciding):
    """Loud again."""

    @decided("alerts_unsnooze", asks=Versioned)
    def post(self, request: Request, pk: int) -> Response:
        """End a snooze now."""
        return self.decide(request, pk, self.asked(Versioned), triage.unsnooze)


class JudgeTrue(Deciding):
    """A true positive."""

    @decided("alerts_judge_true", asks=Versioned)
    def post(self, request: Request, pk: int) -> Response:
        """Judge an alert a true positive. It stays open, in progress: the work begins now."""
        return self.decide(request, pk, self.asked(Versioned), triage.judge_true)


class Escalate(Deciding):
    """For those who respond."""

    @decided("alerts_escalate", asks=Versioned)
    def post(self, request: Request, pk: int) -> Response:
        """Give an alert to those who respond, one step graver."""
        return self.decide(request, pk, self.asked(Versioned), triage.escalate)


class Close(Deciding):
    """Judged and done."""

    @decided("alerts_close", asks=Closed)
    def post(self, request: Request, pk: int) -> Response:
        """
        Close an alert with a verdict and its cause.

        Nobody closes an alert about themself: the token's owner counts.
        """
        asked = self.asked(Closed)
        form = CloseForm(
            {"verdict": asked["verdict"], "reason": asked.get("cause") or "", "note": asked.get("note", "")}
        )
        if not form.is_valid():
            raise ValidationError(
                {NAMES_OF_FORM.get(name, name): [str(one) for one in said] for name, said in form.errors.items()}
            )
        act = partial(triage.close, verdict=Verdict(asked["verdict"]), reason=form.words(), cause=form.cause)
        return self.decide(request, pk, asked, act)


class Reopen(Deciding):
    """Not done after all."""

    @decided("alerts_reopen", asks=Versioned)
    def post(self, request: Request, pk: int) -> Response:
        """Take a closing back: the alert is in progress again, without a verdict, and the caller's."""
        return self.decide(request, pk, self.asked(Versioned), triage.reopen)


class Undo(Endpoint):
    """What was decided a moment ago."""

    needs: ClassVar = {"POST": Scope.ALERTS_DECIDE}

    @operation("alerts_undo", AlertWhole, asks=Undone, refuses=[404, 409])
    def post(self, request: Request, pk: int) -> Response:
        """Take a decision of one's own back, within seconds and before Jira hears of it."""
        line = self.asked(Undone)["decision"]
        if not Activity.objects.filter(pk=line, subject_kind="alert", subject_id=str(pk)).exists():
            raise Http404("This alert has no such decision.")
        undoing.undo(line, caller(request))
        return Response(AlertWhole(find(pk)).data)


def _told(alert: Alert) -> dict[str, Any]:
    line = triage.newest_change(alert)
    at = Activity.objects.values_list("at", flat=True).get(pk=line)
    answer = {"decision": line, "undo_until": at + timedelta(seconds=triage.UNDO_SECONDS), "alert": find(alert.pk)}
    return dict(DecisionOut(answer).data)
