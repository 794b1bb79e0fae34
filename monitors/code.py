"""
Monitors as files: a YAML file a monitor, `lists.yaml` for what several share, `exclusions.yaml` for what all leave out. Pure.

What is written reads back the same, and the same monitors give the same bytes. Whatever cannot be is told with its file and line.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

import jsonschema
import yaml

from monitors.definitions import SEVERITIES, Definition
from monitors.errors import MonitorsError

LISTS, EXCLUSIONS = "lists.yaml", "exclusions.yaml"
SHARED = (LISTS, EXCLUSIONS)
_TEXT = {"type": "string", "minLength": 1}
_CONDITION = {
    "type": "object",
    "properties": {"kind": _TEXT, "values": {"type": "array", "items": _TEXT, "minItems": 1}, "list": _TEXT},
    "required": ["kind"],
    "oneOf": [{"required": ["values"]}, {"required": ["list"]}],
    "additionalProperties": False,
}
_EXCLUSION = {
    "type": "object",
    "properties": {
        "reason": {**_TEXT, "maxLength": 300},
        "conditions": {"type": "array", "items": _CONDITION, "minItems": 1},
        "owner": _TEXT,
        "until": {},
    },
    "required": ["reason", "conditions"],
    "additionalProperties": False,
}
_SHARED_EXCLUSION = {**_EXCLUSION, "properties": {**_EXCLUSION["properties"], "detection": _TEXT}}  # type: ignore[dict-item]
_MONITOR = {
    "type": "object",
    "properties": {
        "uuid": {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},
        "detection": _TEXT,
        "imported": {"const": True},
        "name": {**_TEXT, "maxLength": 120},
        "index_pattern": _TEXT,
        "severity": {"enum": [*SEVERITIES.values(), *SEVERITIES]},
        "interval_seconds": {"type": "integer"},
        "enabled": {"type": "boolean"},
        "ticket_policy": _TEXT,
        "params": {"type": ["object", "null"]},
        "exclusions": {"type": ["array", "null"], "items": _EXCLUSION},
    },
    "required": ["name"],
    "oneOf": [{"required": ["detection"]}, {"required": ["imported", "uuid"]}],
    "additionalProperties": False,
}
_LIST = {
    "type": "object",
    "properties": {
        "kind": _TEXT,
        "description": {"type": "string", "maxLength": 300},
        "values": {"type": "array", "items": _TEXT},
    },
    "required": ["kind", "values"],
    "additionalProperties": False,
}
_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    LISTS: {"type": "object", "additionalProperties": _LIST},
    EXCLUSIONS: {"type": "array", "items": _SHARED_EXCLUSION},
}


class CodeError(MonitorsError):
    """Files say what cannot be: `problems` are sentences that begin with file and line. Nothing was changed."""

    code = "as_code"

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Document:
    """A file that was read: what it says, and the line of each value by its path of keys and places."""

    name: str
    content: Any
    lines: Mapping[tuple[Any, ...], int]

    def at(self, *path: Any) -> str:
        """Return file and line of a value; of what it stands in, where it is not there."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.name}:{self.lines.get(path, 1)}"


@dataclass(frozen=True)
class LeftOut:
    """An exclusion as files tell it. `owner` is a user name (empty: not told); `detection` only of one that is shared."""

    reason: str
    conditions: tuple[Mapping[str, Any], ...]
    owner: str = ""
    until: datetime | None = None
    detection: str = ""


@dataclass(frozen=True)
class ListTold:
    """A named list as files tell it."""

    name: str
    kind: str
    description: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class MonitorTold:
    """A monitor as its file tells it. None stands for what the file leaves to its default; `imported` is somebody else's monitor."""

    uuid: str
    detection: str
    name: str
    index_pattern: str | None = None
    severity: int | None = None
    interval_seconds: int | None = None
    enabled: bool = True
    ticket_policy: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    exclusions: tuple[LeftOut, ...] = ()
    imported: bool = False


def read(name: str, text: str) -> Document:
    """Return what a file says. Raises CodeError with each thing in it that cannot be."""
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
        content = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise CodeError([f"{name}:{line}: {getattr(error, 'problem', None) or error}"]) from error
    lines: dict[tuple[Any, ...], int] = {}
    twice = [f"{name}:{line}: {key} stands here twice." for key, line in _place(node, (), lines)] if node else []
    document = Document(name, content if content is not None else ([] if name == EXCLUSIONS else {}), lines)
    problems = twice or [*_wrong(document)]
    if problems:
        raise CodeError(problems)
    return document


def monitor_of(document: Document) -> MonitorTold:
    """Return the monitor that a file tells. Raises CodeError for a time that is none."""
    told = document.content
    severity = told.get("severity")
    words = {word: number for number, word in SEVERITIES.items()}
    return MonitorTold(
        uuid=told.get("uuid", ""),
        detection=told.get("detection", ""),
        name=told["name"],
        index_pattern=told.get("index_pattern"),
        severity=words.get(severity, severity),
        interval_seconds=told.get("interval_seconds"),
        enabled=told.get("enabled", True),
        ticket_policy=told.get("ticket_policy"),
        params=told.get("params") or {},
        exclusions=_left_out(document, told.get("exclusions") or [], "exclusions"),
        imported=told.get("imported", False),
    )


