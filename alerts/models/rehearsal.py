"""Rehearsals: a detection's own signed test events, followed from the index to the ticket."""

from datetime import datetime
from typing import Any, ClassVar

from django.db import models

from core.jobs import Job, State
from monitors.models import Monitor

RUNNING = (State.WAITING.value, State.RUNNING.value)


class Rehearsal(Job):
    """
    One rehearsal of a monitor. Each stage has the time at which it came; the first that has none is the one that is waited for.

    `state` done: every stage came. `error` says which did not, and what to do. `cleaned_at` is set once its index is gone, its
    alerts are closed and its ticket's deletion is owed.
    """

    STAGES: ClassVar[dict[str, str]] = {
        "indexed_at": "Events indexed",
        "searchable_at": "Found by the monitor's search",
        "fired_at": "Monitor fired",
        "delivered_at": "Delivered to the webhook",
        "alerted_at": "Alert",
        "ticketed_at": "Ticket",
    }

    monitor = models.ForeignKey(Monitor, null=True, on_delete=models.SET_NULL, related_name="rehearsals")
    case_name = models.CharField(max_length=200, blank=True, help_text="The detection's test whose events are played.")
    index_pattern = models.CharField(max_length=200)
    index = models.CharField(max_length=200, blank=True, help_text="The index of its own that its events lie in.")
    uuids = models.JSONField(default=list, help_text="Its events.")
    wants_ticket = models.BooleanField(default=False)
    limit_at = models.DateTimeField(null=True, help_text="When waiting for the monitor ends.")
    indexed_at = models.DateTimeField(null=True)
    searchable_at = models.DateTimeField(null=True)
    fired_at = models.DateTimeField(null=True, help_text="The end of the period whose search found it.")
    delivered_at = models.DateTimeField(null=True)
    alerted_at = models.DateTimeField(null=True)
    ticketed_at = models.DateTimeField(null=True)
    ticket_key = models.CharField(max_length=40, blank=True)
    cleaned_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-uuid"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["monitor"], condition=models.Q(state__in=RUNNING), name="one_rehearsal_a_monitor_at_a_time"
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["index_pattern", "-asked_at"], name="rehearsal_of_pattern"),
            models.Index(fields=["uuid"], condition=models.Q(cleaned_at__isnull=True), name="rehearsal_not_cleaned"),
        ]

    def __str__(self) -> str:
        return f"rehearsal of {self.monitor}"

    def stages(self) -> list[tuple[str, str, datetime | None]]:
        """Return (field, words, when) of each stage; without the ticket where none is wanted."""
        wanted = [name for name in self.STAGES if name != "ticketed_at" or self.wants_ticket]
        return [(name, self.STAGES[name], getattr(self, name)) for name in wanted]

    def seconds(self) -> float | None:
        """Return how long the whole way took from the moment that its events were indexed; None while a stage is missing."""
        times = [at for _, _, at in self.stages()]
        whole = [at for at in times if at is not None]
        return (max(whole) - whole[0]).total_seconds() if whole and len(whole) == len(times) else None
