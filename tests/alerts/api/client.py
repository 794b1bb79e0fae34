"""A program that calls the API. Whatever it is answered must be what the schema says."""

import json
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from django.test import Client
from django.test.client import RequestFactory
from openapi_core import OpenAPI
from openapi_core.contrib.django import DjangoOpenAPIRequest, DjangoOpenAPIResponse

from alerts.api import reference
from alerts.choices import Scope
from alerts.services import api_tokens
from core.models import Person

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer


@cache
def contract() -> OpenAPI:
    return OpenAPI.from_dict(reference.schema())


@dataclass(frozen=True)
class Program:
    """Calls with a token (none: as a stranger), and holds each answer to the schema."""

    token: str

    def get(self, path: str, **query: Any) -> "Answer":
        return self.send("GET", path, query=query)

    def post(self, path: str, body: Any = None, **more: Any) -> "Answer":
        return self.send("POST", path, body={} if body is None else body, **more)

    def delete(self, path: str) -> "Answer":
        return self.send("DELETE", path)

    def send(self, method: str, path: str, *, body: Any = None, query: Any = None) -> "Answer":
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        address = path.removeprefix("http://testserver") if path.startswith("http") else f"/api/v1{path}"
        told: dict[str, Any] = {"query_params": query} if query else {}
        if body is not None:
            told |= {
                "data": body if isinstance(body, str | bytes) else json.dumps(body),
                "content_type": "application/json",
            }
        answer = Client().generic(method, address, headers=headers, **told)
        asked = RequestFactory().generic(method, address, headers=headers, **told)
        contract().validate_response(DjangoOpenAPIRequest(asked), DjangoOpenAPIResponse(answer))  # type: ignore[arg-type]
        return answer


def program_of(owner: Person, *scopes: Scope) -> Program:
    """Return a program of somebody's, with a token for these scopes."""
    _, text = api_tokens.make(owner, name="SOAR", scopes=list(scopes), lifetime=timedelta(days=30))
    return Program(text)
