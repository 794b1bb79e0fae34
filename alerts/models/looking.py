"""Who has an alert before their eyes right now."""

from typing import Any, ClassVar

from django.db import models

from alerts.models.alert import Alert
from core.models import Person


class Looking(models.Model):
    """That somebody's page of an alert was open at a time. Only the last seconds count; older rows are of no use and go."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "looking"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["alert", "person"], name="one_look_a_person")
        ]

    def __str__(self) -> str:
        return f"{self.person} at {self.alert_id}"
