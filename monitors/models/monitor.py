"""Monitors: what this team has set up, each state that was saved, and what OpenSearch was last seen to hold."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7

from core.models import Person
from monitors import kept
from monitors.definitions import SEVERITIES, Definition
from monitors.errors import DefinitionError
from monitors.models.detection import IndexProfile, find_detection
from monitors.profiles import Profile, template_profile

if TYPE_CHECKING:
    from monitors.models.exclusion import Exclusion

SEVERITY_CHOICES = [(number, f"{number} · {word}") for number, word in SEVERITIES.items()]


class Monitor(models.Model):
    """A detection with this team's parameters, schedule and severity. Its uuid is its identity in OpenSearch."""

    class Policy(models.TextChoices):
        """What becomes of its alerts in Jira."""

        OWN = "own", "A case and ticket of its own"
        JOIN = "join", "A comment on the entity's open ticket, else one of its own"
        SCORE = "score", "None by itself: enough of them on one entity make a ticket"

    uuid = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    detection = models.CharField(
        max_length=60, blank=True, help_text="The detection; empty for somebody else's monitor."
    )
    name = models.CharField(max_length=120, unique=True)
    index_pattern = models.CharField(max_length=200, help_text="Index pattern, never an alias: okta-system-log-*")
    params = models.JSONField(default=dict, blank=True)
    severity = models.PositiveSmallIntegerField(choices=SEVERITY_CHOICES)
    interval_seconds = models.PositiveIntegerField(
        default=60,
        validators=[MinValueValidator(10), MaxValueValidator(86_400)],
        help_text="Seconds between two runs, 10 to 86,400.",
    )
    kept = models.JSONField(
        null=True, blank=True, help_text="Somebody else's monitor as it was imported: its query is kept as it is."
    )
    enabled = models.BooleanField(default=True, help_text="A paused monitor stays in OpenSearch and runs no more.")
    ticket_policy = models.CharField(max_length=10, choices=Policy, default=Policy.OWN)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["severity", "name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse parameters that the detection does not know or that lie out of bounds."""
        try:
            self.definition().values(self.params)
        except DefinitionError as error:
            raise ValidationError(str(error)) from error

    def exclusions_in_force(self) -> "list[Exclusion]":
        """Return what it leaves out now, its own and everybody's, the oldest first."""
        from monitors.models.exclusion import Exclusion  # it refers to monitors

        mine = models.Q(monitor=self) | models.Q(monitor=None, detection__in=["", self.detection])
        rows = Exclusion.objects.filter(mine)
        return list(rows.exclude(expires_at__lte=timezone.now()).order_by("pk"))

    def definition(self) -> Definition:
        """Return the catalogue's detection, the imported one, or what stands for somebody else's monitor. Raises DefinitionError."""
        return kept.definition(self.kept) if self.kept else find_detection(self.detection)

    def profile(self) -> Profile:
        """Return how its index was last seen to be laid out; our template's layout before that."""
        known = IndexProfile.objects.filter(pattern=self.index_pattern).first()
        return known.profile() if known else template_profile(self.index_pattern)


class MonitorRevision(models.Model):
    """One state of a monitor that was saved: what went into the renderer, what came out, by whom and why. Never changed."""

    monitor = models.ForeignKey(Monitor, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    inputs = models.JSONField(help_text="Parameters, severity, interval, pattern, enabled: what rollback restores.")
    hash = models.CharField(max_length=64)
    author = models.ForeignKey(Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    program = models.CharField(max_length=40, blank=True, help_text="Who saved it when no person did.")
    reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-number"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["monitor", "number"], name="revision_numbers_are_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.monitor} r{self.number}"

    def asks_the_same(self, other: "MonitorRevision") -> bool:
        """Whether OpenSearch is to hold the same by both: what becomes of findings in tickets is decided here alone."""
        mine, others = (
            {name: value for name, value in one.inputs.items() if name != "ticket_policy"} for one in (self, other)
        )
        return mine == others


class Deployment(models.Model):
    """What OpenSearch holds of a monitor, as last read there, and what was heard from it."""

    class State(models.TextChoices):
        """How what is there compares with what we want."""

        NEVER = "never", "never pushed"
        IN_SYNC = "in_sync", "in sync"
        CHANGED = "changed", "changes not pushed"
        DRIFTED = "drifted", "changed in OpenSearch"
        MISSING = "missing", "missing in OpenSearch"
        DISABLED = "disabled", "disabled in OpenSearch"

    monitor = models.OneToOneField(Monitor, on_delete=models.CASCADE, related_name="deployment", primary_key=True)
    opensearch_id = models.CharField(max_length=80, blank=True, db_index=True)
    seq_no = models.BigIntegerField(null=True)
    primary_term = models.BigIntegerField(null=True)
    revision = models.ForeignKey(MonitorRevision, null=True, on_delete=models.RESTRICT, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.NEVER)
    pushed_body = models.JSONField(null=True, help_text="What was sent at the last push.")
    read_body = models.JSONField(null=True, help_text="What was read back last.")
    layout = models.JSONField(
        default=dict, help_text="By which of the index's names the last push searches for which Okta fields."
    )
    pushed_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    covered_to = models.DateTimeField(null=True, help_text="End of the last period heard whole.")
    heard_at = models.DateTimeField(null=True, help_text="When the last envelope or heartbeat arrived.")
    fault = models.TextField(blank=True, help_text="What is wrong now, in a sentence; empty when nothing is.")
    envelope_fault = models.TextField(blank=True, help_text="What the monitor's own last envelope said was wrong.")
    fault_since = models.DateTimeField(null=True)
    catch_up_at = models.DateTimeField(
        null=True, help_text="When the portal runs the search itself; empty when it need not."
    )
    catch_up_failures = models.PositiveSmallIntegerField(default=0)
    took_ms = models.PositiveIntegerField(null=True, help_text="How long the last heard search took.")

    def __str__(self) -> str:
        return f"{self.monitor} in OpenSearch"

    def holds(self, revision: MonitorRevision) -> bool:
        """Whether what was pushed last is what this revision asks of OpenSearch."""
        return self.revision_id == revision.pk or (self.revision is not None and self.revision.asks_the_same(revision))

    @property
    def runs(self) -> bool:
        """Whether OpenSearch is to run it, by what was pushed last: a pause that is only saved pauses nothing yet."""
        return bool((self.pushed_body or {}).get("enabled", self.monitor.enabled))

    @property
    def heartbeat_overdue_after(self) -> float:
        """Seconds of silence after which a running monitor counts as silent: two heartbeats and one interval, the one pushed last."""
        pushed = self.revision.inputs["interval_seconds"] if self.revision else self.monitor.interval_seconds
        return 2 * settings.OKTADETECT_HEARTBEAT_SECONDS + float(pushed)
