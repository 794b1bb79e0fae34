"""What arrives, what analysts triage, and what goes to Jira."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """Receives envelopes, keeps alerts, and works tickets."""

    name = "alerts"

    def ready(self) -> None:
        """Answer what monitors asks about webhook tokens."""
        from alerts.services import sources

        sources.connect()