def exclusions_of(document: Document) -> tuple[LeftOut, ...]:
    """Return the exclusions that several monitors share. Raises CodeError for a time that is none."""
    return _left_out(document, document.content)


def lists_of(document: Document) -> list[ListTold]:
    """Return the lists that a file tells."""
    return [
        ListTold(str(name), one["kind"], one.get("description", ""), tuple(one["values"]))
        for name, one in document.content.items()
    ]


def monitor_text(told: MonitorTold, definition: Definition) -> str:
    """Return the file of a monitor: of its parameters those that differ from the default; the others as comments, with what they are."""
    head: dict[str, Any] = {"uuid": told.uuid}
    head |= {"imported": True} if told.imported else {"detection": told.detection}
    head |= {"name": told.name, "index_pattern": told.index_pattern, "severity": SEVERITIES[told.severity or 3]}
    head |= {"interval_seconds": told.interval_seconds, "enabled": told.enabled, "ticket_policy": told.ticket_policy}
    parts = [f"# {' '.join(definition.title.split())}\n", _yaml(head)]
    if definition.parameters:
        parts.append("params:\n")
        for name, parameter in definition.parameters.items():
            value = told.params.get(name, parameter.default)
            if value == parameter.default:
                unit = f", {parameter.unit}" if parameter.unit else ""
                default = json.dumps(parameter.default, ensure_ascii=False)
                parts.append(f"  # {name}: {default} ({' '.join(parameter.label.split())}{unit})\n")
            else:
                parts.append(_indented(_yaml({name: value})))
    if told.exclusions:
        parts.append(_yaml({"exclusions": [_told(one) for one in told.exclusions]}))
    return "".join(parts)


def exclusions_text(told: Iterable[LeftOut]) -> str:
    """Return the file of the exclusions that several monitors share."""
    head = "# Left out of all monitors, or of all monitors of one detection.\n"
    return head + _yaml([{**({"detection": one.detection} if one.detection else {}), **_told(one)} for one in told])


def lists_text(told: Iterable[ListTold]) -> str:
    """Return the file of the lists, which conditions of exclusions name."""
    rows = {
        one.name: {
            "kind": one.kind,
            **({"description": one.description} if one.description else {}),
            "values": list(one.values),
        }
        for one in told
    }
    return "# Lists that exclusions name: conditions: [{kind: user, list: NAME}]\n" + _yaml(rows)


def _told(one: LeftOut) -> dict[str, Any]:
    until = {"until": one.until.astimezone(UTC).isoformat(sep=" ")} if one.until else {}
    owner = {"owner": one.owner} if one.owner else {}
    return {"reason": one.reason, "conditions": [dict(condition) for condition in one.conditions], **owner, **until}


def _left_out(document: Document, told: Sequence[Mapping[str, Any]], *path: Any) -> tuple[LeftOut, ...]:
    found = []
    for place, one in enumerate(told):
        try:
            until = _time(one.get("until"))
        except ValueError as error:
            problem = (
                f"{document.at(*path, place, 'until')}: {one['until']!r} is no time, such as 2027-01-31 12:00:00+00:00."
            )
            raise CodeError([problem]) from error
        found.append(
            LeftOut(one["reason"], tuple(one["conditions"]), one.get("owner", ""), until, one.get("detection", ""))
        )
    return tuple(found)


def _time(value: Any) -> datetime | None:
    """Return a time as YAML or a text tells it; without a zone it is UTC, a day is its beginning. Raises ValueError."""
    if value is None:
        return None
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise ValueError(value)
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _place(node: yaml.Node, path: tuple[Any, ...], lines: dict[tuple[Any, ...], int]) -> Iterable[tuple[str, int]]:
    """Note the line of every value; yield the keys that stand twice in one mapping."""
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for place, inner in enumerate(node.value):
            yield from _place(inner, (*path, place), lines)
    elif isinstance(node, yaml.MappingNode):
        for key, inner in node.value:
            if (*path, key.value) in lines:
                yield key.value, key.start_mark.line + 1
            yield from _place(inner, (*path, key.value), lines)
            lines[*path, key.value] = key.start_mark.line + 1


def _wrong(document: Document) -> Iterable[str]:
    schema = _SCHEMAS.get(document.name, _MONITOR)
    for error in jsonschema.Draft202012Validator(schema).iter_errors(document.content):
        path = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            for extra in [name for name in error.instance if name not in error.schema["properties"]]:
                yield f"{document.at(*path, extra)}: nothing is called {extra} here; there is {', '.join(error.schema['properties'])}."
        elif error.validator == "oneOf" and "kind" in error.schema.get("properties", {}):
            yield f"{document.at(*path)}: a condition has values, or the name of a list."
        elif error.validator == "oneOf":
            yield f"{document.at(*path)}: name the detection (an imported monitor has imported: true and its uuid instead)."
        else:
            yield f"{document.at(*path)}: {'.'.join(map(str, path)) or 'the file'}: {error.message[:200]}"


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120)


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())
