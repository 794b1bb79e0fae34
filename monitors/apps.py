"""Detections, monitors, and what OpenSearch holds of them."""

from django.apps import AppConfig


class MonitorsConfig(AppConfig):
    """Keeps monitors, pushes them, and asks OpenSearch."""

    name = "monitors"
