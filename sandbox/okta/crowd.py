"""The everyday life of very many people, written straight as bulk requests: a million events in seconds.

Nobody's life is told here: each event is drawn alone, of somebody who always sits at the same desk. That is all that a
search at size has to read past. Whoever attacks comes from ``traffic``; nothing of the crowd looks like it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from .places import BROWSERS, CITIES

BULK_EVENTS = 2_000
# What a large organisation logs, by share: (eventType, outcome, reason, share of a thousand, debug data).
KINDS = (
    ("user.authentication.sso", "SUCCESS", "null", 500, '"requestUri":"/app/sso"'),
    (
        "user.authentication.auth_via_mfa", "SUCCESS", "null", 180,
        '"factor":"OKTA_VERIFY_PUSH","pushOnlyResponseType":"OV_RESPONSE_APPROVE"',
    ),
    ("user.session.start", "SUCCESS", "null", 140, '"requestUri":"/idp/idx/identify"'),
    ("policy.evaluate_sign_on", "ALLOW", '"Sign-on policy evaluation resulted in ALLOW"', 140, '"risk":"{level=LOW}"'),
    ("user.session.end", "SUCCESS", "null", 20, '"requestUri":"/login/signout"'),
    ("user.session.start", "FAILURE", '"INVALID_CREDENTIALS"', 12, '"requestUri":"/idp/idx/challenge/answer"'),
    ("user.account.update_profile", "SUCCESS", "null", 8, '"requestUri":"/api/v1/users"'),
)  # fmt: skip


def bulk(*, users: int, events: int, start: datetime, end: datetime, prefix: str, seed: int = 7) -> Iterator[bytes]:
    """Yield bodies for ``_bulk`` that create ``events`` events of ``users`` people, each in the index ``prefix`` + its day.

    They are spread evenly from ``start`` to ``end``, in no order; the same inputs give the same bytes.
    """
    rng = Random(seed)  # noqa: S311 - has to be repeatable, not secret
    kinds = [kind for kind in KINDS for _ in range(kind[3])]
    span, day_ms = int((end - start) / timedelta(milliseconds=1)), 86_400_000
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    into = int((start - midnight) / timedelta(milliseconds=1))
    days = [midnight + timedelta(days=number) for number in range((into + span) // day_ms + 1)]
    heads = [f'{{"create":{{"_index":"{prefix}{day:%Y.%m.%d}"}}}}\n{{"published":"{day:%Y-%m-%d}T' for day in days]
    lines: list[str] = []
    for number in range(events):
        day, ms = divmod(into + int(rng.random() * span), day_ms)
        seconds, ms = divmod(ms, 1_000)
        clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{ms:03d}Z"
        uuid = f"{number:08x}-0000-1000-8000-{seed:012x}"
        lines.append(
            f'{heads[day]}{clock}","uuid":"{uuid}",{_event(int(rng.random() * users), kinds[int(rng.random() * 1_000)])}'
        )
        if len(lines) == BULK_EVENTS:
            yield "".join(lines).encode()
            lines = []
    if lines:
        yield "".join(lines).encode()


def _event(user: int, kind: tuple[str, str, str, int, str]) -> str:
    """The rest of an event: the person with this number at their desk."""
    event_type, result, reason, _, debug = kind
    city, agent = CITIES[user % len(CITIES)], BROWSERS[user % len(BROWSERS)]
    session = f"crowd-s{user}"
    return (
        f'"eventType":"{event_type}","outcome":{{"result":"{result}","reason":{reason}}},'
        f'"actor":{{"id":"00ucrowd{user}","type":"User","alternateId":"crowd{user}@example.com","displayName":"Crowd {user}"}},'
        f'"client":{{"ipAddress":"100.{64 + user // 65536}.{user // 256 % 256}.{user % 256}","zone":"null","device":"Computer",'
        f'"userAgent":{{"rawUserAgent":"{agent.raw}","os":"{agent.os}","browser":"{agent.browser}"}},'
        f'"geographicalContext":{{"city":"{city.name}","country":"{city.country}",'
        f'"geolocation":{{"lat":{city.lat},"lon":{city.lon}}}}}}},'
        f'"securityContext":{{"asNumber":{64_600 + user % 100},"asOrg":"broadband","isp":"broadband","isProxy":false}},'
        f'"authenticationContext":{{"externalSessionId":"{session}","rootSessionId":"{session}"}},'
        f'"transaction":{{"id":"crowd-t{user}","type":"WEB"}},'
        f'"target":[{{"id":"0oacrowd{user % 50}","type":"AppInstance","alternateId":"App {user % 50}","displayName":"App"}}],'
        f'"debugContext":{{"debugData":{{"dtHash":"crowd-d{user}",{debug}}}}}}}\n'
    )
