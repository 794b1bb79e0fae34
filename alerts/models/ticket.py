"""The Jira issue of a case, and each intended effect on it."""

from typing import Any, ClassVar

from django.db import models
from uuid_utils.compat import uuid7

from alerts.choices import OperationKind, OperationState
from alerts.models.alert import Alert, Case


class Ticket(models.Model):
    """
    A case's Jira issue, as Jira was last heard to hold it: state, names and `jira_updated_at` are Jira's, read at `read_at`.

    `read_due_at` says that it may have changed since, and from when on it is read again.
    """

    case = models.OneToOneField(Case, on_delete=models.CASCADE, related_name="ticket", primary_key=True)
    key = models.CharField(max_length=40, unique=True)
    jira_id = models.CharField(max_length=40)
    url = models.URLField(max_length=500)
    status = models.CharField(max_length=80, blank=True)
    status_category = models.CharField(
        max_length=16, blank=True, help_text="Jira's key: new, indeterminate or done; empty until it was read."
    )
    resolution = models.CharField(max_length=80, blank=True)
    priority = models.CharField(max_length=80, blank=True)
    assignee = models.CharField(max_length=200, blank=True)
    jira_updated_at = models.DateTimeField(null=True, help_text="What Jira calls updated, when it was last read.")
    read_at = models.DateTimeField(null=True)
    read_due_at = models.DateTimeField(null=True)
    gone_at = models.DateTimeField(
        null=True, help_text="When Jira first knew it no more: deleted, or moved out of our sight."
    )
    attached = models.BooleanField(default=False, help_text="An issue that was there before; somebody attached it.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["jira_id"], name="ticket_by_jira_id"),
            models.Index(
                fields=["read_due_at"], condition=models.Q(read_due_at__isnull=False), name="ticket_to_be_read"
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def is_done(self) -> bool:
        """Whether Jira counts its status among those where nothing is left to do."""
        return self.status_category == "done"


class TicketOperation(models.Model):
    """
    One effect on Jira, written before it is tried. Its id goes with it (label, comment property), so that it can be looked for.

    `depends_on` must be done first. `lease_until` says how long a worker may hold it in *sending*.

    What `payload` says, by kind (a worker adds what it needs to know again what it wrote):
    create       nothing
    comment      `text`; without one, it tells the alert's occurrences that nothing told yet
    link         `type`, and `other_case` or `other_key`
    attach       `name` and `text` of the file
    transition   nothing: whether the case is open or closed is read when it goes
    update       `fields`, `add_labels`, `remove_labels`; without any, the description is written anew
    remote_link  nothing: it leads to the alert
    property     nothing: it says which alert and case
    delete       nothing
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="operations")
    alert = models.ForeignKey(Alert, null=True, on_delete=models.CASCADE, related_name="operations")
    kind = models.CharField(max_length=12, choices=OperationKind)
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=12, choices=OperationState, default=OperationState.PENDING)
    depends_on = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="dependants")
    not_before = models.DateTimeField(null=True, help_text="When it may be tried next.")
    lease_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(
        null=True, help_text="When the last request left: an unknown create is looked for after the index lag."
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True, help_text="In words an admin understands, with what to do.")
    result = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["case"], condition=models.Q(kind="create"), name="one_create_a_case"),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=["not_before"], condition=~models.Q(state__in=["done", "failed"]), name="operation_due"
            ),
            models.Index(fields=["-id"], condition=~models.Q(state="done"), name="operation_not_done"),
            models.Index(
                models.F("payload__other_case"), condition=models.Q(kind="link"), name="links_to_case"
            ),  # a case's page tells of the links that other cases made to it
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} for {self.case}"
