"""Pages of monitors."""

from django.urls import path

from monitors import views

app_name = "monitors"

urlpatterns = [
    path("monitors/", views.monitors, name="monitors"),
]
