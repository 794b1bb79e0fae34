"""What addresses ask, read by forms as the pages read them; but what makes no sense is refused here, and nothing is left out."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from django import forms
from django.db.models import Model, QuerySet
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.utils.urls import replace_query_param

from alerts.api.operation import many
from alerts.views.filters import BIGGEST_ID

DEFAULT_LIMIT, MAX_LIMIT = 50, 200

M = TypeVar("M", bound=Model)


class Paged(forms.Form):
    """How much of a list: at most `limit` rows, those before a key."""

    limit = forms.IntegerField(
        min_value=1, max_value=MAX_LIMIT, required=False,
        help_text=f"At most so many: 1 to {MAX_LIMIT}, by default {DEFAULT_LIMIT}.",
    )  # fmt: skip
    before = forms.IntegerField(
        min_value=1, max_value=BIGGEST_ID, required=False, help_text="Those before this id: `next` says it for you."
    )


@dataclass(frozen=True)
class Page(Generic[M]):
    """Some rows, and the address of the next ones; None when there are none."""

    next: str | None
    results: Sequence[M]


def refuse_unknown(address: QueryDict, known: Container[str]) -> None:
    """Raise ValidationError for a parameter that is not known: a typo must not ask for everything."""
    unknown = {name: ["There is no such parameter."] for name in address if name not in known}
    if unknown:
        raise ValidationError(unknown)


def checked(form: forms.Form, address: QueryDict) -> dict[str, Any]:
    """Return what an address asks. Raises ValidationError for what makes no sense, and for what is said twice."""
    wrong = {name: ["It is given twice."] for name in form.fields if len(address.getlist(name)) > 1}
    if not form.is_valid():
        wrong |= {name: [str(one) for one in said] for name, said in form.errors.items()}
    if wrong:
        raise ValidationError(wrong)
    return form.cleaned_data


def page(request: Request, rows: QuerySet[M], asked: dict[str, Any]) -> Page[M]:
    """Return a page of rows, the highest key first: by key, never by offset."""
    if asked.get("before"):
        rows = rows.filter(pk__lt=asked["before"])
    return cut(request, rows.order_by("-pk")[: limit_of(asked) + 1], asked)


def limit_of(asked: dict[str, Any]) -> int:
    """Return how many rows are asked for."""
    return asked.get("limit") or DEFAULT_LIMIT


def cut(request: Request, rows: Iterable[M], asked: dict[str, Any]) -> Page[M]:
    """Return a page of rows, of which one more than asked for was fetched where there is one."""
    limit, found = limit_of(asked), list(rows)
    more = len(found) > limit
    address = replace_query_param(request.build_absolute_uri(), "before", found[limit - 1].pk) if more else None
    return Page(address, found[:limit])


def answered(one: type[Serializer[Any]], found: Page[M]) -> Response:
    """Return a page as it is answered: what `operation.paged` describes."""
    return Response({"next": found.next, "results": many(one, found.results)})


def parameters(form: type[forms.Form], words: Mapping[str, str] = MappingProxyType({})) -> list[OpenApiParameter]:
    """Return the fields of a form as the schema tells them; `words` for those that have no help text."""
    return [
        _parameter(name, field, str(field.help_text) or words.get(name, "")) for name, field in form.base_fields.items()
    ]


def _parameter(name: str, field: forms.Field, words: str) -> OpenApiParameter:
    choices = [value for value, _ in getattr(field, "choices", ()) if value != ""]
    number = isinstance(field, forms.IntegerField) or (bool(choices) and all(isinstance(one, int) for one in choices))
    schema: dict[str, Any] = {"type": "integer" if number else "string"}
    if isinstance(field, forms.UUIDField):
        schema["format"] = "uuid"
    limits = {"minimum": "min_value", "maximum": "max_value", "maxLength": "max_length"}
    schema |= {key: getattr(field, of) for key, of in limits.items() if getattr(field, of, None) is not None}
    if choices:
        schema["enum"] = choices
    return OpenApiParameter(name, schema, description=words, required=field.required)
