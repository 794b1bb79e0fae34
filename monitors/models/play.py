"""Long work on monitors that somebody asked for and watches: playing the past, and pushing many."""

from typing import Any, ClassVar

from django.db import models

from core.jobs import Job
from core.models import Person
from core.verdicts import Verdict
from monitors.models.monitor import Monitor


class Backtest(Job):
    """What a monitor would have found in a stretch of the past, with the values that its form held: saved or not."""

    monitor = models.ForeignKey(Monitor, on_delete=models.CASCADE, related_name="backtests")
    inputs = models.JSONField(help_text="As a revision's inputs: what is played.")
    line = models.CharField(
        max_length=40, blank=True, help_text="The parameter whose limit can be moved; empty where none can."
    )
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    result = models.JSONField(null=True, help_text="As monitors.backtest.Result; empty until it is done.")

    def __str__(self) -> str:
        return f"backtest of {self.monitor}"


class Survey(Job):
    """The whole catalogue played over the past of one index, before anything is enabled."""

    index_pattern = models.CharField(max_length=200)
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"survey of {self.index_pattern}"


class SurveyRow(models.Model):
    """What one detection would have found. `lacks` says why it was not played; `error` why that failed."""

    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, related_name="rows")
    detection = models.CharField(max_length=60)
    result = models.JSONField(null=True)
    lacks = models.JSONField(default=list)
    error = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["survey", "detection"], name="one_row_a_detection"),
        ]

    def __str__(self) -> str:
        return self.detection


class SurveyFinding(models.Model):
    """A finding of a survey that is worth judging; a verdict on it counts in every backtest of its detection, as one on an alert does."""

    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, related_name="findings")
    detection = models.CharField(max_length=60)
    entity_type = models.CharField(max_length=12)
    entity_id = models.CharField(max_length=500)
    entity_name = models.CharField(max_length=500)
    sentence = models.CharField(max_length=1000)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField()
    observed = models.JSONField(default=dict)
    severity = models.PositiveSmallIntegerField()
    verdict = models.CharField(max_length=16, choices=Verdict, blank=True)
    judged_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    judged_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.sentence


class BulkPush(Job):
    """Several monitors brought to OpenSearch, one after the other; one that fails holds up no other."""

    monitors = models.JSONField(help_text="The uuids, in the order of pushing.")
    overwrite = models.BooleanField(default=False, help_text="Also over what somebody changed in OpenSearch.")
    results = models.JSONField(default=list, help_text='[{"monitor": uuid, "name": …, "error": ""}], as far as it is.')

    def __str__(self) -> str:
        return f"push of {len(self.monitors)} monitors"
