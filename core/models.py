"""The history of everything, and the people that it names by key only."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from uuid_utils.compat import uuid7


class Person(models.Model):
    """
    Somebody who did something here. History names the key; the name stands only in this row and can be erased.

    `token` is no column: the key of the API token by which this instance acts. What it does is told in history with it.
    """

    token: int | None = None
    key = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="person"
    )
    name = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "people"

    def __str__(self) -> str:
        return self.name

    @property
    def names(self) -> frozenset[str]:
        """What events may call them, in small letters: e-mail addresses and the user name."""
        known = {self.email, self.user.get_username(), self.user.email} if self.user else {self.email}
        return frozenset(name.lower() for name in known if name)


class Activity(models.Model):
    """
    One change that mattered, written in the transaction that made it.

    Append-only: a trigger of the database refuses UPDATE and DELETE. `person` is empty when a program acted; `program` names it.
    """

    at = models.DateTimeField(auto_now_add=True)
    action = models.CharField(max_length=80, help_text='What happened, namespaced: "alert.closed".')
    subject_kind = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=64)
    person = models.UUIDField(null=True, help_text="Key of the person; the name may have been erased.")
    program = models.CharField(max_length=40, blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "activity"
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["subject_kind", "subject_id", "-id"], name="activity_of_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject_kind} {self.subject_id}"


class ActivitySeal(models.Model):
    """A link of the hash chain over Activity rows `first_id` to `last_id`: changing a sealed row breaks every later digest."""

    first_id = models.BigIntegerField(unique=True)
    last_id = models.BigIntegerField(unique=True)
    rows = models.PositiveIntegerField()
    digest = models.BinaryField(max_length=32)
    sealed_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.first_id}–{self.last_id}"
