"""What was posted here, and who may post."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from uuid_utils.compat import uuid7

from alerts.choices import DeliveryStatus


class Source(models.Model):
    """Somebody who may post: an OpenSearch cluster, or another sender."""

    name = models.CharField(max_length=80, unique=True)
    addresses = models.JSONField(default=list, blank=True, help_text="Networks that may post, as CIDR; empty for any.")
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse addresses that are no list of networks."""
        try:
            self.networks()
        except ValueError as error:
            raise ValidationError({"addresses": f'Give a list of networks, like ["10.0.0.0/8"]: {error}'}) from error

    def networks(self) -> list[IPv4Network | IPv6Network]:
        """Return the networks that may post; none for any. Raises ValueError when `addresses` makes no sense."""
        if not isinstance(self.addresses, list) or not all(isinstance(network, str) for network in self.addresses):
            raise ValueError("it is no list of texts")
        return [ip_network(network, strict=False) for network in self.addresses]


class SourceToken(models.Model):
    """A bearer token of a source, kept as its sha256. Two may live at once, so that one can be replaced without a gap."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="tokens")
    digest = models.BinaryField(max_length=32, unique=True)
    hint = models.CharField(max_length=8, help_text="The token's last characters, to tell it from others.")
    created_at = models.DateTimeField(auto_now_add=True)
    first_seen_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]

    def __str__(self) -> str:
        return f"…{self.hint}"


class Delivery(models.Model):
    """
    One POST as it came: raw bytes, committed before a 2xx is answered.

    Partitioned by month on its uuid7 key, so that old months are dropped and not deleted row by row.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    received_at = models.DateTimeField()
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+")
    body = models.BinaryField(null=True, help_text="Null when it was over the limit and never read.")
    size = models.PositiveBigIntegerField()
    sha256 = models.BinaryField(max_length=32)
    content_type = models.CharField(max_length=200, blank=True)
    headers = models.JSONField(default=dict, help_text="Those that say where it came from; never credentials.")
    status = models.CharField(max_length=12, choices=DeliveryStatus, default=DeliveryStatus.RECEIVED)
    reason = models.TextField(blank=True, help_text="Why it is in quarantine.")
    rejected = models.JSONField(default=list, help_text="Findings of it that could not be read, each with its reason.")
    monitor = models.UUIDField(null=True, help_text="The monitor that sent it, when it is one of ours.")
    findings = models.PositiveIntegerField(default=0)
    took_ms = models.PositiveIntegerField(null=True, help_text="How long its search took, as OpenSearch says.")
    events_read = models.PositiveIntegerField(null=True, help_text="How many events its search read.")
    duplicate_of = models.UUIDField(null=True, help_text="An earlier delivery with the same bytes.")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    processed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["next_attempt_at"], condition=models.Q(status="received"), name="delivery_due"),
            models.Index(fields=["sha256"], name="delivery_sha256"),
            models.Index(fields=["status", "-id"], name="delivery_by_status"),
            models.Index(fields=["monitor", "-id"], name="delivery_of_monitor"),
        ]

    def __str__(self) -> str:
        return str(self.id)
