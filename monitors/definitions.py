"""
Detections as data: a catalogue file becomes a typed Definition. Pure, but for reading the catalogue's files once.

The schema of a file stands in `catalog/schema.json`, with a description at every key.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from monitors.errors import DefinitionError
from monitors.facts import SHOWN

CATALOG = Path(__file__).parent / "catalog"
SEVERITIES = {1: "critical", 2: "high", 3: "medium", 4: "low", 5: "info"}


@dataclass(frozen=True)
class Parameter:
    """One value that a team may change: what it means, its unit, its bounds, and where the default comes from."""

    name: str
    type: str  # integer | number | minutes | list
    label: str
    default: Any
    help: str
    source: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None

    def check(self, value: Any) -> Any:
        """Return `value` in its right type. Raises DefinitionError with a sentence when it is none or out of bounds."""
        if self.type == "list":
            if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
                raise DefinitionError(f"{self.label}: expected a list of names.")
            return [item.strip() for item in value]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise DefinitionError(f"{self.label}: {value!r} is no number.")
        if self.type != "number" and value != int(value):
            raise DefinitionError(f"{self.label}: {value} must be a whole number.")
        low, high = self.minimum, self.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            raise DefinitionError(
                f"{self.label}: {value} lies outside {low:g} to {high:g} {self.unit}.".replace(" .", ".")
            )
        return value if self.type == "number" else int(value)


@dataclass(frozen=True)
class Observation:
    """A value of a finding that stands beside its limit: `value` names it in `observed`, `limit` the parameter."""

    value: str
    label: str
    limit: str | None = None
    unit: str = ""


@dataclass(frozen=True)
class Modifier:
    """Moves a finding's severity to `severity` when the observed value `when` equals `equals`, or is a number of `at_least`."""

    when: str
    severity: int
    because: str
    equals: Any = None
    at_least: float | None = None

    def holds(self, observed: Mapping[str, Any]) -> bool:
        """Whether it moves a finding with these observed values."""
        value = observed.get(self.when)
        if self.at_least is None:
            return bool(value == self.equals)
        return isinstance(value, int | float) and value >= self.at_least


@dataclass(frozen=True)
class Part:
    """One part of an entity's key: the first of `fields` that holds values beginning with `prefix`, or a `constant`."""

    fields: tuple[str, ...] = ()
    prefix: str = ""
    constant: str = ""


@dataclass(frozen=True)
class Condition:
    """
    What one field of a stage's event must say. `how`: is, has (contains, in any case), starts, or same (as `other`, in any case).

    `negated` turns it round.
    """

    field: str
    values: Any  # a list of texts, or the name of a parameter
    how: str = "is"
    negated: bool = False
    other: str = ""

    @property
    def fields(self) -> set[str]:
        """The Okta fields that it reads."""
        return {self.field, self.other} - {""}


@dataclass(frozen=True)
class Stage:
    """
    One kind of event of a program: any of its `alternatives`, each all of its conditions. `key` says whose event it is.

    Of a `recent` stage, only the events are read that a finding may end with: those within `emit`.
    """

    name: str
    alternatives: tuple[tuple[Condition, ...], ...]
    key: tuple[Part, ...]
    recent: bool = False


@dataclass(frozen=True)
class Definition:
    """A detection of the catalogue. `raw` is the file as it was read: its bytes decide the hash of a rendered monitor."""

    id: str
    version: int
    title: str
    why: str
    shape: str  # match | program
    program: str | None
    severity: int
    attack: tuple[str, ...]
    engines: tuple[str, ...]
    entity_type: str
    entity_id: tuple[str, ...]
    entity_prefix: str
    entity_name: str
    query: tuple[Mapping[str, Any], ...]
    stages: tuple[Stage, ...]
    settings: Mapping[str, Any]
    span: str | int
    sentence: str
    observed: tuple[Observation, ...]
    only_new: tuple[str, ...]
    modifiers: tuple[Modifier, ...]
    parameters: Mapping[str, Parameter]
    false_positives: tuple[str, ...]
    blind: str
    runbook: tuple[str, ...]
    raw: Mapping[str, Any]

    @property
    def key(self) -> tuple[Part, ...]:
        """Whose an event is where no stage says otherwise: the entity, or the whole tenant."""
        return (Part(self.entity_id, self.entity_prefix) if self.entity_id else Part(constant="org"),)

    def values(self, chosen: Mapping[str, Any]) -> dict[str, Any]:
        """Return every parameter's value: `chosen` where given, else the default. Raises DefinitionError."""
        unknown = set(chosen) - set(self.parameters)
        if unknown:
            raise DefinitionError(f"{self.title} has no parameter {', '.join(sorted(unknown))}.")
        return {name: p.check(chosen.get(name, p.default)) for name, p in self.parameters.items()}

    def event_types(self) -> list[str]:
        """Return the event types that the search asks for, in the order of the file."""
        found: list[str] = []
        for clause in self.query:
            found += _types_of(clause)
        for stage in self.stages:
            for conditions in stage.alternatives:
                found += [
                    kind
                    for one in conditions
                    if one.field == "eventType" and one.how == "is" and not one.negated
                    for kind in one.values
                ]
        return list(dict.fromkeys(found))

    def needs(self) -> list[str]:
        """Return the Okta fields without which the search cannot be told, in the order of the file."""
        found = [] if self.stages else list(self.entity_id[:1])
        for clause in self.query:
            found += _fields_of(clause)
        for stage in self.stages:
            named = [
                {field for condition in conditions if not condition.negated for field in condition.fields}
                for conditions in stage.alternatives
            ]
            found += sorted(set.intersection(*named)) if named else []
            found += [part.fields[0] for part in stage.key if len(part.fields) == 1]
        return list(dict.fromkeys(["published", *found, *self.settings.get("fields", [])]))


