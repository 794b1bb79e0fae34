"""The portal's pages, and who may see and do what, by the permissions that `core.roles` gives."""

from django.contrib.auth.decorators import permission_required
from django.urls import path, register_converter

from alerts.entity_path import EntityValue
from alerts.views import (
    alert,
    bulk,
    decide,
    entities,
    jira,
    joining,
    looking,
    measures,
    pipeline,
    policy,
    queue,
    rehearsals,
    runbook,
    surveys,
    tokens,
    suppression,
)

app_name = "alerts"
register_converter(EntityValue, "entity")

sees = permission_required("alerts.view_alert", raise_exception=True)
decides = permission_required(["alerts.view_alert", "alerts.change_alert"], raise_exception=True)
keeps = permission_required("monitors.change_monitor", raise_exception=True)

urlpatterns = [
    path("", sees(queue.queue), name="queue"),
    path("newer/", sees(queue.newer), name="newer"),
    path("alerts/<int:pk>/", sees(alert.page), name="alert"),
    path("bulk/", decides(bulk.decide), name="decide-bulk"),
    path("bulk/<uuid:pk>/", sees(bulk.page), name="bulk"),
    path("bulk/<uuid:pk>/undo/", decides(bulk.undo), name="undo-bulk"),
    path("views/", decides(bulk.keep_view), name="keep-view"),
    path("views/<int:pk>/drop/", decides(bulk.drop_view), name="drop-view"),
    path("alerts/<int:pk>/preview/", sees(queue.preview), name="preview"),
    path("alerts/<int:pk>/assign/", decides(decide.assign), name="assign"),
    path("alerts/<int:pk>/acknowledge/", decides(decide.acknowledge), name="acknowledge"),
    path("alerts/<int:pk>/snooze/", decides(decide.snooze), name="snooze"),
    path("alerts/<int:pk>/unsnooze/", decides(decide.unsnooze), name="unsnooze"),
    path("alerts/<int:pk>/escalate/", decides(decide.escalate), name="escalate"),
    path("alerts/<int:pk>/undo/<int:line>/", decides(decide.undo), name="undo"),
    path("alerts/<int:pk>/comments/", decides(decide.comment), name="comment"),
    path("alerts/<int:pk>/comments/<int:comment_id>/remove/", decides(decide.remove_comment), name="remove-comment"),
    path("alerts/<int:pk>/true-positive/", decides(decide.judge_true), name="judge-true"),
    path("alerts/<int:pk>/close/", decides(decide.close), name="close"),
    path("alerts/<int:pk>/runbook/", sees(runbook.section), name="runbook"),
    path("alerts/<int:pk>/runbook/tick/", decides(runbook.tick), name="tick"),
    path("alerts/<int:pk>/looking/", sees(looking.look), name="looking"),
    path("alerts/<int:pk>/case/", decides(joining.arrange), name="arrange"),
    path("alerts/<int:pk>/reopen/", decides(decide.reopen), name="reopen"),
    path("alerts/<int:pk>/operations/<uuid:operation>/retry/", decides(alert.retry), name="retry"),
    path("alerts/<int:pk>/new-ticket/", decides(jira.replace), name="replace-ticket"),
    path("pipeline/jira/", sees(jira.page), name="jira"),
    path("alerts/<int:pk>/bring-back/", decides(suppression.bring_back), name="bring-back"),
    path("suppressions/", sees(suppression.index), name="suppressions"),
    path("suppressions/new/", decides(suppression.new), name="new-suppression"),
    path("suppressions/<int:pk>/", sees(suppression.page), name="suppression"),
    path("suppressions/<int:pk>/change/", decides(suppression.change), name="change-suppression"),
    path("suppressions/<int:pk>/withdraw/", decides(suppression.withdraw), name="withdraw-suppression"),
    path("suppressions/<int:pk>/bring-back/", decides(suppression.bring_all_back), name="bring-all-back"),
    path("pipeline/jira/check/", decides(jira.check), name="check-jira"),
    path("entities/", sees(entities.index), name="entities"),
    path("entities/<slug:kind>/<entity:value>/", sees(entities.page), name="entity"),
    path("pipeline/", sees(pipeline.pipeline), name="pipeline"),
    path("pipeline/deliveries/<uuid:pk>/", sees(pipeline.delivery), name="delivery"),
    path("pipeline/deliveries/<uuid:pk>/retry/", decides(pipeline.retry_delivery), name="retry-delivery"),
    path("pipeline/deliveries/<uuid:pk>/dismiss/", decides(pipeline.dismiss_delivery), name="dismiss-delivery"),
    path("pipeline/deliveries/<uuid:pk>/restore/", decides(pipeline.restore_delivery), name="restore-delivery"),
    path("pipeline/operations/<uuid:pk>/retry/", decides(pipeline.retry_operation), name="retry-operation"),
    path("pipeline/operations/<uuid:pk>/dismiss/", decides(pipeline.dismiss_operation), name="dismiss-operation"),
    path("pipeline/jira/now/", decides(pipeline.ask_jira), name="ask-jira"),
    path("pipeline/operations/<uuid:pk>/settle/", decides(pipeline.settle_operation), name="settle-operation"),
    path("pipeline/operations/<uuid:pk>/restore/", decides(pipeline.restore_operation), name="restore-operation"),
    path("monitors/<uuid:monitor>/tickets/", sees(policy.policy), name="ticket-policy"),
    path("monitors/<uuid:monitor>/rehearse/", sees(rehearsals.rehearse), name="rehearse"),
    path("rehearsals/<uuid:pk>/", sees(rehearsals.page), name="rehearsal"),
    path("rehearsals/<uuid:pk>/cancel/", sees(rehearsals.cancel), name="cancel-rehearsal"),
    path("measures/", sees(measures.measures_page), name="measures"),
    path("account/tokens/", sees(tokens.tokens), name="tokens"),
    path("account/tokens/<int:pk>/withdraw/", sees(tokens.withdraw), name="withdraw-token"),
    path("surveys/", sees(surveys.index), name="surveys"),
    path("surveys/<uuid:pk>/", sees(surveys.page), name="survey"),
    path("surveys/<uuid:pk>/findings/<int:finding>/judge/", decides(surveys.judge), name="judge-finding"),
    path("surveys/<uuid:pk>/cancel/", keeps(surveys.cancel), name="cancel-survey"),
    path("surveys/<uuid:pk>/choose/", keeps(surveys.choose), name="choose-from-survey"),
]
