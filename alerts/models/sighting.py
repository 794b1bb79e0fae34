"""What is normal: where, with what and on what each user was seen, first and last."""

from typing import Any, ClassVar

from django.db import models


class Sighting(models.Model):
    """That a user was seen from an address or a network, in a country, on a device, with an agent or in an application."""

    class Kind(models.TextChoices):
        """What the user was seen with."""

        ADDRESS = "address", "Address"
        NETWORK = "network", "Network"
        COUNTRY = "country", "Country"
        DEVICE = "device", "Device"
        AGENT = "agent", "System and browser"
        APP = "app", "Application"

    user = models.CharField(max_length=200, help_text="Okta's id of the user.")
    kind = models.CharField(max_length=8, choices=Kind)
    value = models.CharField(max_length=300)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["user", "kind", "value"], name="sightings_are_unique")
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.kind} {self.value}"


class Baseline(models.Model):
    """How far back, and up to when, an index was read for sightings."""

    pattern = models.CharField(max_length=200, unique=True)
    read_from = models.DateTimeField(help_text="Everything from here on is known; it moves back while it learns.")
    read_to = models.DateTimeField(help_text="Up to here.")
    fault = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.pattern
