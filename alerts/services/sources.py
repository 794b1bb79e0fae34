"""Who may post: tokens are minted, looked up and withdrawn here, and known only by their hash."""

import hashlib
import hmac
import ipaddress
import secrets
from typing import Any

from django.db import transaction

from alerts.models import Source, SourceToken
from core import activity, clock
from core.models import Person
from monitors.signals import webhook_token_shown, webhook_token_wanted

OPENSEARCH = "OpenSearch"


def digest(token: str) -> bytes:
    """Return what is kept of a token. It is 256 bits of chance, so a plain hash is as good as a slow one."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


@transaction.atomic
def mint(name: str = OPENSEARCH, *, by: Person | str) -> str:
    """
    Return a new token of the source (made if need be). The one in use lives on until the new one is seen.

    In use is the newest that was ever seen, else the newest; the others end now.
    """
    source, _ = Source.objects.select_for_update().get_or_create(name=name)
    token = secrets.token_urlsafe(32)
    live = source.tokens.filter(withdrawn_at=None)
    in_use = live.exclude(first_seen_at=None).first() or live.first()
    if in_use is not None:
        live.exclude(pk=in_use.pk).update(withdrawn_at=clock.now())
    SourceToken.objects.create(source=source, digest=digest(token), hint=token[-4:])
    activity.record("source.token_minted", source, by=by, hint=token[-4:])
    return token


def let_in(token: str, address: str | None) -> Source | None:
    """Return the source whose live token this is and that may post from `address`; None for nobody."""
    wanted = digest(token)
    row = (
        SourceToken.objects.select_related("source")
        .filter(digest=wanted, withdrawn_at=None, source__enabled=True)
        .first()
    )
    if row is None or not hmac.compare_digest(bytes(row.digest), wanted) or not _may_come_from(row.source, address):
        return None
    if row.first_seen_at is None:
        _first_seen(row)
    return row.source


def _first_seen(row: SourceToken) -> None:
    """Note that a new token is in use; the ones before it have served."""
    now = clock.now()
    with transaction.atomic():
        if SourceToken.objects.filter(pk=row.pk, first_seen_at=None).update(first_seen_at=now):
            older = SourceToken.objects.filter(source=row.source, withdrawn_at=None, pk__lt=row.pk)
            if older.update(withdrawn_at=now):
                activity.record("source.token_replaced", row.source, by="webhook", hint=row.hint)


def _may_come_from(source: Source, address: str | None) -> bool:
    """Whether the source may post from there. Networks that make no sense let nobody in."""
    if not source.addresses:
        return True
    try:
        here, networks = ipaddress.ip_address(address or ""), source.networks()
    except ValueError:
        return False
    plain = here.ipv4_mapped if isinstance(here, ipaddress.IPv6Address) else None  # as a dual-stack socket shows it
    return any((plain or here) in network for network in networks)


def connect() -> None:
    """Answer the signals by which monitors asks for tokens."""
    webhook_token_wanted.connect(_token_wanted, dispatch_uid="alerts.sources")
    webhook_token_shown.connect(_token_shown, dispatch_uid="alerts.sources")


def _token_wanted(**_: Any) -> str:
    return mint(by="push")


def _token_shown(token: str, **_: Any) -> bool:
    return SourceToken.objects.filter(digest=digest(token), withdrawn_at=None, source__enabled=True).exists()
