"""What analysts triage: alerts, the stretches of evidence under them, and the cases that hold tickets."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Concat, Upper
from django.utils import timezone

from alerts.choices import Cause, Status, Verdict
from core.models import Person
from monitors.models import SEVERITY_CHOICES, Monitor

CLOSED = Status.CLOSED.value


def words_of(*fields: str) -> models.GeneratedField:
    """Return the column that a search looks through: `words__contains=Upper(text)` finds what these fields hold, in whatever case."""
    first, *others = fields
    parts = [part for field in others for part in (models.Value("\n"), field)]
    return models.GeneratedField(
        expression=Upper(Concat(first, *parts)), output_field=models.TextField(), db_persist=True,
        help_text="What a search looks through, in capitals. To make them of a row takes longer than to look through them.",
    )  # fmt: skip


def by_words(name: str) -> GinIndex:
    """Return the index by which `words` are found: by their trigrams, so by three letters or more."""
    return GinIndex(OpClass("words", name="gin_trgm_ops"), name=name)


class Case(models.Model):
    """Alerts worked as one. A ticket belongs to a case; each alert is in exactly one."""

    opened_at = models.DateTimeField(auto_now_add=True)
    entity_type = models.CharField(max_length=12)
    entity_id = models.CharField(max_length=500)
    ticket_policy = models.CharField(
        max_length=10,
        choices=Monitor.Policy,
        default=Monitor.Policy.OWN,
        help_text="The policy by which it was opened.",
    )
    score = models.JSONField(
        null=True,
        help_text="How the sum of its signals came about, last: sum, needed, hours, and each with its points.",
    )
    joined_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="joined",
        help_text="The case that somebody joined this one into; its alerts are worked there.",
    )  # fmt: skip
    joined_alerts = models.JSONField(
        default=list, help_text="Keys of the alerts that went there: what undoing brings back."
    )

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["entity_type", "entity_id", "-opened_at"], name="case_of_entity")
        ]

    def __str__(self) -> str:
        return f"C-{self.pk}"


class Alert(models.Model):
    """
    What a monitor found about one entity, from its first occurrence on.

    At most one that is not closed exists per fingerprint; the database sees to it.
    """

    monitor = models.ForeignKey(Monitor, null=True, blank=True, on_delete=models.SET_NULL, related_name="alerts")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="alerts")
    detection = models.CharField(
        max_length=120, help_text="The detection's title, or the name another's monitor goes by."
    )
    detection_id = models.CharField(
        max_length=60, blank=True, help_text="The catalogue's id; empty for others' monitors."
    )
    fingerprint = models.CharField(max_length=64)
    fingerprint_version = models.PositiveSmallIntegerField()
    entity_type = models.CharField(max_length=12)
    entity_id = models.CharField(max_length=500)
    entity_name = models.CharField(max_length=500)
    sentence = models.CharField(max_length=1000, help_text="What happened, in the words an analyst reads first.")
    severity = models.PositiveSmallIntegerField(choices=SEVERITY_CHOICES)
    severity_reasons = models.JSONField(default=list)
    observed = models.JSONField(default=dict)
    limits = models.JSONField(
        default=dict, help_text="The parameters' values when it fired: what `observed` stands beside."
    )
    status = models.CharField(max_length=12, choices=Status, default=Status.NEW)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    wakes_when_it_grows = models.BooleanField(
        default=False, help_text="The snooze ends before its time when more is found."
    )
    assignee = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="alerts")
    verdict = models.CharField(max_length=16, choices=Verdict, blank=True)
    verdict_reason = models.CharField(max_length=500, blank=True)
    verdict_cause = models.CharField(max_length=10, choices=Cause, blank=True)
    closed_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    occurrence_count = models.PositiveIntegerField(default=0)
    countries = ArrayField(
        models.CharField(max_length=80),
        default=list,
        blank=True,
        help_text="Where its events came from, by Okta's names.",
    )
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    recovered = models.BooleanField(default=False, help_text="Found by catch-up, not by a delivery.")
    rehearsal = models.ForeignKey(
        "alerts.Rehearsal", null=True, blank=True, on_delete=models.PROTECT, related_name="alerts",
        help_text="The rehearsal that made it: proved by its signature, and nothing that really happened.",
    )  # fmt: skip
    suppressed_by = models.ForeignKey(
        "alerts.Suppression", null=True, blank=True, on_delete=models.PROTECT, related_name="alerts", db_index=False,
        help_text="The suppression that hides it: it is closed without a verdict and owes no ticket.",
    )  # fmt: skip
    rehearsal_claim = models.CharField(
        max_length=200, blank=True, help_text="Why it is taken for real although its events claim to be a rehearsal."
    )
    words = words_of("sentence", "entity_name")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["fingerprint"], condition=~models.Q(status=CLOSED), name="one_open_alert_a_fingerprint"
            ),
            models.CheckConstraint(
                condition=models.Q(suppressed_by__isnull=True) | models.Q(status=CLOSED), name="suppressed_is_closed"
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["status", "-id"], name="alert_by_status"),
            models.Index(fields=["severity", "-id"], name="alert_by_severity"),
            models.Index(fields=["detection", "-id"], name="alert_by_detection"),
            models.Index(fields=["entity_type", "entity_id", "-id"], name="alert_by_entity"),
            models.Index(fields=["assignee", "-id"], name="alert_by_assignee"),
            models.Index(fields=["fingerprint", "-id"], name="alert_by_fingerprint"),
            models.Index(fields=["created_at"], name="alert_by_time"),
            models.Index(fields=["-last_seen"], name="alert_by_last_seen"),
            models.Index(fields=["assignee", "-id"], condition=~models.Q(status=CLOSED), name="alert_open_of_assignee"),
            models.Index(fields=["-id"], condition=~models.Q(status=CLOSED), name="alert_open"),
            models.Index(fields=["verdict", "-id"], condition=~models.Q(verdict=""), name="alert_by_verdict"),
            models.Index(Upper("entity_name"), models.F("id").desc(), name="alert_by_name"),
            by_words("alert_by_words"),
            GinIndex(fields=["countries"], name="alert_by_country"),
            models.Index(
                fields=["suppressed_by", "-id"],
                condition=models.Q(suppressed_by__isnull=False),
                name="alert_by_suppression",
            ),
        ]

    def __str__(self) -> str:
        return f"A-{self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether it is not closed; a snoozed alert is open."""
        return self.status != Status.CLOSED

    @property
    def status_word(self) -> str:
        """Where it stands, for people: one that a suppression hides is no ordinary closed one."""
        return "Suppressed" if self.suppressed_by_id else self.get_status_display()

    @property
    def is_snoozed(self) -> bool:
        """Whether it is open and quiet until a time."""
        return self.is_open and self.snoozed_until is not None and self.snoozed_until > timezone.now()