def parse(raw: Mapping[str, Any]) -> Definition:
    """Return the Definition of a catalogue file's content. Raises DefinitionError with the path of what is wrong."""
    wrong = jsonschema.exceptions.best_match(_validator().iter_errors(raw))
    if wrong is not None:
        raise DefinitionError(f"{raw.get('id', 'detection')}: {wrong.json_path}: {wrong.message}")
    parameters = {name: Parameter(name=name, **values) for name, values in raw.get("parameters", {}).items()}
    entity = raw["entity"]
    key = (Part(tuple(entity["id"]), entity.get("prefix", "")) if entity["id"] else Part(constant="org"),)
    definition = Definition(
        id=raw["id"],
        version=raw["version"],
        title=raw["title"],
        why=raw["why"].strip(),
        shape=raw["shape"],
        program=raw.get("program"),
        severity=raw["severity"],
        attack=tuple(raw["attack"]),
        engines=tuple(raw["engines"]),
        entity_type=raw["entity"]["type"],
        entity_id=tuple(raw["entity"]["id"]),
        entity_prefix=raw["entity"].get("prefix", ""),
        entity_name=raw["entity"]["name"],
        query=tuple(raw.get("query", ())),
        stages=tuple(_stage(name, told, key) for name, told in raw.get("stages", {}).items()),
        settings=raw.get("settings", {}),
        span=raw.get("span", 0),
        sentence=raw["sentence"],
        observed=tuple(Observation(**values) for values in raw.get("observed", ())),
        only_new=tuple(raw.get("only_new", ())),
        modifiers=tuple(Modifier(**values) for values in raw.get("modifiers", ())),
        parameters=parameters,
        false_positives=tuple(raw["false_positives"]),
        blind=raw["blind"].strip(),
        runbook=tuple(raw["runbook"]),
        raw=raw,
    )
    for name in re.findall(
        r"\$(\w+)", json.dumps([raw.get("query"), raw.get("stages"), raw.get("settings"), raw.get("span")])
    ):
        if name not in parameters:
            raise DefinitionError(f"{definition.id}: ${name} is no parameter.")
    definition.values({})
    _check_names(definition)
    return definition


def _stage(name: str, told: Any, key: tuple[Part, ...]) -> Stage:
    recent = isinstance(told, Mapping) and told.get("recent", False)
    if isinstance(told, Mapping):
        key = tuple(
            Part(tuple(part.get("fields", ())), part.get("prefix", ""), part.get("constant", ""))
            for part in told["key"]
        )
        told = told["any"]
    return Stage(
        name, tuple(tuple(_condition(*pair) for pair in conditions.items()) for conditions in told), key, recent
    )


def _condition(field: str, told: Any) -> Condition:
    if not isinstance(told, Mapping):
        return Condition(field, told)
    how, values = next(iter(told.items()))
    if how == "not":
        return Condition(field, values, negated=True)
    if how in {"same", "not_same"}:
        return Condition(field, [], how="same", negated=how == "not_same", other=values)
    lower = [value.lower() for value in values] if isinstance(values, list) else values
    return Condition(field, lower, how="has" if how == "hasnt" else how, negated=how == "hasnt")


def _check_names(definition: Definition) -> None:
    """Refuse names of stages, shown values and parameters that are none. Raises DefinitionError."""
    stages, settings = {stage.name for stage in definition.stages}, definition.settings
    relations = settings.get("relations", [])
    named = [
        *filter(None, [settings.get("context")]),
        *(one[key] for one in relations for key in ("stage", "than") if key in one),
    ]
    unknown = [name for name in named if name not in stages]
    unknown += [one["shown"] for one in relations if one["shown"] not in SHOWN]
    unknown += [one.limit for one in definition.observed if one.limit and one.limit not in definition.parameters]
    if unknown:
        raise DefinitionError(f"{definition.id}: nothing is called {', '.join(unknown)}.")


@cache
def catalog() -> Mapping[str, Definition]:
    """Return every detection by its id, in alphabetical order."""
    return {name: detection(name) for name in detection_ids()}


@cache
def detection_ids() -> tuple[str, ...]:
    """Return the ids of the catalogue, as its files are named."""
    return tuple(sorted(path.stem.replace("_", "-") for path in CATALOG.glob("*.yaml")))


@cache
def detection(detection_id: str) -> Definition:
    """Return one detection; only its own file is read. Raises DefinitionError when the catalogue has none of that id."""
    if detection_id not in detection_ids():
        raise DefinitionError(f"The catalogue has no detection {detection_id!r}.")
    path = CATALOG / f"{detection_id.replace('-', '_')}.yaml"
    definition = parse(yaml.load(path.read_text(), Loader=yaml.CSafeLoader))
    if definition.id != detection_id:
        raise DefinitionError(f"{path.name} holds the detection {definition.id}.")
    return definition


@cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads((CATALOG / "schema.json").read_text()))


def _types_of(clause: Mapping[str, Any]) -> list[str]:
    kind, body = next(iter(clause.items()))
    if kind in {"any", "all"}:
        return [name for inner in body for name in _types_of(inner)]
    if kind not in {"term", "terms"} or "eventType" not in body:
        return []
    return list(body["eventType"]) if kind == "terms" else [body["eventType"]]


def _fields_of(clause: Mapping[str, Any]) -> list[str]:
    """Return the Okta fields that a clause needs. A `not` and an `any` need none by themselves: what lacks cannot match."""
    kind, body = next(iter(clause.items()))
    if kind in {"not", "any"}:
        return []
    if kind == "all":
        return [name for inner in body for name in _fields_of(inner)]
    if kind == "sigma":
        return list(body["fields"])
    return [body] if kind == "exists" else list(body)  # same: its two fields, term and the like: the one they name
