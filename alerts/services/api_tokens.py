"""
API tokens: made, looked up and withdrawn here, and known only by their hash.

A token never does more than its owner may: scopes narrow what the owner's role allows, and both are asked on every request. The token
of an account that is inactive or has lost its role lets nobody in, or sees nothing.
"""

import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet

from alerts.choices import Scope
from alerts.models import ApiToken
from alerts.services.sources import digest
from alerts.services.triage import TriageError
from core import activity, clock
from core.models import Person

PREFIX = "odt_"  # by which scanners of code and logs know one that leaked
MOST = 20
MAX_DIGITS = 18
LONGEST = timedelta(days=365)
SEEN_EVERY = timedelta(minutes=1)

_SEES, _DECIDES = ("alerts.view_alert",), ("alerts.view_alert", "alerts.change_alert")
NEEDS: Mapping[Scope, Sequence[str]] = {
    Scope.ALERTS_READ: _SEES,
    Scope.ALERTS_DECIDE: _DECIDES,
    Scope.ALERTS_COMMENT: _DECIDES,
    Scope.MEASURES_READ: _SEES,
    Scope.MONITORS_READ: ("monitors.view_monitor",),
    Scope.PIPELINE_READ: _SEES,
}
"""The permissions that a scope stands for: those of the same pages."""


class NotMade(TriageError):
    """The token was not made; `str()` says why."""

    code = "token_not_made"


def may(user: User, scope: Scope) -> bool:
    """Whether the user's role allows what the scope is for."""
    return user.has_perms(NEEDS[scope])


def live(owner: Person) -> QuerySet[ApiToken]:
    """Return the owner's tokens that still let in, the newest first."""
    return owner.api_tokens.filter(withdrawn_at=None, expires_at__gt=clock.now())


def ended(owner: Person) -> QuerySet[ApiToken]:
    """Return the owner's tokens that let in no more, the newest first."""
    return owner.api_tokens.exclude(Q(withdrawn_at=None) & Q(expires_at__gt=clock.now()))


@transaction.atomic
def make(owner: Person, *, name: str, scopes: Sequence[Scope], lifetime: timedelta) -> tuple[ApiToken, str]:
    """Make a token for its owner; return it with its text, which nobody can be shown again. Raises NotMade."""
    name = " ".join(name.split())
    if not 0 < len(name) <= 60:
        raise NotMade("Say in 1 to 60 characters what the token is for.")
    if not scopes:
        raise NotMade("Choose what the token may do.")
    if not timedelta() < lifetime <= LONGEST:
        raise NotMade(f"A token lives for at most {LONGEST.days} days.")
    if owner.user is None or not all(may(owner.user, scope) for scope in scopes):
        raise NotMade("A token may do no more than your own account.")
    Person.objects.select_for_update().get(pk=owner.pk)  # one at a time: they are counted
    if live(owner).count() >= MOST:
        raise NotMade(f"You have {MOST} tokens. Withdraw one that is not used any more.")
    text = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        owner=owner, name=name, scopes=[scope.value for scope in scopes], digest=digest(text), hint=text[-4:],
        expires_at=clock.now() + lifetime,
    )  # fmt: skip
    activity.record("token.made", token, by=owner, scopes=token.scopes, hint=token.hint,
                    expires_at=token.expires_at.isoformat())  # fmt: skip
    return token, text


@transaction.atomic
def withdraw(token_id: int, by: Person | str) -> ApiToken:
    """
    End a token now: a person their own, the shell anybody's.

    Raises ApiToken.DoesNotExist for the tokens of others, and for one that was withdrawn before.
    """
    rows = ApiToken.objects.filter(owner=by) if isinstance(by, Person) else ApiToken.objects.all()
    token = rows.select_for_update().get(pk=token_id, withdrawn_at=None)
    token.withdrawn_at = clock.now()
    token.save(update_fields=["withdrawn_at"])
    activity.record("token.withdrawn", token, by=by, hint=token.hint)
    return token


def let_in(text: str) -> ApiToken | None:
    """Return the live token that this is, of an account that may sign in; None for anything else. One query, and one write a minute."""
    wanted, now = digest(text), clock.now()
    rows = ApiToken.objects.select_related("owner").filter(
        digest=wanted, withdrawn_at=None, expires_at__gt=now, owner__user__is_active=True
    )
    token = rows.first()
    if token is None or not hmac.compare_digest(bytes(token.digest), wanted):
        return None
    if token.last_used_at is None or token.last_used_at < now - SEEN_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def find(said: str) -> ApiToken:
    """Return the token of a number, or the one that `said` itself is, live or not. Raises ApiToken.DoesNotExist."""
    known = Q(pk=int(said)) if said.isdecimal() and len(said) <= MAX_DIGITS else Q(digest=digest(said))
    return ApiToken.objects.select_related("owner__user").get(known)


def acting(token: ApiToken) -> Person:
    """Return the owner as history knows who acts by this token."""
    token.owner.token = token.pk
    return token.owner
