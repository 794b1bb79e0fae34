"""
Whether monitors live: what was heard from them, and what OpenSearch holds of them now.

Silence is never taken for quiet: a heartbeat that lacks, a monitor that was disabled, deleted or changed, a channel that posts
elsewhere and an alert acknowledged in OpenSearch are faults, shown until they are mended.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from core import activity, clock
from core.models import Person
from monitors import diagnosis, opensearch
from monitors.diagnosis import Kind
from monitors.difference import difference
from monitors.errors import NotFound, OpenSearchAway, OpenSearchError, PushError
from monitors.findings import Answer
from monitors.models import Deployment, Monitor
from monitors.normal import normal
from monitors.services import cluster, layouts, push, revisions

CATCH_UP_BACKOFF_MAX = timedelta(hours=1)
FAILURES_SHOWN = 3  # tries of catch-up in a row that failed before that is a fault


def heard(
    deployment: Deployment,
    *,
    received_at: datetime,
    period_end: datetime,
    look_back: timedelta,
    error: str,
    answer: Answer | None,
) -> None:
    """
    Note an envelope: the `look_back` before its `period_end` is covered when its answer is whole; else the fault is kept, in words.

    After a silence longer than `look_back` a gap lies before it: that stays uncovered and is caught up. An envelope that is read
    after a later one says nothing about now. `answer` is None when the search itself failed (`error` says how) or met no index.
    Call it in the transaction of the ingest.
    """
    now = clock.now()
    period_end = min(period_end, received_at)  # nothing is covered ahead of time, whatever the cluster's clock says
    row = Deployment.objects.select_for_update().get(pk=deployment.pk)
    fault = _fault_of(error, answer)
    changes: dict[str, object] = {}
    gap = row.covered_to is not None and period_end - look_back > row.covered_to
    if not fault and not gap:
        changes["covered_to"] = Greatest(F("covered_to"), period_end)
    elif (answer is not None and answer.cut) or (not fault and gap):
        changes["catch_up_at"] = row.catch_up_at or now  # one that failed keeps its back-off
    is_newest = row.heard_at is None or received_at >= row.heard_at
    if is_newest:
        changes |= {"heard_at": received_at, "envelope_fault": fault}
        changes |= {"took_ms": answer.took_ms} if answer is not None else {}
    if changes:
        Deployment.objects.filter(pk=row.pk).update(**changes)
    if is_newest and row.fault in {"", row.envelope_fault}:  # a fault that the watch found is the watch's to take back
        set_fault(deployment, fault)


def _fault_of(error: str, answer: Answer | None) -> str:
    if error:
        return _explained(f"The search failed: {diagnosis.shortened(error)}")
    if answer is None:
        return "The search answered nothing."
    return _explained(" ".join(answer.faults))


def _explained(fault: str) -> str:
    """Return the fault with what OpenSearch's own words mean, where that is known."""
    known = diagnosis.said(fault)
    return f"{fault} {known.words}" if known else fault


def set_fault(deployment: Deployment, fault: str) -> None:
    """Keep the fault that holds now (empty: none), and write history when it changed."""
    with transaction.atomic():
        row = Deployment.objects.select_for_update().filter(pk=deployment.pk).first()
        if row is None or row.fault == fault:  # a monitor may be deleted while it is watched
            return
        since = (row.fault_since if row.fault else clock.now()) if fault else None
        Deployment.objects.filter(pk=row.pk).update(fault=fault, fault_since=since)
        action = "monitor.fault" if fault else "monitor.mended"
        activity.record(action, row.monitor, by="watch", fault=fault or row.fault)


def watch() -> int:
    """Compare every pushed monitor with what OpenSearch holds; return how many have a fault. OpenSearch being away is one too."""
    channel = _channel_fault()
    moved = {} if channel else layouts.moved()
    for deployment in Deployment.objects.exclude(opensearch_id="").select_related("monitor"):
        try:
            held = None if channel else _read(deployment)
        except OpenSearchError as error:
            set_fault(deployment, str(error))
            if isinstance(error, OpenSearchAway):
                channel = str(error)  # it holds for the others, too; asking for each would take too long
            continue
        with transaction.atomic():
            if push.is_under_way(deployment.monitor):
                continue  # what was read may be half of it; the next look sees the whole
            now = Deployment.objects.select_related("monitor", "revision").filter(pk=deployment.pk).first()
            if now is not None and now.pushed_at == deployment.pushed_at:
                state, fault = (now.state, channel) if channel else _compare(now, held)
                _keep_state(now, Deployment.State(state))
                # what the monitor's own last envelope told, only its next one can take back
                fault = fault or moved.get(now.pk, "") or _untold(now, held) or _silence(now) or _told(now)
                set_fault(now, fault or _behind(now))
    return Deployment.objects.exclude(fault="").count()


