"""
Sigma, the field's exchange format: a rule for Okta becomes a *match* detection, by pySigma and its OpenSearch backend.

Public Okta rules write Okta's field names in lower case; they are mapped back to Okta's own, and at rendering to the index's. What
cannot be carried over is said, never left out silently. pySigma escapes what a rule's values hold.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from sigma.backends.opensearch import OpensearchLuceneBackend  # type: ignore[attr-defined]  # its way to export
from sigma.collection import SigmaCollection
from sigma.conditions import ConditionFieldEqualsValueExpression, ConditionItem, ConditionValueExpression
from sigma.exceptions import SigmaError
from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
from sigma.processing.transformations import FieldMappingTransformation
from sigma.rule import SigmaRule

from monitors.errors import DefinitionError
from monitors.profiles import KEYWORDS, TYPED, Profile

LEVELS = {"critical": 1, "high": 2, "medium": 3, "low": 4, "informational": 5}
# Names that public rules use beside Okta's own in lower case.
ALIASES = {
    "event.type": "eventType",
    "event_type": "eventType",
    "displaymessage": "displayMessage",
    "src_ip": "client.ipAddress",
}
OKTA_NAMES = {name.lower(): name for name in (*KEYWORDS, *TYPED)} | ALIASES


@dataclass(frozen=True)
class Imported:
    """A rule as a catalogue file's content, with what of it could not be carried over."""

    raw: Mapping[str, Any]
    not_carried: tuple[str, ...]


def read(text: str) -> Iterator[Imported]:
    """Yield the detection of each rule in a file (YAML documents). Raises DefinitionError with what is wrong and where."""
    for number, document in enumerate(_documents(text), start=1):
        source = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
        yield _imported(_rule(source, f"document {number}"), source)


def lucene(source: str, profile: Profile) -> str:
    """Return a rule's condition as a Lucene query in the index's names. Raises DefinitionError, MissingField for a name it lacks."""
    rule = _rule(source, "the rule")
    mapping: dict[str | None, str | list[str]] = {name: profile.name(_okta_name(name)) for name in _fields(rule)}
    backend = OpensearchLuceneBackend(ProcessingPipeline([ProcessingItem(FieldMappingTransformation(mapping))]))
    try:
        queries = backend.convert(SigmaCollection([_rule(source, "the rule")]))
    except (SigmaError, NotImplementedError) as error:
        raise DefinitionError(f"{rule.title}: {error}") from error
    return " OR ".join(f"({query})" for query in queries)


def _documents(text: str) -> list[Any]:
    try:
        return [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.YAMLError as error:
        raise DefinitionError(f"It is no YAML: {' '.join(str(error).split())[:300]}") from error


def _rule(source: str, where: str) -> SigmaRule:
    data = yaml.safe_load(source)
    if not isinstance(data, dict):
        raise DefinitionError(f"{where} is no Sigma rule.")
    if "correlation" in data:
        raise DefinitionError(
            f"{data.get('title', where)}: correlation rules are not carried over; use a window program of the catalogue."
        )
    try:
        rule = SigmaRule.from_dict(data)
        _ = [condition.parsed for condition in rule.detection.parsed_condition]
    except SigmaError as error:
        raise DefinitionError(f"{data.get('title', where)}: {error}") from error
    return rule


def _imported(rule: SigmaRule, source: str) -> Imported:
    product = rule.logsource.product
    if product != "okta":
        raise DefinitionError(f"{rule.title}: its log source is {product or 'none'}, not okta.")
    unknown = sorted(name for name in _fields(rule) if name.lower() not in OKTA_NAMES)
    if unknown:
        raise DefinitionError(
            f"{rule.title}: {', '.join(unknown)} cannot be carried over, since no index profile knows it."
        )
    not_carried = ["letters' case counts in keyword fields, where Sigma does not mind it"]
    if rule.detection.parsed_condition and any(isinstance(item, ConditionValueExpression) for item in _items(rule)):
        not_carried.append("words without a field are looked for in the index's default fields")
    if rule.custom_attributes.get("timeframe"):
        not_carried.append("its timeframe: each matching event is a finding")
    if rule.fields:
        not_carried.append("its list of fields: pages show what they always show")
    told = {
        "id": f"sigma-{re.sub(r'[^a-z0-9]+', '-', rule.title.lower()).strip('-')}"[:60].rstrip("-"),
        "version": 1,
        "title": rule.title[:80],
        "why": rule.description or rule.title,
        "shape": "match",
        "severity": LEVELS.get(str(rule.level).lower(), 3) if rule.level else 3,
        "attack": [tag.name.upper() for tag in rule.tags if re.fullmatch(r"t\d{4}(\.\d{3})?", tag.name)],
        "engines": ["classic", "identity"],
        "entity": {"type": "user", "id": ["actor.id", "actor.alternateId"], "name": "actor.alternateId"},
        "query": [{"sigma": {"rule": source, "fields": sorted({_okta_name(name) for name in _fields(rule)})}}],
        "sentence": "{entity}: {what} ({target})",
        "observed": [{"value": "what", "label": "Event"}, {"value": "target", "label": "On"}],
        "parameters": {},
        "false_positives": [str(one) for one in rule.falsepositives if str(one).lower() != "unknown"],
        "blind": "Imported from Sigma: it was not proved here by events of its own.",
        "runbook": ["Contain: decide from the event and its actor whether somebody must be stopped first."]
        + [f"Read {reference}" for reference in rule.references[:5]],
        "tests": [],
    }
    return Imported(told, tuple(not_carried))


def _okta_name(name: str) -> str:
    found = OKTA_NAMES.get(name.lower())
    if found is None:
        raise DefinitionError(f"No index profile knows the field {name}.")
    return found


def _items(rule: SigmaRule) -> Iterator[Any]:
    for condition in rule.detection.parsed_condition:
        yield from _walk(condition.parsed)


def _walk(node: Any) -> Iterator[Any]:
    yield node
    if isinstance(node, ConditionItem):
        for inner in node.args:
            yield from _walk(inner)


def _fields(rule: SigmaRule) -> list[str]:
    names = [item.field for item in _items(rule) if isinstance(item, ConditionFieldEqualsValueExpression)]
    return list(dict.fromkeys(names))
