"""The addresses below /api/: version 1, its schema, and the page that explains it."""

from django.urls import path, re_path

from alerts.api import (
    alerts,
    cases,
    comments,
    decisions,
    docs,
    entities,
    me,
    measures,
    monitors,
    pipeline,
    suppressions,
)
from alerts.api.endpoint import NothingHere
from alerts.urls import sees

urlpatterns = [
    path("docs/", sees(docs.page), name="api-docs"),
    path("v1/schema/", docs.Schema.as_view(), name="api-schema"),
    path("v1/me/", me.Me.as_view(), name="api-me"),
    path("v1/alerts/", alerts.Alerts.as_view(), name="api-alerts"),
    path("v1/alerts/<int:pk>/", alerts.OneAlert.as_view(), name="api-alert"),
    path("v1/alerts/<int:pk>/evidence/", alerts.AlertEvidence.as_view(), name="api-evidence"),
    path("v1/alerts/<int:pk>/assign/", decisions.Assign.as_view(), name="api-assign"),
    path("v1/alerts/<int:pk>/acknowledge/", decisions.Acknowledge.as_view(), name="api-acknowledge"),
    path("v1/alerts/<int:pk>/snooze/", decisions.Snooze.as_view(), name="api-snooze"),
    path("v1/alerts/<int:pk>/unsnooze/", decisions.Unsnooze.as_view(), name="api-unsnooze"),
    path("v1/alerts/<int:pk>/true-positive/", decisions.JudgeTrue.as_view(), name="api-judge-true"),
    path("v1/alerts/<int:pk>/escalate/", decisions.Escalate.as_view(), name="api-escalate"),
    path("v1/alerts/<int:pk>/close/", decisions.Close.as_view(), name="api-close"),
    path("v1/alerts/<int:pk>/reopen/", decisions.Reopen.as_view(), name="api-reopen"),
    path("v1/alerts/<int:pk>/bring-back/", suppressions.BringBack.as_view(), name="api-bring-back"),
    path("v1/alerts/<int:pk>/undo/", decisions.Undo.as_view(), name="api-undo"),
    path("v1/alerts/<int:pk>/comments/", comments.Comments.as_view(), name="api-comments"),
    path("v1/alerts/<int:pk>/comments/<int:comment>/", comments.OneComment.as_view(), name="api-comment"),
    path("v1/entities/", entities.Entities.as_view(), name="api-entities"),
    path("v1/entities/<slug:kind>/<entity:value>/", entities.OneEntity.as_view(), name="api-entity"),
    path("v1/entities/<slug:kind>/<entity:value>/alerts/", entities.EntityAlerts.as_view(), name="api-entity-alerts"),
    path("v1/cases/", cases.Cases.as_view(), name="api-cases"),
    path("v1/cases/<int:pk>/", cases.OneCase.as_view(), name="api-case"),
    path("v1/monitors/", monitors.Monitors.as_view(), name="api-monitors"),
    path("v1/monitors/<uuid:pk>/", monitors.OneMonitor.as_view(), name="api-monitor"),
    path("v1/suppressions/", suppressions.Suppressions.as_view(), name="api-suppressions"),
    path("v1/suppressions/<int:pk>/", suppressions.OneSuppression.as_view(), name="api-suppression"),
    path("v1/measures/", measures.Measures.as_view(), name="api-measures"),
    path("v1/pipeline/health/", pipeline.Health.as_view(), name="api-health"),
    path("v1/pipeline/deliveries/", pipeline.Deliveries.as_view(), name="api-deliveries"),
    path("v1/pipeline/deliveries/<uuid:pk>/", pipeline.OneDelivery.as_view(), name="api-delivery"),
    path("v1/pipeline/operations/", pipeline.Operations.as_view(), name="api-operations"),
    re_path("", NothingHere.as_view(), name="api-nothing"),
]
