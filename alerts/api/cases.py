"""Alerts worked as one, and their tickets."""

from typing import Any, ClassVar

from django import forms
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from alerts import caseload
from alerts.api.alerts import SHOWN
from alerts.api.asking import Paged, answered, checked, page, parameters
from alerts.api.endpoint import Endpoint
from alerts.api.operation import many, operation, paged
from alerts.api.tell_alerts import AlertOut, EntityOut, OperationOut, TicketOut
from alerts.choices import Scope
from alerts.models import Alert, Case
from alerts.querysets import OPEN
from alerts.services.entities import KINDS
from monitors.models import Monitor

MAX_ALERTS = 100


class CasesAsked(Paged):
    """Which cases: all that is asked holds."""

    tab = forms.ChoiceField(
        choices=list(caseload.TABS.items()),
        required=False,
        help_text="`open`: those that hold an open alert; else all.",
    )
    policy = forms.ChoiceField(
        choices=Monitor.Policy.choices, required=False, help_text="The policy by which it was opened."
    )
    entity = forms.CharField(
        max_length=500, required=False, help_text="Whom or what the case is about: the id of a user, an address."
    )
    ticket = forms.CharField(max_length=80, required=False, help_text="The key of its ticket in Jira.")


class CaseOut(serializers.Serializer[Case]):
    """A case as a list tells it."""

    id = serializers.IntegerField()
    opened_at = serializers.DateTimeField()
    entity = serializers.SerializerMethodField()
    ticket_policy = serializers.ChoiceField(Monitor.Policy.choices, help_text="By which it was opened.")
    joined_into = serializers.IntegerField(
        source="joined_into_id", allow_null=True, help_text="The case where it goes on."
    )
    alert_count = serializers.IntegerField()
    ticket = serializers.SerializerMethodField()

    @extend_schema_field(EntityOut)
    def get_entity(self, case: Case) -> Any:
        """Whom or what it is about."""
        return {"kind": case.entity_type, "value": case.entity_id, "name": ""}

    @extend_schema_field(TicketOut(allow_null=True))
    def get_ticket(self, case: Case) -> Any:
        """Its ticket."""
        ticket = getattr(case, "ticket", None)
        return TicketOut(ticket).data if ticket else None


class CaseWhole(CaseOut):
    """A case with its alerts, and what Jira was and is owed."""

    score = serializers.DictField(allow_null=True, help_text="How the sum of its signals came about.")
    alerts = serializers.SerializerMethodField()
    operations = OperationOut(many=True)

    @extend_schema_field(AlertOut(many=True))
    def get_alerts(self, case: Case) -> Any:
        """Its latest alerts, newest first."""
        return many(AlertOut, case.alerts.select_related(*SHOWN).order_by("-id")[:MAX_ALERTS])


class Cases(Endpoint):
    """The cases."""

    needs: ClassVar = {"GET": Scope.ALERTS_READ}

    @operation("cases_list", paged(CaseOut), parameters=parameters(CasesAsked))
    def get(self, request: Request) -> Response:
        """List cases, newest first: all of them, or those that are open, of one policy, about one entity, or of one ticket."""
        wanted = checked(CasesAsked(request.query_params), request.query_params)
        rows = _rows()
        if wanted["tab"] == "open":
            rows = rows.filter(Exists(Alert.objects.filter(OPEN, case=OuterRef("pk"))))
        if wanted["policy"]:
            rows = rows.filter(ticket_policy=wanted["policy"])
        if wanted["entity"]:
            rows = rows.filter(entity_type__in=KINDS, entity_id=wanted["entity"])
        if wanted["ticket"]:
            rows = rows.filter(ticket__key=wanted["ticket"].upper())
        found = page(request, rows, wanted)
        return answered(CaseOut, found)


class OneCase(Endpoint):
    """One case."""

    needs: ClassVar = {"GET": Scope.ALERTS_READ}

    @operation("cases_read", CaseWhole, refuses=[404])
    def get(self, _request: Request, pk: int) -> Response:
        """Read a case with its latest alerts, its ticket, and what Jira is owed."""
        return Response(CaseWhole(get_object_or_404(_rows().prefetch_related("operations"), pk=pk)).data)


def _rows() -> QuerySet[Case]:
    """Return all cases, each with the number of its alerts: counted only for the rows that are read."""
    alerts = Alert.objects.filter(case=OuterRef("pk")).order_by().values("case").annotate(count=Count("pk"))
    return Case.objects.select_related("ticket").annotate(alert_count=Coalesce(Subquery(alerts.values("count")), 0))
