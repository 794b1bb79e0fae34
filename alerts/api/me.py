"""Who is calling, as we see it."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.api.access import caller, user_of
from alerts.api.endpoint import Endpoint
from alerts.api.operation import operation
from alerts.api.tell_alerts import PersonOut
from alerts.choices import Scope
from alerts.models import ApiToken
from alerts.services import api_tokens


class TokenOut(serializers.Serializer[ApiToken]):
    """The token of this request."""

    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.DateTimeField()


class MeOut(serializers.Serializer[Any]):
    """The account, and what this request may do: what the token is for and the account's role allows."""

    person = PersonOut()
    token = TokenOut(allow_null=True, help_text="Null for somebody who is signed in.")
    may = serializers.ListField(child=serializers.ChoiceField(Scope.choices))


class Me(Endpoint):
    """The caller."""

    needs: ClassVar = {"GET": None}

    @operation("me", MeOut)
    def get(self, request: Request) -> Response:
        """Read who is calling, and what they may do."""
        token = request.auth if isinstance(request.auth, ApiToken) else None
        may = [
            scope.value
            for scope in Scope
            if (token is None or scope in token.scopes) and api_tokens.may(user_of(request), scope)
        ]
        return Response(MeOut({"person": caller(request), "token": token, "may": may}).data)
