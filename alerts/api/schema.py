"""What the schema is made of beyond the operations: scopes, names, and which addresses belong to it."""

import inspect
from collections.abc import Mapping
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

PREFIX = "/api/v1/"


class OperationSchema(AutoSchema):
    """Takes an operation's words from the docstring of its method: the first line is its summary."""

    def get_summary(self) -> str:
        """Return the first line."""
        return self._words()[0]

    def get_description(self) -> str:  # type: ignore[override]  # drf-spectacular asks for no more
        """Return the whole docstring, with the scope."""
        summary, rest = self._words()
        scope = scope_of(self)
        needs = f"Scope: `{scope}`." if scope else "Any token may."
        return "\n\n".join(filter(None, [summary, rest, needs]))

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        """Return what the thing is called: classes are named for being answered."""
        name: str = super().get_serializer_name(serializer, direction)
        return name.removesuffix("Out")

    def _words(self) -> tuple[str, str]:
        text = inspect.cleandoc(getattr(self.view, self.method.lower()).__doc__ or "")
        first, _, rest = text.partition("\n")
        return first, rest.strip()


def scope_of(operation: AutoSchema) -> str:
    """Return the scope that an operation needs; empty for none."""
    needs: Mapping[str, str | None] = getattr(operation.view, "needs")  # noqa: B009 - every Endpoint has them
    return str(needs[operation.method] or "")


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How tokens stand in the schema, and which scope an operation needs."""

    target_class = "alerts.api.access.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:  # noqa: ARG002 - drf-spectacular's signature
        """Say how a token is sent."""
        return {"type": "http", "scheme": "bearer", "description": "A token of one's own, made at /account/tokens/."}

    def get_security_requirement(self, auto_schema: AutoSchema) -> dict[str, list[str]]:
        """Return the scope of the operation."""
        scope = scope_of(auto_schema)
        return {self.name: [scope] if scope else []}


def only_ours(endpoints: list[tuple[str, str, str, Any]], **_: Any) -> list[tuple[str, str, str, Any]]:
    """Keep what lies below PREFIX: what posts to us by other addresses has a format of its own."""
    return [one for one in endpoints if one[0].startswith(PREFIX)]


def without_marks(result: Any, **_: Any) -> Any:
    """Take out what drf-spectacular marks choices with, to name them: they stand where they are used."""
    if isinstance(result, dict):
        return {name: without_marks(value) for name, value in result.items() if name != "x-spec-enum-id"}
    return [without_marks(one) for one in result] if isinstance(result, list) else result
