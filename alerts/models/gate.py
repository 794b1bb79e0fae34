"""What all workers know of the way to Jira: whether it is open, and whose turn it is."""

from django.db import models


class JiraGate(models.Model):
    """
    One row for each Jira, by its address. While `open_since` is set its breaker is open, as an electrician says it: nothing goes through.

    `faults` in a row opened it, `probe_at` is when one request may try next. `paused_until` is what Jira asked for by Retry-After.
    Requests take turns: up to `spent_until` the rate that we allow ourselves is spoken for.
    """

    url = models.CharField(max_length=500, primary_key=True)
    faults = models.PositiveIntegerField(default=0)
    last_fault = models.TextField(blank=True, help_text="In words an admin understands.")
    open_since = models.DateTimeField(null=True)
    probe_at = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)
    spent_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.url
