"""What tickets say beyond the defaults: for all monitors, and for single ones."""

from typing import Any, ClassVar

from django.db import models

from monitors.models import Monitor

SUMMARY = "Security Alert: {detection} for {entity}"


class TicketTemplate(models.Model):
    """
    How the tickets of one monitor, or of all that have none of their own, are filled in. Texts are `ticketing.templates`.

    `resolved` is what Jira's create metadata said of the custom fields when the template was saved: id, name, and how a value is sent.
    """

    monitor = models.OneToOneField(
        Monitor, null=True, blank=True, on_delete=models.CASCADE, related_name="ticket_template",
        help_text="Empty: for every monitor without a template of its own.",
    )  # fmt: skip
    summary = models.CharField(max_length=255, default=SUMMARY)
    introduction = models.TextField(blank=True, help_text="What the description begins with.")
    labels = models.CharField(
        max_length=300, blank=True, help_text="Separated by spaces; those by which tickets are found are always there."
    )
    components = models.CharField(max_length=300, blank=True, help_text="Names, separated by commas.")
    priorities = models.CharField(
        max_length=200,
        blank=True,
        help_text="Names for severities 1 to 5, separated by commas. Empty: JIRA_PRIORITIES.",
    )
    security_level = models.CharField(max_length=120, blank=True, help_text="Name of the issue security level.")
    assignee = models.CharField(max_length=200, blank=True, help_text="Cloud: account id. Data Center: user name.")
    custom_fields = models.JSONField(
        default=dict, blank=True, help_text='By name or id: {"Affected user": "{entity}", "customfield_10050": "Okta"}'
    )
    resolved = models.JSONField(default=list, editable=False)
    checked_at = models.DateTimeField(null=True, editable=False, help_text="When Jira last confirmed all of it.")

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                models.Case(models.When(monitor=None, then=models.Value(1))), name="one_template_for_all_the_rest"
            ),
        ]

    def __str__(self) -> str:
        return f"tickets of {self.monitor}" if self.monitor else "tickets of all other monitors"