class Occurrence(models.Model):
    """A stretch of evidence under a fingerprint, first event to last. Told again, it is extended; only a new one counts."""

    alert = models.ForeignKey(  # by the index below
        Alert, on_delete=models.CASCADE, related_name="occurrences", db_index=False
    )
    fingerprint = models.CharField(max_length=64)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    first_uuid = models.CharField(max_length=128, blank=True)
    last_uuid = models.CharField(max_length=128, blank=True)
    count = models.PositiveIntegerField()
    observed = models.JSONField(default=dict)
    events = models.JSONField(default=list, help_text="At most 25 events as the search told them.")
    severity = models.PositiveSmallIntegerField(choices=SEVERITY_CHOICES)
    delivery = models.UUIDField(null=True, help_text="The delivery that told it first; empty when catch-up did.")
    told = models.PositiveIntegerField(default=1, help_text="How often it was told.")
    recovered = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-last_at"]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["fingerprint", "-last_at"], name="occurrence_of_fingerprint"),
            models.Index(fields=["first_uuid", "fingerprint"], name="occurrence_by_uuid"),
            models.Index(fields=["alert", "-last_at"], name="occurrence_of_alert"),
        ]

    def __str__(self) -> str:
        return f"{self.alert} {self.first_at:%Y-%m-%d %H:%M:%S}"


class Evidence(models.Model):
    """The whole events of one occurrence, as OpenSearch holds them, with the sha256 of their canonical JSON."""

    occurrence = models.OneToOneField(Occurrence, on_delete=models.CASCADE, related_name="evidence", primary_key=True)
    events = models.JSONField(default=list)
    sha256 = models.BinaryField(max_length=32, null=True)
    wanted = models.JSONField(default=list, help_text="uuids still to fetch.")
    next_attempt_at = models.DateTimeField(null=True, help_text="When to ask again; empty when whole or given up.")
    attempts = models.PositiveSmallIntegerField(default=0)
    fetched_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "evidence"
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=["next_attempt_at"], condition=models.Q(next_attempt_at__isnull=False), name="evidence_due"
            ),
        ]

    def __str__(self) -> str:
        return f"evidence of {self.occurrence_id}"


class Entity(models.Model):
    """A user, address, device, session or application that was involved in something."""

    kind = models.CharField(max_length=12)
    value = models.CharField(max_length=500)
    name = models.CharField(max_length=500, blank=True)
    words = words_of("value", "name")

    class Meta:
        verbose_name_plural = "entities"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["kind", "value"], name="entities_are_unique")
        ]
        indexes: ClassVar[list[Any]] = [
            by_words("entity_by_words"),
            models.Index(Upper("name"), name="entity_by_name"),
        ]

    def __str__(self) -> str:
        return self.name or self.value


class AlertEntity(models.Model):
    """The role of an entity in an alert."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="involved")
    entity = models.ForeignKey(Entity, on_delete=models.PROTECT, related_name="involved_in")
    role = models.CharField(max_length=20)

    class Meta:
        verbose_name_plural = "alert entities"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["alert", "entity", "role"], name="a_role_stands_once")
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["entity", "-alert"], name="alerts_of_entity")]

    def __str__(self) -> str:
        return f"{self.entity} in {self.alert}"
