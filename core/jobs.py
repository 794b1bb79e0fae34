"""
Long work that somebody asked for and watches: a row with its progress, worked by whoever claims it.

The row is the truth, a wake-up only speeds it up: a sweeper finds what nobody began, and what a dead worker left behind.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from django.db import models
from django.db.models import F, Q
from uuid_utils.compat import uuid7

from core import clock
from core.models import Person

DEAD_AFTER = timedelta(seconds=90)  # without a sign of life; a single search may take 60 s
MAX_ATTEMPTS = 3


class Cancelled(Exception):
    """Somebody does not want it any more."""


class Unfinished(Exception):
    """It stops here for now, having kept what it did: the next worker goes on from there."""


class State(models.TextChoices):
    """How far it is."""

    WAITING = "waiting", "Waiting for a worker"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class Job(models.Model):
    """What every kind of long work has in common. `done` of `total` are its own steps; `step` says in words what it does now."""

    uuid = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    step = models.CharField(max_length=200, blank=True)
    error = models.TextField(blank=True, help_text="Why it failed, in a sentence.")
    attempts = models.PositiveSmallIntegerField(default=0)
    asked_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    alive_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in {State.DONE, State.FAILED, State.CANCELLED}

    @property
    def percent(self) -> int:
        """How much is done, 0 to 100."""
        return 100 * self.done // self.total if self.total else 0

    def progress(self, done: int, total: int, step: str = "") -> None:
        """Say how far it is, which is its sign of life. Raises Cancelled when somebody took it back."""
        told = {"done": done, "total": total, "step": step[:200], "alive_at": clock.now()}
        if not type(self)._default_manager.filter(pk=self.pk, state=State.RUNNING).update(**told):
            raise Cancelled


J = TypeVar("J", bound=Job)


def claim(kind: type[J], pk: Any) -> J | None:
    """Return the job when it is free, held by this worker now; None when another has it or it is over."""
    now = clock.now()
    free = Q(state=State.WAITING) | Q(state=State.RUNNING, alive_at__lt=now - DEAD_AFTER)
    began = {"state": State.RUNNING, "attempts": F("attempts") + 1, "started_at": now, "alive_at": now, "error": ""}
    if not kind._default_manager.filter(free, pk=pk).update(**began):
        return None
    job = kind._default_manager.get(pk=pk)
    if job.attempts > MAX_ATTEMPTS:
        end(
            job,
            State.FAILED,
            error=f"It was begun {MAX_ATTEMPTS} times, and each time its worker died. Look at the worker's log.",
        )
        return None
    return job


def work(kind: type[J], pk: Any, do: Callable[[J], None], *, expected: tuple[type[Exception], ...]) -> None:
    """Claim the job and do it; it ends done, cancelled, waiting again, or failed with the sentence of an `expected` error."""
    job = claim(kind, pk)
    if job is None:
        return
    try:
        do(job)
    except Cancelled:
        return
    except Unfinished:
        rows = kind._default_manager.filter(pk=pk, state=State.RUNNING)
        rows.update(state=State.WAITING, attempts=0, alive_at=clock.now())
    except expected as error:
        end(job, State.FAILED, error=str(error))
    else:
        end(job, State.DONE)


def end(job: Job, state: State, *, error: str = "") -> None:
    """Note how it ended; one that was cancelled meanwhile stays so."""
    told = {"state": state, "error": error, "finished_at": clock.now()}
    if state == State.DONE:
        told |= {"done": F("total"), "step": ""}
    type(job)._default_manager.filter(pk=job.pk, state=State.RUNNING).update(**told)


def cancel(job: Job) -> bool:
    """Take it back; return whether that came in time. A worker stops at its next step."""
    open_ones = type(job)._default_manager.filter(pk=job.pk, state__in=[State.WAITING, State.RUNNING])
    return bool(open_ones.update(state=State.CANCELLED, finished_at=clock.now()))


def due(kind: type[Job], limit: int = 20) -> list[str]:
    """Return the jobs that nobody works on: their wake-up was lost, or their worker died."""
    free = Q(state=State.WAITING) | Q(state=State.RUNNING, alive_at__lt=clock.now() - DEAD_AFTER)
    return [str(pk) for pk in kind._default_manager.filter(free).order_by("pk").values_list("pk", flat=True)[:limit]]
