"""
What OpenSearch holds of a monitor, beside what we pushed and what is saved now: in words, and with three ways out.

*Adopt* takes over what was changed there, as far as it can be said here, as a revision of whoever adopts it. *Overwrite* pushes what
is saved over what was seen. *Roll back* is the push of an earlier revision. Each replaces exactly the state that was looked at.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import ValidationError

from core.models import Person
from monitors import kept, rendering
from monitors.definitions import Parameter
from monitors.difference import Change, difference
from monitors.errors import DefinitionError, MonitorsError, PushError
from monitors.findings import duration
from monitors.models import Deployment, Monitor
from monitors.normal import normal
from monitors.services import push, revisions

TRIGGER = "triggers[0].query_level_trigger"
UNITS = (
    1,
    1_000,
    60,
    60_000,
)  # how a parameter may stand in a search: as it is, or its seconds and minutes in seconds or ms
MAX_CANDIDATES = 40
# What a path says, in words; the first that fits.
WORDS = (
    ("name", "Name"),
    ("enabled", "Enabled"),
    ("schedule", "Schedule"),
    ("monitor_type", "Type"),
    ("inputs[0].search.indices", "Index pattern"),
    ("inputs[0].search.query.query", "Query"),
    ("inputs[0].search.query", "Search"),
    ("inputs", "Inputs"),
    (f"{TRIGGER}.severity", "Severity"),
    (f"{TRIGGER}.name", "Revision"),
    (f"{TRIGGER}.id", "Identity"),
    (f"{TRIGGER}.condition", "Condition"),
    (f"{TRIGGER}.actions[0].message_template", "Message"),
    (f"{TRIGGER}.actions[0].destination_id", "Channel"),
    (f"{TRIGGER}.actions", "Action"),
    ("triggers", "Trigger"),
    ("ui_metadata", "Our note beside it"),
)


@dataclass(frozen=True)
class Line:
    """One thing that differs, in words: `what` it is, the `old` and the `new` value. `blocks` says that it cannot be adopted."""

    what: str
    old: str
    new: str
    blocks: bool = False


@dataclass(frozen=True)
class Values:
    """What of a monitor can be said on both sides."""

    name: str
    severity: int
    interval_seconds: int
    enabled: bool
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Drift:
    """
    The three states of a monitor. `theirs`: what was changed in OpenSearch since our push; `ours`: what was saved here since.

    `held` is None where OpenSearch holds nothing; `seq_no` names the state that was looked at. `adopted` is what adopting would save;
    None where something `blocks` it or nothing changed. `unrendered` says why what is saved cannot be pushed.
    """

    theirs: list[Line]
    ours: list[Line]
    held: dict[str, Any] | None
    seq_no: int | None
    adopted: Values | None
    unrendered: str = ""

    @property
    def blocked(self) -> list[Line]:
        """What was changed there and cannot be said here."""
        return [line for line in self.theirs if line.blocks]


def look(monitor: Monitor) -> Drift:
    """Read what OpenSearch holds now and compare. Raises OpenSearchError."""
    deployment = Deployment.objects.select_related("monitor", "revision").filter(pk=monitor.pk).first()
    unrendered, body, held, seq_no = "", None, None, None
    try:
        planned = push.preview(monitor)
        body, held, seq_no = planned.body, planned.seen, planned.seq_no
    except DefinitionError as error:
        unrendered = str(error)
    if deployment is None or held is None or deployment.read_body is None:
        return Drift([], [], held, seq_no, None, unrendered)
    theirs, adopted = _theirs(deployment, held)
    ours = [_line(change) for change in difference(normal(deployment.pushed_body or {}), normal(body or {}))]
    ours = [line for line in ours if line.what not in {"Revision", "Our note beside it"}]
    return Drift(theirs, ours, held, seq_no, adopted, unrendered)


def adopt(monitor: Monitor, *, by: Person, seen_seq_no: int, reason: str = "") -> Deployment:
    """
    Save what was changed in OpenSearch as a revision here, and push that, so that its envelopes name it.

    Raises PushError when something cannot be said here or it changed again since `seen_seq_no`; and what `push.push` raises: then the
    revision is saved, and OpenSearch holds what it held.
    """
    found = look(monitor)
    if found.seq_no != seen_seq_no:
        raise PushError(f"{monitor.name} {push.CHANGED_NOW}")
    if found.adopted is None:
        lost = ", ".join(dict.fromkeys(line.what for line in found.blocked)) or "nothing that differs"
        raise PushError(f"This cannot be said here: {lost}. Overwrite it, or change the monitor here.")
    for name in ("name", "severity", "interval_seconds", "enabled"):
        setattr(monitor, name, getattr(found.adopted, name))
    monitor.params = dict(found.adopted.params)
    try:
        revisions.save(monitor, by=by, reason=reason or "Adopted from OpenSearch, where it was changed.")
    except ValidationError as error:
        raise PushError(f"What is there cannot be saved here: {'; '.join(error.messages)}") from error
    return push.push(monitor, by=by, seen_seq_no=seen_seq_no)


def _theirs(deployment: Deployment, held: Mapping[str, Any]) -> tuple[list[Line], Values | None]:
    """Return what was changed there in words, and the values that our monitor takes when it is adopted (None: that cannot be)."""
    before, now = normal(deployment.read_body or {}), normal(held)
    changes = difference(before, now)
    if not changes:
        return [], None
    monitor = revisions.pushed(deployment)
    pushed = Values(
        monitor.name,
        monitor.severity,
        monitor.interval_seconds,
        deployment.runs,
        monitor.definition().values(monitor.params),
    )
    try:
        told, rest = _solved(deployment, monitor, pushed, now)
    except MonitorsError:
        return [
            replace(_line(change), blocks=True) for change in changes
        ], None  # the catalogue no longer renders what was pushed
    lines = [*_in_words(monitor, pushed, told), *(replace(_line(change), blocks=True) for change in rest)]
    if any(line.blocks for line in lines):
        return lines, None
    saved = deployment.monitor  # where both sides changed something else, both stay
    params = dict(saved.definition().values(saved.params))
    params |= {name: value for name, value in told.params.items() if value != pushed.params[name] and name in params}
    chosen = {
        name: getattr(told if getattr(told, name) != getattr(pushed, name) else saved, name)
        for name in ("name", "severity", "interval_seconds", "enabled")
    }
    return lines, Values(**chosen, params=params)


def _solved(
    deployment: Deployment, monitor: Monitor, pushed: Values, now: Mapping[str, Any]
) -> tuple[Values, list[Change]]:
    """
    Find the values whose rendered monitor is the one that is there; return them, and what no value explains.

    A value is taken only when the monitor rendered with it lies nearer to what is there, so that nothing is guessed.
    """
    inputs = revisions.inputs_of(monitor)

    def rendered(values: Values) -> dict[str, Any]:
        changed = replace(
            inputs,
            name=values.name,
            severity=values.severity,
            interval_seconds=values.interval_seconds,
            params=values.params,
            emit_seconds=inputs.emit_ms // 1000,  # it follows the schedule only when we push
        )
        number = deployment.revision.number if deployment.revision else 1
        body = rendering.monitor(
            changed, channel_id=push.CHANNEL_ID, revision=number, enabled=values.enabled, enabled_time_ms=0
        )
        if isinstance(now.get("ui_metadata"), Mapping):
            body["ui_metadata"] = {**body["ui_metadata"], "oktadetect": now["ui_metadata"].get("oktadetect")}
        return normal(body)

    # what we ourselves render otherwise by now (exclusions, the catalogue) and nobody changed there is nobody's change
    before = normal(deployment.read_body or {})
    touched = {change.path for change in difference(before, now)}
    ours = {change.path for change in difference(before, rendered(pushed))} - touched

    def left(values: Values) -> list[Change]:
        return [change for change in difference(rendered(values), now) if change.path not in ours]

    best = _plainly(pushed, now)
    rest = left(best)
    for name, parameter in monitor.definition().parameters.items():
        for value in _candidates(parameter, rest, now):
            tried = replace(best, params={**best.params, name: value})
            remains = left(tried)
            if len(remains) < len(rest):
                best, rest = tried, remains
    return best, rest


def _plainly(pushed: Values, now: Mapping[str, Any]) -> Values:
    """Return what stands in the monitor by itself: its name, whether it runs, how often, how grave it is."""
    trigger = _at(now, "triggers", 0, "query_level_trigger") or {}
    severity = str(trigger.get("severity", pushed.severity))
    period = _at(now, "schedule", "period")
    return replace(
        pushed,
        name=str(now.get("name", pushed.name)),
        enabled=bool(now.get("enabled")),
        severity=int(severity) if severity in {"1", "2", "3", "4", "5"} else pushed.severity,
        interval_seconds=kept.interval_of(now) if period else pushed.interval_seconds,
    )


def _candidates(parameter: Parameter, rest: list[Change], now: Mapping[str, Any]) -> list[Any]:
    """Return values that the parameter may have been given, out of what differs there."""
    found: list[Any] = []
    if parameter.type == "list":
        found = [[], *(one for one in _lists(now))]
    else:
        for change in rest:
            for number in _numbers(change.new):
                found += [number / unit if number % unit else int(number / unit) for unit in UNITS]
    allowed = []
    for value in found[:MAX_CANDIDATES]:
        try:
            checked = parameter.check(int(value) if isinstance(value, float) and value.is_integer() else value)
        except DefinitionError:
            continue
        if checked not in allowed:
            allowed.append(checked)
    return allowed


def _numbers(text: str | None) -> Iterator[float]:
    """Yield the number that a value is, and the seconds of a date's look-back (`{{period_end}}||-9000s`)."""
    plain = (text or "").strip('"').rsplit("||-", 1)[-1].removesuffix("s")
    try:
        yield float(plain)
    except ValueError:
        return


