"""What was heard from Jira: its messages, who acts there, and how far it was read."""

from typing import Any, ClassVar

from django.db import models

from core.models import Person


class JiraState(models.Model):
    """The one row about our Jira: who we are there, how far its changes were read, and what check and sweep last found."""

    account = models.CharField(max_length=128, blank=True, help_text="Our account id (Cloud) or user name there.")
    covered_to = models.DateTimeField(null=True, help_text="Every change up to then was read.")
    polled_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, help_text="Why the last poll did not come to its end.")
    check_asked_at = models.DateTimeField(null=True, help_text="Somebody waits for a check since then.")
    checked_at = models.DateTimeField(null=True)
    checked = models.JSONField(default=list, help_text="The last check, finding by finding.")
    swept_at = models.DateTimeField(null=True)
    swept = models.JSONField(default=list, help_text="What the last sweep found.")

    def __str__(self) -> str:
        return "Jira"

    @classmethod
    def load(cls) -> "JiraState":
        """Return the row, made on first need."""
        return cls.objects.get_or_create(pk=1)[0]


class JiraEvent(models.Model):
    """A message of Jira's webhook. It only says where to look: what is true is read from Jira itself."""

    identifier = models.CharField(  # noqa: DJ001 - messages without one are all kept; unique lets only null repeat
        max_length=128, unique=True, null=True, help_text="Jira's own; the same one may come several times."
    )
    received_at = models.DateTimeField(auto_now_add=True)
    event = models.CharField(max_length=80)
    tickets = models.PositiveSmallIntegerField(default=0, help_text="How many of our tickets it is about.")

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["-received_at"], name="jira_event_by_time")]

    def __str__(self) -> str:
        return self.event


class JiraAccount(models.Model):
    """Somebody who acts in Jira. History names the person by key; the name Jira gives stands in that row alone."""

    account = models.CharField(max_length=128, unique=True)
    person = models.OneToOneField(Person, on_delete=models.CASCADE, related_name="jira_account")

    def __str__(self) -> str:
        return str(self.person)
