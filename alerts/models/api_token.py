"""By which programs act as somebody."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from core.models import Person


class ApiToken(models.Model):
    """
    A bearer token by which a program acts as its owner, kept as its sha256.

    It lets in until it expires or is withdrawn, and does what its scopes and its owner's role both allow.
    """

    owner = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=60, help_text="What it is for, in its owner's words.")
    scopes = ArrayField(models.CharField(max_length=20), help_text="Values of Scope.")
    digest = models.BinaryField(max_length=32, unique=True)
    hint = models.CharField(max_length=8, help_text="The token's last characters, to tell it from others.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, help_text="To the minute.")
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "API token"
        ordering: ClassVar[list[str]] = ["-id"]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["owner", "-id"], name="tokens_of_owner")]

    def __str__(self) -> str:
        return self.name
