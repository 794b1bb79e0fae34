"""The way in and the way out: whether it is well, what was posted, and what Jira is owed."""

from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from alerts import querysets
from alerts.api.asking import Paged, answered, checked, page, parameters
from alerts.api.endpoint import Endpoint
from alerts.api.operation import operation, paged
from alerts.api.tell_alerts import OperationOut
from alerts.choices import DeliveryStatus, Scope
from alerts.models import Delivery, TicketOperation
from alerts.querysets import COUNT_LIMIT
from alerts.views.frame import pulse
from monitors.models import IndexProfile

CAPPED = f"Counted up to {COUNT_LIMIT}: {COUNT_LIMIT + 1} stands for more."


class KeyPaged(forms.Form):
    """How much of a list whose keys are uuids."""

    limit = Paged.base_fields["limit"]
    before = forms.UUIDField(required=False, help_text=Paged.base_fields["before"].help_text)


class DeliveriesAsked(KeyPaged):
    """Which deliveries."""

    status = forms.ChoiceField(choices=DeliveryStatus.choices, required=False, help_text="Only those that stand so.")


class IndexOut(serializers.Serializer[IndexProfile]):
    """An index that is searched."""

    pattern = serializers.CharField()
    newest_event_at = serializers.DateTimeField(allow_null=True)


class HealthOut(serializers.Serializer[Any]):
    """Whether alerts get in and tickets out."""

    is_well = serializers.BooleanField(help_text="Whether nothing is in the way.")
    monitors = serializers.IntegerField()
    faults = serializers.IntegerField(help_text="Monitors with a fault.")
    heard_at = serializers.DateTimeField(allow_null=True, help_text="When any monitor was last heard.")
    quarantined = serializers.IntegerField(help_text=CAPPED)
    tickets_late = serializers.IntegerField(help_text=CAPPED)
    new_alerts = serializers.IntegerField(help_text=CAPPED)
    jira_away_since = serializers.DateTimeField(allow_null=True)
    indices = IndexOut(many=True)


class DeliveryOut(serializers.Serializer[Delivery]):
    """One POST and what became of it; its bytes are kept, and shown on its page."""

    id = serializers.UUIDField()
    received_at = serializers.DateTimeField()
    source = serializers.CharField(source="source.name")  # type: ignore[assignment]  # a field's name, as DRF takes it
    status = serializers.ChoiceField(DeliveryStatus.choices)
    reason = serializers.CharField(allow_blank=True)
    rejected = serializers.ListField(help_text="Findings that could not be read, each with its reason.")
    monitor = serializers.UUIDField(allow_null=True)
    findings = serializers.IntegerField()
    size = serializers.IntegerField()
    sha256 = serializers.SerializerMethodField()
    duplicate_of = serializers.UUIDField(allow_null=True)
    processed_at = serializers.DateTimeField(allow_null=True)

    def get_sha256(self, delivery: Delivery) -> str:
        """The hash of its bytes."""
        return bytes(delivery.sha256).hex()


class Health(Endpoint):
    """The pulse."""

    needs: ClassVar = {"GET": Scope.PIPELINE_READ}

    @operation("pipeline_health", HealthOut)
    def get(self, _request: Request) -> Response:
        """Read whether alerts get in and tickets out, and what is in the way."""
        now = pulse()
        indices = IndexProfile.objects.order_by("pattern")
        answer = {**vars(now), "is_well": now.is_well, "jira_away_since": now.jira_away_since, "indices": indices}
        return Response(HealthOut(answer).data)


class Deliveries(Endpoint):
    """What was posted."""

    needs: ClassVar = {"GET": Scope.PIPELINE_READ}

    @operation("pipeline_deliveries", paged(DeliveryOut), parameters=parameters(DeliveriesAsked))
    def get(self, request: Request) -> Response:
        """List what was posted, newest first."""
        wanted = checked(DeliveriesAsked(request.query_params), request.query_params)
        rows = Delivery.objects.select_related("source").defer("body")
        found = page(request, rows.filter(status=wanted["status"]) if wanted["status"] else rows, wanted)
        return answered(DeliveryOut, found)


class OneDelivery(Endpoint):
    """One POST."""

    needs: ClassVar = {"GET": Scope.PIPELINE_READ}

    @operation("pipeline_delivery", DeliveryOut, refuses=[404])
    def get(self, _request: Request, pk: UUID) -> Response:
        """Read what became of one delivery."""
        return Response(
            DeliveryOut(get_object_or_404(Delivery.objects.select_related("source").defer("body"), pk=pk)).data
        )


class Operations(Endpoint):
    """What Jira is owed."""

    needs: ClassVar = {"GET": Scope.PIPELINE_READ}

    @operation("pipeline_operations", paged(OperationOut), parameters=parameters(KeyPaged))
    def get(self, request: Request) -> Response:
        """List what Jira is still owed, newest first, with what went wrong."""
        wanted = checked(KeyPaged(request.query_params), request.query_params)
        found = page(request, querysets.owed(TicketOperation.objects.all()), wanted)
        return answered(OperationOut, found)
