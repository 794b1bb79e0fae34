"""Figures that are dear to ask for, as they were last asked for."""

from typing import Any, ClassVar

from django.db import models


class Figure(models.Model):
    """A measure of the last `days`, as rows of plain values: what the database answered `at`, after `took` seconds."""

    name = models.CharField(max_length=20)
    days = models.PositiveIntegerField()
    rows = models.JSONField()
    at = models.DateTimeField()
    took = models.FloatField()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["name", "days"], name="figures_are_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.days} days"
