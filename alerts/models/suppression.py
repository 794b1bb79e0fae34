"""Rules by which alerts ask nobody for anything. They are kept and shown; nothing is ever lost."""

from datetime import datetime
from typing import Any, ClassVar

from django.db import models

from alerts import rules
from core import clock
from core.models import Person


class Suppression(models.Model):
    """
    Hides the alerts for which every condition holds, from its making until it expires or is withdrawn: closed without a verdict, and
    without a ticket. It never hides an alert about its owner or its author.
    """

    conditions = models.JSONField(help_text='[{"kind": "address", "values": ["10.0.0.0/8"]}], joined by and.')
    reason = models.CharField(max_length=300)
    owner = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="suppressions", help_text="Who answers for it."
    )
    author = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", help_text="Who saved it last.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    expiry_noted_at = models.DateTimeField(null=True, help_text="When its history was told that it has expired.")

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=["expires_at"],
                condition=models.Q(withdrawn_at__isnull=True, expiry_noted_at__isnull=True),
                name="suppression_in_force",
            ),
        ]

    def __str__(self) -> str:
        return f"S-{self.pk}"

    @property
    def is_in_force(self) -> bool:
        """Whether it hides what comes now."""
        return self.ended_at is None

    @property
    def ended_at(self) -> datetime | None:
        """Since when it hides nothing more; None while it does."""
        expired = self.expires_at if self.expires_at <= clock.now() else None
        return self.withdrawn_at or expired

    @property
    def words(self) -> str:
        """What it hides, in words."""
        return rules.in_words(self.conditions)

    def rule(self) -> rules.Rule:
        """Return it as a rule. Its people must be there with their users."""
        return rules.Rule.from_json(self.conditions, exempt=self.owner.names | self.author.names)
