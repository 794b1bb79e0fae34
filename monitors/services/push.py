"""
Bringing a monitor to OpenSearch, and reading back what is there.

A push never half-happens, never overwrites a change that it has not seen, and after a lost answer looks before it creates again.
"""

import json
import zlib
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from core import activity, clock
from core.locks import alone
from core.models import Person
from monitors import exclusions, opensearch, rendering
from monitors.difference import difference
from monitors.errors import Conflict, NotFound, OpenSearchAway, PushError
from monitors.models import Deployment, Monitor, MonitorRevision
from monitors.normal import normal
from monitors.profiles import used
from monitors.services import profiles, revisions
from monitors.signals import webhook_token_shown, webhook_token_wanted

CHANNEL_ID = "oktadetect"
CHANNEL_LOCK = 0x6368616E  # "chan": one writer at a time
TOKEN_HEADER = "Authorization"  # noqa: S105 - the name of a header
CHANGED_NOW = "was changed in OpenSearch at this moment. Look at the difference, then push."


@dataclass(frozen=True)
class Preview:
    """What a push would do: `body` is sent; `seen` is what OpenSearch holds now (None: nothing), at `seq_no`."""

    body: dict[str, Any]
    seen: dict[str, Any] | None
    seq_no: int | None
    primary_term: int | None
    opensearch_id: str
    revision: MonitorRevision | None
    needs_force: bool = False
    layout: dict[str, str] = field(default_factory=dict)
    """By which of the index's names it searches for which Okta fields."""


def preview(monitor: Monitor) -> Preview:
    """
    Render the monitor for the index that is there, and read what OpenSearch holds of it.

    Raises MissingField when the index cannot serve the detection, DefinitionError, OpenSearchError.
    """
    # The revision is read before the monitor: one that is saved in between is pushed under the older number, and so shown as a change.
    revision = monitor.revisions.first()
    monitor.refresh_from_db()
    if not monitor.kept:
        profiles.learn(monitor.index_pattern)
    body = body_of(monitor, revision)
    layout = {} if monitor.kept else used(monitor.profile(), json.dumps(body["inputs"]))
    held = _held(monitor)
    if held is None:
        return Preview(body, None, None, None, "", revision, layout=layout)
    deployment, _ = Deployment.objects.get_or_create(monitor=monitor)
    changed = deployment.read_body is not None and not same(held["monitor"], deployment.read_body)
    return Preview(
        body,
        held["monitor"],
        held["_seq_no"],
        held["_primary_term"],
        held["_id"],
        revision,
        needs_force=changed,
        layout=layout,
    )


def body_of(monitor: Monitor, revision: MonitorRevision | None) -> dict[str, Any]:
    """
    Return what a push sends of a monitor whose newest revision this is, by the layout that was last seen.

    Nothing is asked of OpenSearch. Raises MissingField, DefinitionError.
    """
    return rendering.monitor(
        revisions.inputs_of(monitor),
        channel_id=CHANNEL_ID,
        revision=revision.number if revision else 1,
        enabled=monitor.enabled,
        enabled_time_ms=_enabled_time_ms(monitor),
    )


def push(monitor: Monitor, *, by: Person | str, seen_seq_no: int | None = None) -> Deployment:
    """
    Make OpenSearch hold the monitor as it is saved, with the webhook channel that it posts to, and read it back.

    `seen_seq_no` is the state that the person has seen; without it only our own last push may be replaced. Raises PushError when
    OpenSearch holds a change that was not seen or another push is under way, and what `preview` raises. After any error
    OpenSearch holds either the old monitor or the new one, and the next `read` says which.
    """
    ensure_channel()
    with transaction.atomic():
        _one_push_at_a_time(monitor)
        planned = preview(monitor)
        if planned.needs_force and seen_seq_no != planned.seq_no:
            raise PushError(
                f"{monitor.name} was changed in OpenSearch since our last push. Look at the difference, then push."
            )
        ensure_lists(revisions.inputs_of(monitor))
        deployment = _store(monitor, _send(monitor, planned), planned)
        activity.record(
            "monitor.pushed", monitor, by=by, revision=deployment.revision.number if deployment.revision else None,
            opensearch_id=deployment.opensearch_id, seq_no=deployment.seq_no,
        )  # fmt: skip
    return deployment


def delete(monitor: Monitor, *, by: Person | str) -> None:
    """Take the monitor out of OpenSearch; it stays here. Raises OpenSearchError."""
    deployment = Deployment.objects.get(monitor=monitor)
    with transaction.atomic():
        _one_push_at_a_time(monitor)
        try:
            opensearch.delete_monitor(deployment.opensearch_id)
        except NotFound:
            pass  # somebody was faster; the wish is fulfilled
        Deployment.objects.filter(pk=deployment.pk).update(
            opensearch_id="", seq_no=None, primary_term=None, read_body=None, pushed_body=None, revision=None,
            state=Deployment.State.NEVER, fault="", envelope_fault="", fault_since=None, covered_to=None,
        )  # fmt: skip
        activity.record("monitor.removed", monitor, by=by, opensearch_id=deployment.opensearch_id)


