"""What the schema promises. That answers keep it is held by every test that calls (see `client.py`)."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from alerts.api import reference
from alerts.choices import Scope
from tests.factories import make_user

DESCRIBED = reference.schema()
OPERATIONS = [
    pytest.param(path, method, one, id=one["operationId"])
    for path, methods in DESCRIBED["paths"].items()
    for method, one in methods.items()
]


def test_the_schema_is_valid_and_made_without_a_warning(tmp_path: Path) -> None:
    out = tmp_path / "schema.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(out), stdout=StringIO())
    assert out.read_text().startswith("openapi: 3.1")


def test_each_operation_has_a_name_of_its_own() -> None:
    names = [one.values[2]["operationId"] for one in OPERATIONS]  # type: ignore[index]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("path", "method", "one"), OPERATIONS)
def test_each_operation_says_what_it_does_needs_and_answers(path: str, method: str, one: dict[str, Any]) -> None:
    assert path.startswith("/api/v1/")
    assert one["summary"].endswith(".")
    scopes = next(needed["token"] for needed in one["security"] if "token" in needed)
    assert set(scopes) <= set(Scope.values)
    assert bool(scopes) == (path != "/api/v1/me/")
    assert all(f"`{scope}`" in one["description"] for scope in scopes)
    assert {"401", "403", "429"} <= set(one["responses"])
    assert any(status in one["responses"] for status in ("200", "201", "204"))
    assert ("404" in one["responses"]) == ("{" in path)
    assert all(answer.get("description") or status < "300" for status, answer in one["responses"].items())


@pytest.mark.parametrize(("path", "method", "one"), OPERATIONS)
def test_each_parameter_says_what_it_means(path: str, method: str, one: dict[str, Any]) -> None:
    assert all(told["description"] for told in one.get("parameters", ()) if told["in"] == "query")


def test_only_the_api_is_described() -> None:
    assert not [path for path in DESCRIBED["paths"] if "okta-detections" in path or "jira" in path]
    assert "x-spec-enum-id" not in str(DESCRIBED)


def test_everything_that_a_thing_refers_to_stands_in_the_schema() -> None:
    names = {name for name, _, _ in reference.things(DESCRIBED)}
    assert names
    referred = {field.kind.thing for _, _, fields in reference.things(DESCRIBED) for field in fields}
    assert referred - {""} <= names


@pytest.mark.parametrize(
    ("schema", "words", "thing"),
    [
        ({"type": "string", "format": "date-time"}, "time", ""),
        ({"type": ["string", "null"]}, "null or text", ""),
        ({"type": "string", "enum": ["a", "b"]}, "one of a, b", ""),
        ({"type": ["string", "null"], "enum": ["a", None]}, "null or one of a", ""),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Alert"}}, "list of ", "Alert"),
        ({"oneOf": [{"$ref": "#/components/schemas/Ticket"}, {"type": "null"}]}, "null or ", "Ticket"),
        ({"type": "array", "items": {}}, "list of anything", ""),
    ],
)
def test_a_kind_is_told_in_words(schema: dict[str, Any], words: str, thing: str) -> None:
    assert reference.kind_of(schema) == reference.Kind(words, thing)


@pytest.mark.django_db
def test_the_page_tells_every_operation_and_thing(client: Client) -> None:
    client.force_login(make_user())
    page = client.get("/api/docs/").content.decode()
    for one in OPERATIONS:
        assert f'id="{one.values[2]["operationId"]}"' in page  # type: ignore[index]
    for name, _, _ in reference.things(DESCRIBED):
        assert f'id="thing-{name}"' in page
    assert "<script>" not in page