def _channel_fault() -> str:
    try:
        config = opensearch.read_channel(push.CHANNEL_ID)
    except NotFound:
        return "The webhook channel is missing in OpenSearch. Push any monitor to mend it."
    except OpenSearchError as error:
        return str(error)
    fault = push.channel_fault(config)
    if fault is None and not push.token_is_live(config):
        fault = "The webhook channel carries a token that is not ours or was withdrawn. Push any monitor to mend it."
    return fault or ""


@dataclass(frozen=True)
class _Held:
    """What OpenSearch holds of a monitor, whether one of its alerts was acknowledged there, and what its last run failed at."""

    body: Mapping[str, Any]
    muted: bool
    error: str


def _read(deployment: Deployment) -> _Held | None:
    """Return what OpenSearch holds; None when it holds nothing. Raises OpenSearchError other than NotFound."""
    try:
        body = opensearch.read_monitor(deployment.opensearch_id)["monitor"]
    except NotFound:
        return None
    alerts = opensearch.monitor_alerts(deployment.opensearch_id)
    failed = next((alert for alert in alerts if alert.get("state") == "ERROR"), {})
    return _Held(
        body,
        muted=any(alert.get("state") == "ACKNOWLEDGED" for alert in alerts),
        error=str(failed.get("error_message") or ""),
    )


def _compare(deployment: Deployment, held: _Held | None) -> tuple[Deployment.State, str]:
    """Return how what is held compares with what was pushed and what is saved, and the fault in it (empty: none)."""
    if held is None:
        return Deployment.State.MISSING, "OpenSearch no longer holds this monitor. Push it to mend it."
    Deployment.objects.filter(pk=deployment.pk).update(read_at=clock.now())
    if deployment.runs and not held.body.get("enabled"):
        return Deployment.State.DISABLED, "The monitor was disabled in OpenSearch. Push it to mend it."
    if deployment.read_body and not push.same(dict(held.body), deployment.read_body):
        return Deployment.State.DRIFTED, "The monitor was changed in OpenSearch. Look at the difference, then push."
    current = deployment.monitor.revisions.first()
    in_sync = current is None or deployment.holds(current)
    state = Deployment.State.IN_SYNC if in_sync else Deployment.State.CHANGED
    if held.muted and deployment.runs:
        return (
            state,
            "An alert of this monitor was acknowledged in OpenSearch, which mutes it. Delete that alert there.",
        )
    return state, ""


def mend(monitor: Monitor, *, by: Person | str) -> str:
    """
    Do what mends the monitor's fault, and return in a sentence what was done.

    Raises PushError where nothing does, or where it would undo what nobody has looked at; and what a push raises.
    """
    deployment = Deployment.objects.select_related("monitor", "revision").get(pk=monitor.pk)
    found = diagnosis.diagnose(deployment.fault)
    if found is None:
        return "Nothing is wrong with it any more."
    if found.kind == Kind.CHANNEL:
        push.ensure_channel()
        _mended(Kind.CHANNEL)
        return "The webhook channel was written again."
    if found.kind == Kind.COMPILATIONS:
        names = cluster.mend()
        return (
            f"The cluster has {', '.join(names)} set now." if names else "The cluster's limits are high enough already."
        )
    if found.kind == Kind.MUTED:
        push.unmute(monitor, by=by)
        return "OpenSearch tells what it finds again."
    if found.kind in {Kind.MISSING, Kind.DISABLED, Kind.MAPPING}:
        return _pushed_again(deployment, by=by)
    raise PushError(f"No click mends this. {found.words}".strip())


def pause_or_resume(monitor: Monitor, *, by: Person | str, enabled: bool) -> Deployment:
    """
    Save that it is paused or runs, and push that. What was saved and not pushed goes along with it.

    Raises what a push raises; then the revision stays and is shown as not pushed.
    """
    monitor.refresh_from_db()
    monitor.enabled = enabled
    revisions.save(monitor, by=by, reason="Resumed" if enabled else "Paused")
    return push.push(monitor, by=by)