@transaction.atomic
def remove(monitor: Monitor, *, by: Person | str) -> None:
    """Take the monitor out of OpenSearch, then delete it here. Raises OpenSearchError; then nothing was deleted here."""
    if Deployment.objects.filter(monitor=monitor).exclude(opensearch_id="").exists():
        delete(monitor, by=by)
    activity.record("monitor.deleted", monitor, by=by, name=monitor.name)
    monitor.delete()


def unmute(monitor: Monitor, *, by: Person | str) -> Deployment:
    """
    Make OpenSearch tell this monitor's findings again after somebody acknowledged its alert there.

    An acknowledged alert ends only with its trigger: the trigger is taken out and put back, as it was and under the same id, so that
    the monitor keeps its identity. Raises PushError when somebody changes it meanwhile, OpenSearchError; a push mends what is left.
    """
    with transaction.atomic():
        _one_push_at_a_time(monitor)
        deployment = Deployment.objects.get(monitor=monitor)
        held = opensearch.read_monitor(deployment.opensearch_id)
        body = held["monitor"]
        if deployment.read_body is None or not same(body, deployment.read_body):
            raise PushError(
                f"{monitor.name} was changed in OpenSearch since our last push. Look at the difference first."
            )
        for step in ({**body, "triggers": []}, body):
            try:
                held = opensearch.update_monitor(
                    deployment.opensearch_id, step, seq_no=held["_seq_no"], primary_term=held["_primary_term"]
                )
            except Conflict as error:
                raise PushError(f"{monitor.name} {CHANGED_NOW}") from error
        Deployment.objects.filter(pk=monitor.pk).update(
            seq_no=held["_seq_no"],
            primary_term=held["_primary_term"],
            pushed_at=clock.now(),
            fault="",
            fault_since=None,
        )
        activity.record("monitor.unmuted", monitor, by=by, opensearch_id=deployment.opensearch_id)
    deployment.refresh_from_db()
    return deployment


def rotate_token(*, by: Person | str) -> None:
    """Have the channel carry a new token; the old one lets in until the new one is seen. Raises PushError, OpenSearchError."""
    ensure_channel(anew=True)
    monitor = Monitor.objects.order_by("created_at").first()
    if (
        monitor is not None
    ):  # the channel is no row of ours; its history stands with the first monitor that posts through it
        activity.record("channel.token_rotated", monitor, by=by, channel=CHANNEL_ID)


def ensure_channel(*, anew: bool = False) -> None:
    """
    Make the webhook channel point here with a live token; leave one that does alone, unless it is to be written `anew`.

    Writing always means a new token, and the old one lives until the new one is seen. The token is committed before the channel
    carries it: call it outside of a transaction, whose end could take the token back. Raises PushError, OpenSearchError.
    """
    with alone(CHANNEL_LOCK) as nobody_else:
        if not nobody_else:
            raise PushError("Somebody else is writing the webhook channel right now. Look again in a moment.")
        try:
            config: dict[str, Any] | None = opensearch.read_channel(CHANNEL_ID)
        except NotFound:
            config = None
        if not anew and config is not None and channel_fault(config) is None and token_is_live(config):
            return
        answers = webhook_token_wanted.send(sender=Deployment)
        if not answers:
            raise PushError("Nothing here receives envelopes, so no channel can be written.")
        opensearch.write_channel(CHANNEL_ID, channel_config(str(answers[0][1])), exists=config is not None)


def ensure_lists(inputs: rendering.Inputs) -> None:
    """Write the long lists that a monitor's search looks up, before the monitor: without its list every run would fail."""
    for list_id, values in exclusions.documents(inputs.exclusions).items():
        opensearch.put_document(exclusions.LISTS_INDEX, list_id, {"values": values})


def token_is_live(config: dict[str, Any]) -> bool:
    """Whether whoever receives envelopes would let in the token that a channel carries."""
    return any(live for _, live in webhook_token_shown.send(sender=Deployment, token=_token_in(config)))


def channel_config(token: str) -> dict[str, Any]:
    """Return the channel as we write it. Without a Content-Type of its own the sender would say text/plain."""
    return {
        "name": "oktadetect",
        "description": "Posts what monitors find to oktadetect. Written by it; a change here is reported as a fault.",
        "config_type": "webhook",
        "is_enabled": True,
        "webhook": {
            "url": webhook_url(),
            "method": "POST",
            "header_params": {TOKEN_HEADER: f"Bearer {token}", "Content-Type": "application/json"},
        },
    }


def webhook_url() -> str:
    """Return where OpenSearch posts to."""
    return f"{settings.OKTADETECT_WEBHOOK_URL}/okta-detections"


