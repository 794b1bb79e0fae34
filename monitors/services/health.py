"""
Whether monitors live: what was heard from them, and what OpenSearch holds of them now.

Silence is never taken for quiet: a heartbeat that lacks, a monitor that was disabled, deleted or changed, a channel that posts
elsewhere and an alert acknowledged in OpenSearch are faults, shown until they are mended.
"""

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from core import activity, clock
from monitors import opensearch
from monitors.errors import NotFound, OpenSearchError
from monitors.findings import Answer
from monitors.models import Deployment
from monitors.services import push

log = structlog.get_logger(__name__)

CATCH_UP_BACKOFF_MAX = timedelta(hours=1)


def heard(deployment: Deployment, *, period_end: datetime, error: str, answer: Answer | None) -> None:
    """
    Note an envelope: its period is covered when its answer is whole; else the fault is kept, in words.

    `answer` is None when the search itself failed (`error` says how) or met no index. Call it in the transaction of the ingest.
    """
    now = clock.now()
    fault = _fault_of(error, answer)
    changes: dict[str, object] = {"heard_at": now, "envelope_fault": fault}
    if answer is not None:
        changes["took_ms"] = answer.took_ms
    if not fault:
        changes["covered_to"] = Greatest(F("covered_to"), period_end)
    elif answer is not None and answer.cut:
        changes["catch_up_at"] = now  # asking again changes nothing: the portal completes it
    row = Deployment.objects.select_for_update().get(pk=deployment.pk)
    Deployment.objects.filter(pk=row.pk).update(**changes)
    if row.fault in {"", row.envelope_fault}:  # a fault that the watch found is the watch's to take back
        set_fault(deployment, fault)


def _fault_of(error: str, answer: Answer | None) -> str:
    if error:
        return f"The search failed: {error[:500]}"
    if answer is None:
        return "The search answered nothing."
    return " ".join(answer.faults)


def set_fault(deployment: Deployment, fault: str) -> None:
    """Keep the fault that holds now (empty: none), and write history when it changed."""
    with transaction.atomic():
        row = Deployment.objects.select_for_update().get(pk=deployment.pk)
        if row.fault == fault:
            return
        since = (row.fault_since if row.fault else clock.now()) if fault else None
        Deployment.objects.filter(pk=row.pk).update(fault=fault, fault_since=since)
        action = "monitor.fault" if fault else "monitor.mended"
        activity.record(action, row.monitor, by="watch", fault=fault or row.fault)


def watch() -> int:
    """Compare every pushed monitor with what OpenSearch holds; return how many have a fault. OpenSearch being away is one too."""
    channel = _channel_fault()
    for deployment in Deployment.objects.exclude(opensearch_id="").select_related("monitor"):
        try:
            fault = channel or _read(deployment) or _silence(deployment)
        except OpenSearchError as error:
            fault = str(error)
        set_fault(deployment, fault or _told_by_envelope(deployment))
    return Deployment.objects.exclude(fault="").count()


def _told_by_envelope(deployment: Deployment) -> str:
    """Return the fault that the monitor's last envelope told, which only its next one can take back; else nothing."""
    return Deployment.objects.get(pk=deployment.pk).envelope_fault


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


def _read(deployment: Deployment) -> str:
    """Read one monitor, keep what is there, and return its fault. Raises OpenSearchError other than NotFound."""
    monitor = deployment.monitor
    try:
        held = opensearch.read_monitor(deployment.opensearch_id)
    except NotFound:
        _keep_state(deployment, Deployment.State.MISSING)
        return "OpenSearch no longer holds this monitor. Push it to mend it."
    Deployment.objects.filter(pk=deployment.pk).update(read_at=clock.now())
    body = held["monitor"]
    if monitor.enabled and not body.get("enabled"):
        _keep_state(deployment, Deployment.State.DISABLED)
        return "The monitor was disabled in OpenSearch. Push it to mend it."
    if deployment.read_body and not push.same(body, deployment.read_body):
        _keep_state(deployment, Deployment.State.DRIFTED)
        return "The monitor was changed in OpenSearch. Look at the difference, then push."
    current = monitor.revisions.first()
    in_sync = current is None or deployment.revision_id == current.pk
    _keep_state(deployment, Deployment.State.IN_SYNC if in_sync else Deployment.State.CHANGED)
    if any(alert.get("state") == "ACKNOWLEDGED" for alert in opensearch.monitor_alerts(deployment.opensearch_id)):
        return "An alert of this monitor was acknowledged in OpenSearch, which mutes it. Complete or delete that alert there."
    return ""


def _silence(deployment: Deployment) -> str:
    current = Deployment.objects.get(pk=deployment.pk)
    last = max(filter(None, (current.heard_at, current.pushed_at)), default=None)
    if not deployment.monitor.enabled or last is None:
        return ""
    silent = (clock.now() - last).total_seconds()
    if silent <= deployment.heartbeat_overdue_after:
        return ""
    return (
        f"Nothing was heard from this monitor for {int(silent // 60)} min. Look at its channel and the cluster's log."
    )


def _keep_state(deployment: Deployment, state: Deployment.State) -> None:
    if deployment.state == state:
        return
    with transaction.atomic():
        Deployment.objects.filter(pk=deployment.pk).update(state=state)
        activity.record("monitor.state", deployment.monitor, by="watch", was=deployment.state, now=state.value)


def put_off_catch_up(deployment: Deployment) -> None:
    """Note that a catch-up failed: the next try waits twice as long, an hour at most."""
    wait = min(timedelta(minutes=1) * 2**deployment.catch_up_failures, CATCH_UP_BACKOFF_MAX)
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
