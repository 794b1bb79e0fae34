"""How an operation is told in the schema: one decorator for each method of an endpoint."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, TypeVar, cast

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers

F = TypeVar("F", bound=Callable[..., Any])


class Refusal(serializers.Serializer[dict[str, str]]):
    """Why nothing was done."""

    code = serializers.CharField(help_text="Stable, for programs.")
    detail = serializers.CharField(help_text="What happened and what to do, in a sentence.")


BAD_REQUEST = {
    "type": "object",
    "additionalProperties": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
}
SAYS: dict[int, OpenApiResponse] = {
    400: OpenApiResponse(
        BAD_REQUEST, "The request makes no sense: each field or parameter with what is wrong with it."
    ),
    401: OpenApiResponse(Refusal, "No live token was given, and nobody is signed in."),
    403: OpenApiResponse(
        Refusal, "The token lacks the scope, its owner's role does not allow it, or the rules forbid it."
    ),
    404: OpenApiResponse(Refusal, "There is no such thing."),
    409: OpenApiResponse(Refusal, "It does not go with how things stand. Nothing was done."),
    411: OpenApiResponse(Refusal, "The body came without its length."),
    413: OpenApiResponse(Refusal, "The body is too large."),
    429: OpenApiResponse(Refusal, "Too many requests in this minute: `Retry-After` says when the next is answered."),
}
ALWAYS = (400, 401, 403, 429)


def operation(
    name: str,
    answers: Any,
    *,
    status: int = 200,
    asks: Any = None,
    parameters: Sequence[OpenApiParameter] = (),
    refuses: Sequence[int] = (),
    conflict: Any = None,
) -> Callable[[F], F]:
    """
    Describe a method as the operation `name`: what it takes (`asks`), what it answers, and how it refuses beyond ALWAYS.

    The endpoint refuses parameters that are not described: the names of the others stand on the method as `takes`.
    `conflict` is the serializer of what 409 says, where that is more than a Refusal.
    """
    may = {*ALWAYS, *refuses, *((411, 413) if asks else ())}
    responses: dict[int, Any] = {status: answers, **{code: SAYS[code] for code in sorted(may)}}
    if conflict is not None:
        responses[409] = OpenApiResponse(
            conflict, "Somebody or something changed it meanwhile, or it does not go. Nothing was done."
        )
    described = extend_schema(operation_id=name, request=asks, responses=responses, parameters=[*parameters])

    def describe(method: F) -> F:
        told: Any = described(method)
        told.takes = frozenset(one.name for one in parameters)
        return cast("F", told)

    return describe


@cache
def paged(one: type[serializers.BaseSerializer[Any]]) -> serializers.Serializer[Any]:
    """Return the serializer of a page of rows that `one` tells."""
    page = inline_serializer(
        f"{one.__name__.removesuffix('Out')}Page",
        {
            "next": serializers.URLField(allow_null=True, help_text="Where the next rows are; null after the last."),
            "results": one(many=True),
        },
    )
    type(page).__doc__ = "Some rows, the newest first, and where the next ones are."
    return page


def many(one: type[serializers.Serializer[Any]], rows: Iterable[Any]) -> Any:
    """Return rows as `one` tells each."""
    return one(rows, many=True).data
