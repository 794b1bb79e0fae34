"""What arrives, what analysts triage, and what goes to Jira."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """Receives envelopes, keeps alerts, and works tickets."""

    name = "alerts"

    def ready(self) -> None:
        """Answer what monitors asks: webhook tokens, and workers for backtests."""
        from alerts import tasks
        from alerts.services import sources
        from monitors.signals import backtest_wanted

        sources.connect()
        backtest_wanted.connect(tasks.backtest_wanted, dispatch_uid="alerts.tasks")
