"""The words of triage."""

from django.db import models

from core.verdicts import Verdict as Verdict


class Status(models.TextChoices):
    """Where an alert stands. Snoozed is open with `snoozed_until` in the future."""

    NEW = "new", "New"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    IN_PROGRESS = "in_progress", "In progress"
    CLOSED = "closed", "Closed"


class Cause(models.TextChoices):
    """Why an alert was closed with its verdict, kept as a code beside the words: backtests and measures read it."""

    VPN = "vpn", "VPN or network"
    CHANGE = "change", "Known change"
    TEST = "test", "Test"
    BAD_RULE = "bad_rule", "Bad rule"
    OTHER = "other", "Other"


class DeliveryStatus(models.TextChoices):
    """What became of a POST."""

    RECEIVED = "received", "Received"
    PROCESSED = "processed", "Processed"
    QUARANTINED = "quarantined", "Quarantined"
    DISMISSED = "dismissed", "Dismissed"


class OperationKind(models.TextChoices):
    """One intended effect on Jira."""

    CREATE = "create", "Create the ticket"
    COMMENT = "comment", "Comment"
    LINK = "link", "Link"
    ATTACH = "attach", "Attach a file"
    TRANSITION = "transition", "Change the status"
    UPDATE = "update", "Update"
    REMOTE_LINK = "remote_link", "Link back to the alert"
    PROPERTY = "property", "Set a property"
    DELETE = "delete", "Delete the ticket of a rehearsal"


class OperationState(models.TextChoices):
    """pending → sending (leased) → done | unknown | waiting | failed; what failed is retried or dismissed by a person."""

    PENDING = "pending", "Pending"
    SENDING = "sending", "Sending"
    WAITING = "waiting", "Waiting for its next try"
    UNKNOWN = "unknown", "Unknown: Jira did not say"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    DISMISSED = "dismissed", "Dismissed"


class Scope(models.TextChoices):
    """What an API token is for. Its owner's role must allow the same: see `alerts.services.api_tokens.NEEDS`."""

    ALERTS_READ = "alerts:read", "See alerts, their evidence, comments, entities, cases and suppressions"
    ALERTS_DECIDE = "alerts:decide", "Assign, acknowledge, snooze, judge, close, escalate, reopen and bring back alerts"
    ALERTS_COMMENT = "alerts:comment", "Comment on alerts, and take own comments back"
    MEASURES_READ = "measures:read", "See the measures"
    MONITORS_READ = "monitors:read", "See monitors, their state and faults"
    PIPELINE_READ = "pipeline:read", "See deliveries, and what Jira is owed"
