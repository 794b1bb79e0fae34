"""What people add to alerts: comments, views of the queue that they keep, and one decision on many alerts."""

from typing import Any, ClassVar

from django.db import models

from alerts.models.alert import Alert
from alerts.models.ticket import TicketOperation
from core.jobs import Job
from core.models import Person


class Comment(models.Model):
    """What somebody said about an alert. `operation` says it in the ticket too; one taken back keeps no words."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(max_length=4000)
    operation = models.ForeignKey(TicketOperation, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["alert", "id"], name="comments_of_alert")]

    def __str__(self) -> str:
        return f"comment on {self.alert}"


class SavedView(models.Model):
    """A queue that somebody keeps: `query` is the address's, cleaned. A shared one is offered to everybody."""

    owner = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="views")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000)
    shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["name", "pk"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["owner", "name"], name="a_view_has_its_name")
        ]

    def __str__(self) -> str:
        return self.name


class BulkDecision(Job):
    """
    One decision on many alerts, taken on each by itself: some may be refused while the others hold.

    `results` has a list for each alert that was worked, in order: its key, the history line of what was done (null when refused),
    and what to say of it.
    """

    class Kind(models.TextChoices):
        """What is decided."""

        ASSIGN = "assign", "Assign"
        ACKNOWLEDGE = "acknowledge", "Acknowledge"
        SNOOZE = "snooze", "Snooze"
        CLOSE = "close", "Close"
        BRING_BACK = "bring_back", "Bring back"
        UNDO = "undo", "Undo"

    kind = models.CharField(max_length=12, choices=Kind)
    parameters = models.JSONField(default=dict)
    alerts = models.JSONField(default=list, help_text="Keys of the alerts, as they were chosen; history lines to undo.")
    results = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {len(self.alerts)} alerts"
