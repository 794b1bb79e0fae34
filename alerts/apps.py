"""What arrives, what analysts triage, and what goes to Jira."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """Receives envelopes, keeps alerts, and works tickets."""

    name = "alerts"

    def ready(self) -> None:
        """Answer what monitors asks: webhook tokens, and workers for long jobs."""
        from alerts import tasks
        from alerts.services import sources
        from monitors.signals import job_wanted

        sources.connect()
        job_wanted.connect(tasks.job_wanted, dispatch_uid="alerts.tasks")