def _pushed_again(deployment: Deployment, *, by: Person | str) -> str:
    """Push what was pushed last once more, over nothing but the state that was found wrong."""
    monitor = deployment.monitor
    newest = monitor.revisions.first()
    if newest is not None and not deployment.holds(newest):
        raise PushError(f"{monitor.name} has changes that were not pushed. Look at them, then push.")
    planned = push.preview(monitor)
    seen = None
    if planned.seen is not None and deployment.read_body is not None:
        differs = {change.path for change in difference(normal(deployment.read_body), normal(planned.seen))}
        if differs - {"enabled"}:
            raise PushError(f"More of {monitor.name} was changed in OpenSearch. Look at the difference first.")
        seen = planned.seq_no
    push.push(monitor, by=by, seen_seq_no=seen)
    return "OpenSearch holds it as it was pushed last."


def _mended(kind: Kind) -> None:
    """Take a fault of this kind back where it is shown; where it holds on, the next look finds it again."""
    for deployment in Deployment.objects.exclude(fault="").select_related("monitor"):
        found = diagnosis.diagnose(deployment.fault)
        if found is not None and found.kind == kind:
            set_fault(deployment, "")


def _silence(deployment: Deployment) -> str:
    last = max(filter(None, (deployment.heard_at, deployment.pushed_at)), default=None)
    if not deployment.runs or last is None or deployment.monitor.kept:  # a kept one sends no heartbeat
        return ""
    if (clock.now() - last).total_seconds() <= deployment.heartbeat_overdue_after:
        return ""
    return f"Nothing was heard from this monitor since {last:%Y-%m-%d %H:%M} UTC. Look at its channel and the cluster's log."


def _untold(deployment: Deployment, held: _Held | None) -> str:
    """Return what the last run failed at where its message could not tell: where its own template fails, too, or nobody took it."""
    if held is None or not held.error or deployment.envelope_fault or not deployment.runs:
        return ""
    return _explained(f"OpenSearch says of its last run: {diagnosis.shortened(held.error)}")


def _told(deployment: Deployment) -> str:
    """Return what its last envelope said was wrong; an imported monitor says nothing when that ends, so a while of no more counts."""
    silent_for = (clock.now() - deployment.heard_at).total_seconds() if deployment.heard_at else 0
    if deployment.monitor.kept and silent_for > deployment.heartbeat_overdue_after:
        return ""
    return deployment.envelope_fault


def _behind(deployment: Deployment) -> str:
    """Return that a gap stays open since catching up fails again and again: the monitor itself may be heard all the while."""
    if deployment.catch_up_failures < FAILURES_SHOWN or deployment.covered_to is None:
        return ""
    since = f"{deployment.covered_to:%Y-%m-%d %H:%M} UTC"
    return f"What happened after {since} was not searched whole, and catching up fails. Look at the worker's log."


def _keep_state(deployment: Deployment, state: Deployment.State) -> None:
    if deployment.state == state:
        return
    with transaction.atomic():
        Deployment.objects.filter(pk=deployment.pk).update(state=state)
        activity.record("monitor.state", deployment.monitor, by="watch", was=deployment.state, now=state.value)


def begin_catch_up(deployment: Deployment) -> None:
    """
    Note that a catch-up begins, by putting the next try off: twice as long each time, an hour at most.

    `caught_up` takes that back. Whatever ends the catch-up otherwise, its worker's death too, so waits, and never blocks the others.
    """
    wait = min(timedelta(minutes=1) * 2 ** min(deployment.catch_up_failures, 10), CATCH_UP_BACKOFF_MAX)
    Deployment.objects.filter(pk=deployment.pk).update(
        catch_up_at=clock.now() + wait, catch_up_failures=F("catch_up_failures") + 1
    )


def caught_up(deployment: Deployment, to: datetime) -> None:
    """Note that the portal has itself looked at everything up to `to`."""
    Deployment.objects.filter(pk=deployment.pk).update(
        covered_to=Greatest(F("covered_to"), to), catch_up_at=None, catch_up_failures=0
    )


def want_catch_up() -> None:
    """Have every running monitor's search run by the portal soon: something it told was refused, and nobody knows whose it was."""
    Deployment.objects.exclude(opensearch_id="").filter(catch_up_at=None).update(catch_up_at=clock.now())