def _lists(node: Any) -> Iterator[list[str]]:
    if isinstance(node, Mapping):
        for inner in node.values():
            yield from _lists(inner)
    elif isinstance(node, list):
        if node and all(isinstance(one, str) for one in node):
            yield deepcopy(node)
        for inner in node:
            yield from _lists(inner)


def _in_words(monitor: Monitor, pushed: Values, told: Values) -> list[Line]:
    lines = []
    if told.name != pushed.name:
        lines.append(Line("Name", pushed.name, told.name))
    if told.enabled != pushed.enabled:
        lines.append(Line("Enabled", _yes(pushed.enabled), _yes(told.enabled)))
    if told.interval_seconds != pushed.interval_seconds:
        lines.append(
            Line("Schedule", f"every {duration(pushed.interval_seconds)}", f"every {duration(told.interval_seconds)}")
        )
    if told.severity != pushed.severity:
        lines.append(Line("Severity", str(pushed.severity), str(told.severity)))
    for name, parameter in monitor.definition().parameters.items():
        if told.params[name] != pushed.params[name]:
            lines.append(Line(parameter.label, _value(pushed.params[name]), _value(told.params[name])))
    return lines


def _line(change: Change) -> Line:
    words = next((words for prefix, words in WORDS if change.path.startswith(prefix)), change.path)
    prefix = next((prefix for prefix, _ in WORDS if change.path.startswith(prefix)), "")
    where = change.path.removeprefix(prefix).lstrip(".")
    return Line(f"{words} · {where}" if where else words, change.old or "—", change.new or "—")


def _value(value: Any) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _at(node: Any, *steps: Any) -> Any:
    for step in steps:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return None
    return node
