"""The schema made readable: operations by what they are about, and the things that they take and answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

Json = Mapping[str, Any]

WORDS = {"string": "text", "integer": "number", "number": "number", "boolean": "yes or no", "object": "object"}
FORMATS = {"date-time": "time", "uuid": "uuid", "uri": "address"}


@dataclass(frozen=True)
class Kind:
    """What a value is, in words; `thing` is the thing that the words end with, shown elsewhere on the page."""

    words: str
    thing: str = ""


@dataclass(frozen=True)
class Field:
    """A parameter, or a field of a thing."""

    name: str
    kind: Kind
    required: bool
    words: str


@dataclass(frozen=True)
class Answer:
    """What a status says."""

    status: str
    words: str
    kind: Kind | None


@dataclass(frozen=True)
class Operation:
    """One method of one address."""

    id: str
    method: str
    path: str
    summary: str
    words: list[str]
    scope: str
    parameters: list[Field]
    takes: Kind | None
    answers: list[Answer]


@cache
def schema() -> dict[str, Any]:
    """Return the whole schema. It depends on nothing but the code."""
    described: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return described


def groups(described: Json) -> list[tuple[Json, list[Operation]]]:
    """Return each tag with its operations, in the order of the tags."""
    found = list(_operations(described))
    return [(tag, [one for name, one in found if name == tag["name"]]) for tag in described["tags"]]


def things(described: Json) -> list[tuple[str, list[str], list[Field]]]:
    """Return each thing's name, paragraphs and fields."""
    named = described["components"]["schemas"]
    return [(name, _paragraphs(one.get("description", "")), _fields(one)) for name, one in named.items()]


def _paragraphs(words: str) -> list[str]:
    return [" ".join(paragraph.split()) for paragraph in words.split("\n\n")]


def _operations(described: Json) -> Iterator[tuple[str, Operation]]:
    for path, methods in described["paths"].items():
        for method, one in methods.items():
            body = one.get("requestBody", {}).get("content", {}).get("application/json")
            scopes: list[str] = next((needed["token"] for needed in one["security"] if "token" in needed), [])
            yield (
                one["tags"][0],
                Operation(
                    id=one["operationId"],
                    method=method.upper(),
                    path=path,
                    summary=one["summary"],
                    words=_paragraphs(one["description"])[1:-1],
                    scope=scopes[0] if scopes else "",
                    parameters=[_parameter(told) for told in one.get("parameters", ())],
                    takes=kind_of(body["schema"]) if body else None,
                    answers=[_answer(status, told) for status, told in sorted(one["responses"].items())],
                ),
            )


def _parameter(told: Json) -> Field:
    in_path = told["in"] == "path"
    return Field(
        told["name"], kind_of(told["schema"]), told.get("required", in_path), told.get("description", "In the address.")
    )


def _answer(status: str, told: Json) -> Answer:
    content = told.get("content", {}).get("application/json", {}).get("schema")
    return Answer(status, told.get("description", ""), kind_of(content) if content else None)


def _fields(thing: Json) -> list[Field]:
    required = thing.get("required", ())
    return [
        Field(name, kind_of(one), name in required, one.get("description", ""))
        for name, one in thing.get("properties", {}).items()
    ]


def kind_of(one: Json) -> Kind:
    """Return a schema in words. What may be null says so, whichever way the schema does."""
    if "$ref" in one:
        name = one["$ref"].rpartition("/")[2]
        return Kind("", name)
    for joined in ("allOf", "oneOf", "anyOf"):
        if joined in one:
            parts = [kind_of(part) for part in one[joined] if part.get("type") != "null"]
            null = "null or " if len(parts) < len(one[joined]) else ""
            return Kind(null + " or ".join(part.words for part in parts if part.words), parts[-1].thing)
    types = one.get("type", [])
    plain = [name for name in ([types] if isinstance(types, str) else types) if name != "null"]
    null = "null or " if "null" in types and not isinstance(types, str) else ""
    if "enum" in one:
        return Kind(null + "one of " + ", ".join(str(value) for value in one["enum"] if value is not None))
    if plain == ["array"]:
        of = kind_of(one.get("items", {}))
        return Kind(f"{null}list of {of.words}", of.thing)
    return Kind(null + FORMATS.get(one.get("format", ""), WORDS.get("".join(plain), "anything")))
