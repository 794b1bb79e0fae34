"""Who calls, what they may do, and how often."""

from django.conf import settings
from django.contrib.auth.models import User
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from alerts.models import ApiToken
from alerts.services import api_tokens
from core import activity
from core.auth import OneQueryBackend
from core.models import Person


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer odt_…`. Another scheme is left to whoever understands it; a token that is none is refused."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return the owner and the token."""
        scheme, _, text = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = api_tokens.let_in(text.strip())
        user = OneQueryBackend().get_user(token.owner.user_id) if token and token.owner.user_id else None
        if token is None or user is None:
            raise AuthenticationFailed(
                "This is no live token: it may have expired or been withdrawn. Make one at /account/tokens/."
            )
        return user, token

    def authenticate_header(self, _request: Request) -> str:
        """Say how to sign in: so 401 is answered, and not 403."""
        return "Bearer"


class MayDoIt(BasePermission):
    """Asks the token for the scope that the endpoint `needs` for a method, and its owner's role for the permissions behind it."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the caller may; raises PermissionDenied with what lacks."""
        if not isinstance(request.user, User):
            return False
        scope = getattr(view, "needs", {}).get("GET" if request.method == "HEAD" else request.method)
        if scope is None:
            return True
        if isinstance(request.auth, ApiToken) and scope not in request.auth.scopes:
            detail = f"The token lacks the scope {scope}. Make one that has it at /account/tokens/."
            raise PermissionDenied(detail, code="scope_missing")
        if not api_tokens.may(request.user, scope):
            detail = "Your account's role does not allow this. An administrator can give it another."
            raise PermissionDenied(detail, code="role_missing")
        return True


class PerToken(SimpleRateThrottle):
    """So many requests a minute for each token, and for each account that is signed in. Each web process counts by itself."""

    scope = "api"

    def get_rate(self) -> str:
        """Return the rate as it is set."""
        return f"{settings.OKTADETECT_API_REQUESTS_PER_MINUTE}/min"

    def get_cache_key(self, request: Request, _view: APIView) -> str | None:
        """Count by token, else by account; strangers get no further than the 401."""
        if isinstance(request.auth, ApiToken):
            return f"api-token-{request.auth.pk}"
        return f"api-user-{request.user.pk}" if isinstance(request.user, User) else None


def user_of(request: Request) -> User:
    """Return the account that acts."""
    assert isinstance(request.user, User)  # noqa: S101 - MayDoIt lets nobody else in
    return request.user


def caller(request: Request) -> Person:
    """Return who acts: the token's owner with the token, or whoever is signed in."""
    if isinstance(request.auth, ApiToken):
        return api_tokens.acting(request.auth)
    return activity.person_of(request.user)
