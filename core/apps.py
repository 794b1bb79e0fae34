"""What both apps stand on."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class CoreConfig(AppConfig):
    """History, people, clock, wake-ups."""

    name = "core"

    def ready(self) -> None:
        """Have the roles made once all permissions are, and the settings checked."""
        from core import checks, queries  # noqa: F401 - importing registers what is in them
        from core.roles import make_roles

        post_migrate.connect(make_roles, sender=apps.get_app_config("auth"), dispatch_uid="core.roles")
