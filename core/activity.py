"""Writing and sealing history."""

import hashlib
import json
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db import models, transaction

from core import clock
from core.locks import take_turns
from core.models import Activity, ActivitySeal, Person

SEAL_BATCH = 10_000
YOUNG = timedelta(minutes=1)
SEAL_LOCK = 0x6F6B7461  # "okta": one sealer at a time


def person_of(user: AbstractBaseUser | AnonymousUser) -> Person:
    """Return the Person who is this signed-in user, made on first need."""
    assert isinstance(user, User), "only signed-in users act"  # noqa: S101 - every view is behind sign-in
    person, _ = Person.objects.get_or_create(
        user=user, defaults={"name": user.get_full_name() or user.username, "email": user.email}
    )
    return person


def record(action: str, subject: models.Model, *, by: Person | str, **data: Any) -> Activity:
    """
    Write what was done to `subject`, by a Person or by the program that `by` names. Call it in the transaction of the change.

    `data` is plain JSON: values before and after, reasons, keys of people (never names). A Person who acts by an API token leaves its
    key there as `token`.
    """
    if isinstance(by, Person) and by.token is not None:
        data["token"] = by.token
    return Activity.objects.create(
        action=action,
        subject_kind=subject._meta.model_name or "",
        subject_id=str(subject.pk),
        person=by.key if isinstance(by, Person) else None,
        program="" if isinstance(by, Person) else by,
        data=data,
    )


def history(*subjects: models.Model) -> models.QuerySet[Activity]:
    """Return what was done to the given rows, newest first."""
    wanted = models.Q(pk__in=[])
    for subject in subjects:
        wanted |= models.Q(subject_kind=subject._meta.model_name, subject_id=str(subject.pk))
    return Activity.objects.filter(wanted).order_by("-id")


def seal() -> int:
    """
    Add one link to the hash chain over the rows that no link covers yet; return how many rows it took.

    It ends before the first row that is younger than a minute, whatever the ages of those behind it: times are read before ids are
    given, so they may stand in another order, and a transaction still open may hold a lower id than one already seen.
    """
    with transaction.atomic():
        take_turns(SEAL_LOCK)
        last = ActivitySeal.objects.order_by("-last_id").first()
        unsealed = Activity.objects.filter(id__gt=last.last_id if last else 0).order_by("id")
        young = unsealed.filter(at__gte=clock.now() - YOUNG).values_list("id", flat=True).first()
        rows = list((unsealed if young is None else unsealed.filter(id__lt=young))[:SEAL_BATCH])
        if not rows:
            return 0
        ActivitySeal.objects.create(
            first_id=rows[0].id,
            last_id=rows[-1].id,
            rows=len(rows),
            digest=_digest(bytes(last.digest) if last else b"", rows),
        )
    return len(rows)


def broken_seals() -> list[ActivitySeal]:
    """Return the links whose rows no longer give their digest: what was changed behind the database's back."""
    broken, before = [], b""
    for link in ActivitySeal.objects.order_by("first_id"):
        rows = list(Activity.objects.filter(id__gte=link.first_id, id__lte=link.last_id).order_by("id"))
        if _digest(before, rows) != bytes(link.digest):
            broken.append(link)
        before = bytes(link.digest)
    return broken


def _digest(before: bytes, rows: list[Activity]) -> bytes:
    running = hashlib.sha256(before)
    for row in rows:
        told = [
            row.id,
            row.at.isoformat(),
            row.action,
            row.subject_kind,
            row.subject_id,
            str(row.person),
            row.program,
            row.data,
        ]
        line = json.dumps(told, sort_keys=True, ensure_ascii=False).encode()
        running.update(len(line).to_bytes(4, "big") + line)
    return running.digest()