def channel_fault(config: dict[str, Any]) -> str | None:
    """Return what is wrong with a channel as it was read, in a sentence, or None. Whether its token is live is asked elsewhere."""
    webhook = config.get("webhook") or {}
    if not config.get("is_enabled"):
        return "The webhook channel is disabled in OpenSearch. Push any monitor to mend it."
    if webhook.get("url") != webhook_url():
        return f"The webhook channel posts to {str(webhook.get('url'))[:200]}, not here. Push any monitor to mend it."
    if not _token_in(config):
        return "The webhook channel carries no token. Push any monitor to mend it."
    return None


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two monitors do the same, whichever of them was sent and which came back."""
    return not difference(normal(one), normal(other))


def _token_in(config: dict[str, Any]) -> str:
    headers = (config.get("webhook") or {}).get("header_params") or {}
    return str(headers.get(TOKEN_HEADER, "")).removeprefix("Bearer ").strip()


def is_under_way(monitor: Monitor) -> bool:
    """Whether somebody is pushing the monitor; when nobody is, none begins before the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", _lock(monitor))
        return not cursor.fetchone()[0]


def _lock(monitor: Monitor) -> list[int]:
    return [zlib.crc32(b"push") >> 1, zlib.crc32(monitor.uuid.bytes) >> 1]


def _one_push_at_a_time(monitor: Monitor) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", _lock(monitor))
        if not cursor.fetchone()[0]:
            raise PushError(f"Somebody else is pushing {monitor.name} right now. Look again in a moment.")


def _held(monitor: Monitor) -> dict[str, Any] | None:
    """
    Return what OpenSearch holds of the monitor: by the id that we know, else by our trigger id, under its name or any other.

    Triggers are not indexed there, so that the last look reads every monitor: it is taken only before one is made.
    """
    deployment = Deployment.objects.filter(monitor=monitor).first()
    if deployment and deployment.opensearch_id:
        try:
            return opensearch.read_monitor(deployment.opensearch_id)
        except NotFound:
            pass
    for hit in (*opensearch.find_monitors(monitor.name), *opensearch.all_monitors()):
        if trigger_id(hit["_source"]) == str(monitor.uuid):
            return opensearch.read_monitor(hit["_id"])
    return None


def trigger_id(body: dict[str, Any]) -> str | None:
    """Return the id of a monitor's only query-level trigger: for ours, the uuid of our Monitor."""
    triggers = body.get("triggers") or []
    first = triggers[0].get("query_level_trigger") if len(triggers) == 1 else None
    return first.get("id") if isinstance(first, dict) else None


def _send(monitor: Monitor, planned: Preview) -> dict[str, Any]:
    """Create or replace the monitor; an answer that was lost is looked for."""
    try:
        if planned.seq_no is None or planned.primary_term is None:
            return opensearch.create_monitor(planned.body)
        return opensearch.update_monitor(
            planned.opensearch_id, planned.body, seq_no=planned.seq_no, primary_term=planned.primary_term
        )
    except Conflict as error:
        raise PushError(f"{monitor.name} {CHANGED_NOW}") from error
    except OpenSearchAway as error:
        found = _held(monitor)  # the answer was lost, not necessarily the monitor
        if found is None or found["_seq_no"] == planned.seq_no:
            holds = f"holds no {monitor.name}" if found is None else f"holds {monitor.name} as it was"
            raise PushError(f"OpenSearch did not answer, and {holds}. Nothing was changed; push again.") from error
        if not _is_ours(found, planned):
            raise PushError(f"{monitor.name} {CHANGED_NOW}") from error
        return found


def _is_ours(found: dict[str, Any], planned: Preview) -> bool:
    """Whether what is held says that it is of this push: its revision and hash are kept beside it, where nobody else writes."""
    return bool(found["monitor"].get("ui_metadata") == planned.body["ui_metadata"])


def _store(monitor: Monitor, answer: dict[str, Any], planned: Preview) -> Deployment:
    now = clock.now()
    held = opensearch.read_monitor(answer["_id"])
    if held["_seq_no"] != answer["_seq_no"]:
        held = answer  # somebody was faster than the read: what they changed is theirs, and the watch finds it
    deployment, _ = Deployment.objects.update_or_create(
        monitor=monitor,
        defaults={
            "opensearch_id": held["_id"],
            "seq_no": held["_seq_no"],
            "primary_term": held["_primary_term"],
            "revision": planned.revision,
            "state": Deployment.State.IN_SYNC,
            "pushed_body": planned.body,
            "layout": planned.layout,
            "read_body": held["monitor"],
            "pushed_at": now,
            "read_at": now,
            "fault": "",
            "envelope_fault": "",
            "fault_since": None,
        },
    )
    if deployment.covered_to is None:
        Deployment.objects.filter(pk=deployment.pk).update(covered_to=now)
        deployment.covered_to = now
    return deployment


def _enabled_time_ms(monitor: Monitor) -> int:
    """Return a start that gives the monitor a phase of its own within its interval, so that not all search at one moment."""
    interval = monitor.interval_seconds * 1000
    now = clock.to_ms(clock.now())
    phase = zlib.crc32(monitor.uuid.bytes) % interval
    return now - (now - phase) % interval
