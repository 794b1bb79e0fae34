"""Pages of monitors."""

from django.contrib.auth.decorators import permission_required
from django.urls import path

from monitors import views

app_name = "monitors"

sees = permission_required("monitors.view_monitor", raise_exception=True)

urlpatterns = [
    path("monitors/", sees(views.monitors), name="monitors"),
    path("coverage/", sees(views.coverage_page), name="coverage"),
    path("coverage/table.csv", sees(views.coverage_csv), name="coverage-csv"),
    path("coverage/layer.json", sees(views.coverage_layer), name="coverage-layer"),
]
