"""Users, addresses, devices, sessions and applications."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.urls import reverse
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.api.alerts import SHOWN
from alerts.api.asking import Paged, answered, checked, cut, limit_of, parameters
from alerts.api.endpoint import Endpoint
from alerts.api.operation import operation, paged
from alerts.api.tell_alerts import AlertOut, EntityOut
from alerts.choices import Scope
from alerts.services import entities
from alerts.views.entities import LISTED


class EntitiesAsked(forms.Form):
    """What is searched for."""

    q = forms.CharField(max_length=200, required=False, help_text="A part of its value or name.")
    kind = forms.ChoiceField(
        choices=[(kind, entities.KINDS[kind]) for kind in LISTED], required=False, help_text="Only of this kind."
    )


class FoundOut(EntityOut):
    """An entity of a list. `alerts` counts among the latest alerts; null where a search found it."""

    alerts = serializers.IntegerField(allow_null=True)
    last_seen = serializers.DateTimeField(allow_null=True)


class FoundList(serializers.Serializer[Any]):
    """Entities, as many as the page shows."""

    results = FoundOut(many=True)


class VerdictsOut(serializers.Serializer[Any]):
    """How many alerts were judged so."""

    verdict = serializers.CharField(help_text="In words.")
    alerts = serializers.IntegerField()


class SummaryOut(serializers.Serializer[Any]):
    """What became of its latest alerts; `is_cut` says that there are more."""

    alerts = serializers.IntegerField()
    open = serializers.IntegerField()
    first_seen = serializers.DateTimeField(allow_null=True)
    last_seen = serializers.DateTimeField(allow_null=True)
    verdicts = VerdictsOut(many=True)
    is_cut = serializers.BooleanField()


class SightingOut(serializers.Serializer[Any]):
    """What a user was seen with before."""

    kind = serializers.CharField()
    value = serializers.CharField()
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()


class ExclusionOut(serializers.Serializer[Any]):
    """An exclusion in force that names it."""

    id = serializers.IntegerField()
    monitor = serializers.UUIDField(allow_null=True, help_text="Null for every monitor's.")
    words = serializers.CharField()
    reason = serializers.CharField()
    expires_at = serializers.DateTimeField(allow_null=True)


class EntityWhole(EntityOut):
    """An entity with all that alerts, the baseline and the exclusions say of it."""

    url = serializers.CharField()
    summary = SummaryOut()
    together = FoundOut(many=True, help_text="What else stood in its latest alerts, the most frequent first.")
    sightings = SightingOut(many=True, help_text="Of a user: the latest of each kind.")
    exclusions = ExclusionOut(many=True)


class Entities(Endpoint):
    """A list of entities."""

    needs: ClassVar = {"GET": Scope.ALERTS_READ}

    @operation("entities_list", FoundList, parameters=parameters(EntitiesAsked))
    def get(self, request: Request) -> Response:
        """List what the latest alerts name most often, or with `q` what a search finds."""
        wanted = checked(EntitiesAsked(request.query_params), request.query_params)
        text, kind = wanted["q"], wanted["kind"]
        if text:
            rows = [_found(row) for row in entities.search(text, kind)]
        else:
            rows = [_found(one.entity, one.alerts, one.last_seen) for one in entities.listed(kind)]
        return Response(FoundList({"results": rows}).data)


class OneEntity(Endpoint):
    """One entity."""

    needs: ClassVar = {"GET": Scope.ALERTS_READ}

    @operation("entities_read", EntityWhole, refuses=[404])
    def get(self, _request: Request, kind: str, value: str) -> Response:
        """
        Read what is known of an entity, also of one that no alert names.

        A value of other signs than letters, digits and `@ . _ : + -` stands in the address as `~` and its base64url, without padding.
        """
        entity = _named(kind, value)
        summary = entities.summary(entity)
        answer = {
            **_found(entity),
            "url": settings.PORTAL_URL + reverse("alerts:entity", args=[kind, value]),
            "summary": {
                **vars(summary),
                "verdicts": [{"verdict": verdict, "alerts": number} for verdict, number in summary.verdicts],
            },
            "together": [_found(one.entity, one.alerts, one.last_seen) for one in entities.together(entity)],
            "sightings": [row for _, rows, _ in entities.sightings(entity) for row in rows],
            "exclusions": [
                {"id": row.pk, "monitor": row.monitor_id, "words": words, "reason": row.reason, "expires_at": row.expires_at}
                for row, words in entities.exclusions_of(entity)
            ],
        }  # fmt: skip
        return Response(EntityWhole(answer).data)


class EntityAlerts(Endpoint):
    """The alerts that name an entity."""

    needs: ClassVar = {"GET": Scope.ALERTS_READ}

    @operation("entities_alerts", paged(AlertOut), parameters=parameters(Paged), refuses=[404])
    def get(self, request: Request, kind: str, value: str) -> Response:
        """List the alerts in which an entity took part, newest first."""
        wanted = checked(Paged(request.query_params), request.query_params)
        rows = entities.alerts_of(_named(kind, value), limit_of(wanted) + 1, before=wanted.get("before"))
        found = cut(request, rows.select_related(*SHOWN), wanted)
        return answered(AlertOut, found)


def _named(kind: str, value: str) -> entities.Named:
    if kind not in entities.KINDS:
        raise NotFound(f"There is no such kind of entity. It is one of {', '.join(entities.KINDS)}.")
    return entities.named(kind, value)


def _found(entity: Any, alerts: int | None = None, last_seen: Any = None) -> dict[str, Any]:
    """Return an entity, of a row or as alerts know it."""
    return {"kind": entity.kind, "value": entity.value, "name": entity.name, "alerts": alerts, "last_seen": last_seen}
