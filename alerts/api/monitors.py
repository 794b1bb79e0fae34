"""Monitors as they are: what is set, what OpenSearch holds, what was heard, what is wrong."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Count, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.api.endpoint import Endpoint
from alerts.api.operation import operation
from alerts.api.tell_alerts import SEVERITY
from alerts.choices import Scope, Status
from alerts.models import Alert
from monitors.models import SEVERITY_CHOICES, Deployment, Monitor


class DeploymentOut(serializers.Serializer[Deployment]):
    """What OpenSearch holds of it, as last read there, and what was heard from it."""

    state = serializers.ChoiceField(Deployment.State.choices)
    fault = serializers.CharField(allow_blank=True, help_text="What is wrong now; empty when nothing is.")
    fault_since = serializers.DateTimeField(allow_null=True)
    heard_at = serializers.DateTimeField(allow_null=True)
    covered_to = serializers.DateTimeField(allow_null=True, help_text="End of the last period heard whole.")
    pushed_at = serializers.DateTimeField(allow_null=True)
    read_at = serializers.DateTimeField(allow_null=True)
    took_ms = serializers.IntegerField(allow_null=True, help_text="How long the last heard search took.")


class MonitorOut(serializers.Serializer[Monitor]):
    """A monitor. `deployment` is null before its first push."""

    uuid = serializers.UUIDField()
    name = serializers.CharField()
    detection = serializers.CharField(allow_blank=True, help_text="Empty for somebody else's monitor.")
    severity = serializers.ChoiceField(SEVERITY_CHOICES, help_text=SEVERITY)
    index_pattern = serializers.CharField()
    interval_seconds = serializers.IntegerField()
    enabled = serializers.BooleanField()
    ticket_policy = serializers.ChoiceField(Monitor.Policy.choices)
    params = serializers.DictField(help_text="Those that differ from the detection's own.")
    open_alerts = serializers.SerializerMethodField()
    deployment = serializers.SerializerMethodField()

    def get_open_alerts(self, monitor: Monitor) -> int:
        """How many of its alerts are open."""
        counted: dict[UUID | None, int] = self.context["open"]
        return counted.get(monitor.pk, 0)

    @extend_schema_field(DeploymentOut(allow_null=True))
    def get_deployment(self, monitor: Monitor) -> Any:
        """What OpenSearch holds."""
        deployment = getattr(monitor, "deployment", None)
        return DeploymentOut(deployment).data if deployment else None


class MonitorList(serializers.Serializer[Any]):
    """Every monitor."""

    results = MonitorOut(many=True)


class Monitors(Endpoint):
    """The monitors."""

    needs: ClassVar = {"GET": Scope.MONITORS_READ}

    @operation("monitors_list", MonitorList)
    def get(self, _request: Request) -> Response:
        """List every monitor, the gravest first, each with its state and its fault."""
        context = {"open": _open(Alert.objects.all())}
        return Response(MonitorList({"results": Monitor.objects.select_related("deployment")}, context=context).data)


class OneMonitor(Endpoint):
    """One monitor."""

    needs: ClassVar = {"GET": Scope.MONITORS_READ}

    @operation("monitors_read", MonitorOut, refuses=[404])
    def get(self, _request: Request, pk: UUID) -> Response:
        """Read one monitor with its state, its fault, and when it was last heard."""
        monitor = get_object_or_404(Monitor.objects.select_related("deployment"), pk=pk)
        return Response(MonitorOut(monitor, context={"open": _open(Alert.objects.filter(monitor=pk))}).data)


def _open(alerts: QuerySet[Alert]) -> dict[UUID | None, int]:
    """Return how many of these alerts are open, by monitor: only open ones, which are few, are read."""
    return dict(alerts.exclude(status=Status.CLOSED).order_by().values_list("monitor").annotate(Count("pk")))
