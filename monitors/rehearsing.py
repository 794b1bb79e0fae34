"""
What a rehearsal writes, and where. Pure.

A rehearsal is a detection's own test events, moved to now, about people who exist nowhere, laid out as the monitor's index lays
out its own. They lie in an index of their own, which the monitor reads besides its own: `okta-rehearsal-<pattern>-<day>-<rehearsal>`.
One such index never meets a monitor of another layout, since the pattern's hash stands in its name.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any
from uuid import UUID, uuid4

from monitors import facts, ingest, proving
from monitors.definitions import Definition
from monitors.errors import DefinitionError
from monitors.layouts import LAYOUTS
from monitors.profiles import Profile, lacks
from monitors.proving import Case

PREFIX = "okta-rehearsal-"
MARK = "oktadetect"  # the field that says which rehearsal a document is of, and carries its signature
KEPT_SETTINGS = ("analysis", "mapping")  # of an index, besides its mapping: what the mapping may name

# Whom and what the tests speak of: made over, so that no two rehearsals, and no rehearsal and reality, share an entity.
_OWN = re.compile(
    r"\b(?:00u(?!System\b)(?P<user>\w*)|(?P<name>[\w.+-]+)@example\.com|(?P<thing>idx-|guo|dt-)(?P<rest>\w*))",
    re.IGNORECASE,
)
_DOCUMENTATION = re.compile(r"^(?:203\.0\.113|198\.51\.100|192\.0\.2)\.\d+$")  # RFC 5737: nobody's addresses


def pattern(index_pattern: str) -> str:
    """Return what a monitor over this pattern reads besides it."""
    return f"{PREFIX}{_key(index_pattern)}-*"


def index_name(index_pattern: str, at: datetime, rehearsal: UUID) -> str:
    """Return the index of one rehearsal."""
    return f"{PREFIX}{_key(index_pattern)}-{at:%Y.%m.%d}-{rehearsal.hex[-12:]}"


def _key(index_pattern: str) -> str:
    return hashlib.sha256(index_pattern.encode()).hexdigest()[:10]


def without(index_pattern: str) -> str:
    """Return the pattern for searches that must not meet rehearsals: one as wide as `okta-*` leaves them out in words."""
    parts = index_pattern.split(",")
    return ",".join(f"{part},-{PREFIX}*" if fnmatchcase(f"{PREFIX}0", part) else part for part in parts)


def choose(definition: Definition, values: Mapping[str, Any], profile: Profile, end: datetime) -> Case:
    """
    Return the test whose events are played: the first that fires with the monitor's own values in its own index.

    Where the monitor's limit is higher than the one that the test was written for, its repeated events are as many more.
    Raises DefinitionError when no test of the detection fits.
    """
    raw = replace(
        definition, raw={**definition.raw, "tests": [_more(one, definition, values) for one in _tests(definition)]}
    )
    fitting = [
        case
        for case in proving.cases(raw, end)
        if case.fires and not lacks(profile, case.needs) and all(values.get(k) == v for k, v in case.params.items())
    ]
    if not fitting:
        raise DefinitionError(f"{definition.title} has no test that fires with this monitor's values in its index.")
    return min(fitting, key=lambda case: bool(case.params))


def _tests(definition: Definition) -> Sequence[Mapping[str, Any]]:
    tests: Sequence[Mapping[str, Any]] = definition.raw.get("tests", ())
    return tests


def _more(test: Mapping[str, Any], definition: Definition, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the test with its repeated events as many times more as the monitor's highest limit is above the test's, in the same time."""
    factor = max(
        (
            values[name] / limit
            for name, parameter in definition.parameters.items()
            if parameter.type == "integer" and (limit := test.get("params", {}).get(name, parameter.default)) > 0
        ),
        default=1.0,
    )
    if factor <= 1:
        return dict(test)
    rows = []
    for row in test["events"]:
        times = row.get("times", 1)
        if times > 1:
            more = -int(-times * factor // 1)
            step = proving.span(row.get("every", "1m")).total_seconds() * 1000 * (times - 1) / (more - 1)
            row = {**row, "times": more, "every": f"{step:.0f}ms"}
        rows.append(row)
    kept = {name: value for name, value in test.get("params", {}).items() if values.get(name) == value}
    return {**test, "events": rows, "params": kept}


def events(case: Case, rehearsal: UUID) -> list[dict[str, Any]]:
    """Return the test's events about people, sessions, devices and addresses that are this rehearsal's alone, with new uuids."""
    short = rehearsal.hex[-6:]
    uuids = {str(event["uuid"]): str(uuid4()) for event in case.events}
    return [_made_over(event, short, uuids) for event in case.events]


def _made_over(value: Any, short: str, uuids: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _made_over(inner, short, uuids) for key, inner in value.items()}
    if isinstance(value, list):
        return [_made_over(inner, short, uuids) for inner in value]
    if not isinstance(value, str):
        return value
    if value in uuids:
        return uuids[value]
    if _DOCUMENTATION.match(value):
        digest = hashlib.sha256(f"{short}/{value}".encode()).digest()
        return f"198.{18 + digest[0] % 2}.{digest[1]}.{digest[2]}"  # RFC 2544: for tests, and routed nowhere
    return _OWN.sub(lambda found: _renamed(found, short), value)


def _renamed(found: re.Match[str], short: str) -> str:
    if found["user"] is not None:
        return f"00ur{short}{found['user']}"
    if found["name"] is not None:
        return f"rehearsal-{short}-{found['name']}@example.com"
    return f"{found['thing']}{short}{found['rest']}"


def document(event: Mapping[str, Any], profile: Profile) -> dict[str, Any]:
    """Return the document of an event in the layout that the profile tells."""
    if profile.ecs:
        return LAYOUTS["ecs"].document(event)
    if not profile.prefix:
        made = ingest.prepare(event, received=datetime.now().astimezone()).source
    else:
        made = dict(event)
        for step in reversed(profile.prefix.rstrip(".").split(".")):
            made = {step: made}
    for okta_field, name in profile.names.items():  # what a person corrected lies elsewhere than the layout says
        usual = profile.prefix + okta_field
        if name.removesuffix(".keyword") != usual and (value := facts.read(event, okta_field)) is not None:
            _put(made, name.removesuffix(".keyword"), value)
    return made


def _put(document: dict[str, Any], path: str, value: Any) -> None:
    *steps, last = path.split(".")
    for step in steps:
        document = document.setdefault(step, {})
    document.setdefault(last, value)


def index_body(mapping: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the body that makes an index as another is laid out: its mapping, and what of its settings the mapping needs.

    No pipeline touches what is written there: a document that changes on its way would lose its signature.
    """
    properties = {**mapping.get("properties", {}), MARK: {"type": "object", "enabled": False}}
    kept = {name: settings[name] for name in KEPT_SETTINGS if name in settings}
    return {
        "mappings": {**mapping, "properties": properties},
        "settings": {
            "index": {
                **kept,
                "number_of_shards": 1,
                "number_of_replicas": 0,
                "hidden": False,
                "default_pipeline": "_none",
                "final_pipeline": "_none",
            }
        },
    }


def signed_content(source: Mapping[str, Any], rehearsal: str, index: str) -> str:
    """Return what a signature is over: which rehearsal, in which index, and the document but for its mark."""
    content = {name: value for name, value in source.items() if name != MARK}
    return json.dumps([rehearsal, index, content], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
