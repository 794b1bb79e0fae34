"""The portal's pages."""

from django.urls import path

from alerts.views import alert, queue

app_name = "alerts"

urlpatterns = [
    path("", queue.queue, name="queue"),
    path("alerts/<int:pk>/", alert.page, name="alert"),
]
