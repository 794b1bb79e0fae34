"""
Bringing many monitors to OpenSearch, one after the other: one that fails holds up no other, and each says what became of it.

A worker that dies leaves behind how far it came; whoever goes on pushes nothing twice, since what is in sync is left alone.
"""

import time
from collections.abc import Callable, Iterable

from core import jobs
from core.models import Person
from monitors.errors import MonitorsError
from monitors.models import BulkPush, Deployment, Monitor
from monitors.services import push

SECONDS = 420  # a task's own limit lies above


def ask(monitors: Iterable[Monitor], *, by: Person | None, overwrite: bool = False) -> BulkPush:
    """Ask for a push of these monitors; with `overwrite` also over what somebody changed in OpenSearch."""
    keys = [str(monitor.pk) for monitor in monitors]
    return BulkPush.objects.create(monitors=keys, overwrite=overwrite, asked_by=by, total=len(keys))


def run(job: BulkPush, *, say: Callable[[str], None] = lambda _: None) -> None:
    """
    Push what is not pushed yet, keeping after each monitor what became of it; `say` hears that, too.

    Skipped is what OpenSearch holds already as it is saved. Raises jobs.Cancelled when somebody took it back, and jobs.Unfinished
    after SECONDS, so that a worker goes on before it is stopped.
    """
    began = time.monotonic()
    results = list(job.results)
    total = len(job.monitors)
    for position in range(len(results), total):
        if time.monotonic() - began > SECONDS:
            raise jobs.Unfinished
        monitor = Monitor.objects.filter(pk=job.monitors[position]).first()
        job.progress(position, total, monitor.name if monitor else "")
        results.append(_one(job.monitors[position], monitor, job))
        BulkPush.objects.filter(pk=job.pk).update(results=results)
        last = results[-1]
        say(f"[{position + 1}/{total}] {last['name']}: {last['error'] or last['done']}")
    job.progress(total, total)


def _one(key: str, monitor: Monitor | None, job: BulkPush) -> dict[str, str]:
    """Push one; return what became of it: `done` says what, `error` why not."""
    told = {"monitor": key, "name": monitor.name if monitor else "a monitor that was deleted", "done": "", "error": ""}
    if monitor is None:
        return {**told, "error": "It is not there any more."}
    try:
        planned = push.preview(monitor)
        if not planned.needs_force and _is_pushed(monitor, planned):
            push.ensure_channel()  # a push is what mends a channel, also where the monitor itself is in sync
            return {**told, "done": "in sync already"}
        seen = planned.seq_no if job.overwrite else None
        deployment = push.push(monitor, by=job.asked_by or "command", seen_seq_no=seen)
    except MonitorsError as error:
        return {**told, "error": str(error)}
    return {**told, "done": f"pushed as {deployment.opensearch_id}"}


def _is_pushed(monitor: Monitor, planned: push.Preview) -> bool:
    """Whether OpenSearch holds what a push would send, we know that it does, and nothing is wrong that a push is to mend."""
    deployment = Deployment.objects.filter(monitor=monitor).first()
    return (
        planned.seen is not None
        and deployment is not None
        and deployment.opensearch_id == planned.opensearch_id
        and deployment.revision == planned.revision
        and not deployment.fault
        and push.same(planned.body, planned.seen)
    )
