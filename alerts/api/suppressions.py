"""Rules by which alerts ask nobody for anything: seen here, made on their pages, where a preview says what they would have hidden."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.db.models import Q
from django.shortcuts import get_object_or_404
from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.api.access import caller
from alerts.api.alerts import find
from alerts.api.asking import Paged, answered, checked, page, parameters
from alerts.api.endpoint import Endpoint
from alerts.api.operation import operation, paged
from alerts.api.tell_alerts import AlertWhole, PersonOut
from alerts.choices import Scope
from alerts.models import Suppression
from alerts.services import suppression
from core import clock

PEOPLE = ("owner__user", "author__user")


class SuppressionsAsked(Paged):
    """Which suppressions."""

    state = forms.ChoiceField(
        choices=[("in_force", "In force"), ("ended", "Ended")], required=False, help_text="Only those that stand so."
    )


class ConditionOut(serializers.Serializer[Any]):
    """Any of the values; all conditions must hold."""

    kind = serializers.CharField()
    values = serializers.ListField(child=serializers.CharField())


class SuppressionOut(serializers.Serializer[Suppression]):
    """A rule, who answers for it, and until when. `ended_at` is null while it is in force."""

    id = serializers.IntegerField()
    key = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()
    words = serializers.CharField(help_text="What it hides.")
    conditions = ConditionOut(many=True)
    reason = serializers.CharField()
    owner = PersonOut()
    author = PersonOut(help_text="Who saved it last.")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)

    def get_key(self, row: Suppression) -> str:
        """What people call it."""
        return str(row)

    def get_url(self, row: Suppression) -> str:
        """Its page."""
        return settings.PORTAL_URL + reverse("alerts:suppression", args=[row.pk])


class Suppressions(Endpoint):
    """The suppressions."""

    needs: ClassVar = {"GET": Scope.ALERTS_READ}

    @operation("suppressions_list", paged(SuppressionOut), parameters=parameters(SuppressionsAsked))
    def get(self, request: Request) -> Response:
        """List the suppressions, newest first."""
        wanted = checked(SuppressionsAsked(request.query_params), request.query_params)
        in_force = Q(withdrawn_at=None, expires_at__gt=clock.now())
        states = {"in_force": in_force, "ended": ~in_force}
        rows = Suppression.objects.filter(states.get(wanted["state"], Q()))
        return answered(SuppressionOut, page(request, rows.select_related(*PEOPLE), wanted))


class OneSuppression(Endpoint):
    """One suppression."""

    needs: ClassVar = {"GET": Scope.ALERTS_READ}

    @operation("suppressions_read", SuppressionOut, refuses=[404])
    def get(self, _request: Request, pk: int) -> Response:
        """Read a suppression: an alert that it hides names it as `suppressed_by`."""
        return Response(SuppressionOut(get_object_or_404(Suppression.objects.select_related(*PEOPLE), pk=pk)).data)


class BringBack(Endpoint):
    """An alert that is hidden."""

    needs: ClassVar = {"POST": Scope.ALERTS_DECIDE}

    @operation("alerts_bring_back", AlertWhole, refuses=[404, 409])
    def post(self, request: Request, pk: int) -> Response:
        """Bring an alert back that a suppression hides: it is new again, and owes its ticket."""
        suppression.bring_back(pk, caller(request))
        return Response(AlertWhole(find(pk)).data)
