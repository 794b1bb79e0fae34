"""The portal's pages."""

from django.urls import path

from alerts.views import alert, pipeline, queue

app_name = "alerts"

urlpatterns = [
    path("", queue.queue, name="queue"),
    path("newer/", queue.newer, name="newer"),
    path("alerts/<int:pk>/", alert.page, name="alert"),
    path("alerts/<int:pk>/assign/", alert.assign, name="assign"),
    path("alerts/<int:pk>/acknowledge/", alert.acknowledge, name="acknowledge"),
    path("alerts/<int:pk>/true-positive/", alert.judge_true, name="judge-true"),
    path("alerts/<int:pk>/close/", alert.close, name="close"),
    path("alerts/<int:pk>/reopen/", alert.reopen, name="reopen"),
    path("alerts/<int:pk>/operations/<uuid:operation>/retry/", alert.retry, name="retry"),
    path("pipeline/", pipeline.pipeline, name="pipeline"),
    path("pipeline/deliveries/<uuid:pk>/", pipeline.delivery, name="delivery"),
    path("pipeline/deliveries/<uuid:pk>/retry/", pipeline.retry_delivery, name="retry-delivery"),
    path("pipeline/operations/<uuid:pk>/retry/", pipeline.retry_operation, name="retry-operation"),
]
