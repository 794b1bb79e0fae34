"""What both apps stand on."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """History, people, clock, wake-ups."""

    name = "core"
