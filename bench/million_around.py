"""What stands around a million alerts: people, monitors, tickets and what Jira is owed, comments, the baseline, and deliveries."""
# ruff: noqa: E501 - a column, or a case, reads best on one line

from datetime import timedelta
from typing import Any
from uuid import UUID

from bench import million
from bench.say import Say

VERBS = ("failed sign-ins", "refused pushes", "sign-ins from new places", "changes of factors", "granted roles")


def people(number: int) -> list[UUID]:
    """Make analysts, each with a person, and return the persons' keys. The first is `analyst0`."""
    from tests.factories import make_person, make_user

    return [make_person(make_user(f"analyst{which}")).key for which in range(number)]


def monitors() -> list[tuple[UUID, str, str, str]]:
    """Make a pushed monitor of each detection of the catalogue, and return its key, title, detection, and what its sentences count."""
    from core import clock
    from monitors.models import IndexProfile, every_detection
    from monitors.profiles import template_profile
    from tests.factories import make_monitor

    definitions = every_detection()
    made = [make_monitor(one.id, severity=1 + place % 5) for place, one in enumerate(definitions)]
    pattern = made[0].index_pattern
    IndexProfile.objects.create(pattern=pattern, learnt=template_profile(pattern).to_json(), learnt_at=clock.now())
    return [
        (monitor.pk, one.title[:120], one.id, VERBS[place % len(VERBS)])
        for place, (monitor, one) in enumerate(zip(made, definitions, strict=True))
    ]


def months(days: int) -> None:
    """Make the partitions that deliveries of the last `days` lie in."""
    from alerts import partitions
    from core import clock

    for back in range(0, days + 31, 28):
        partitions.make(clock.now() - timedelta(days=back), ahead=0)


def fill(alerts: int, *, say: Say) -> None:
    """Write the rest."""
    _jira(alerts)
    say("tickets and what Jira is owed")
    _said()
    say("comments")
    _seen(alerts)
    say("the baseline")
    _delivered()
    say("deliveries")


def _jira(alerts: int) -> None:
    from alerts.models import Ticket, TicketOperation

    ticketed = "plan p WHERE p.n % 7 <> 0 AND p.coin < 0.6"
    million.insert(Ticket, ticketed, {
        "case_id": "p.n", "key": "'SEC-' || p.n", "jira_id": "p.n::text", "url": "'https://jira.example.com/browse/SEC-' || p.n",
        "status": "CASE WHEN p.dice < 0.9 THEN 'Done' ELSE 'To Do' END", "status_category": "CASE WHEN p.dice < 0.9 THEN 'done' ELSE 'new' END",
        "created_at": "p.at",
    })  # fmt: skip
    for number, kind in enumerate(("create", "remote_link")):
        # of the newest, some failed and some wait
        state = f"CASE WHEN p.n > {alerts} * 0.999 AND p.dice > 0.9 THEN 'failed' WHEN p.n > {alerts} * 0.9995 AND p.dice > 0.8 THEN 'waiting' ELSE 'done' END"
        error = f"CASE WHEN ({state}) = 'done' THEN '' ELSE 'Jira refused it.' END"
        million.insert(TicketOperation, ticketed, {
            "id": f"uuid_at(p.at, 2 * p.n + {number})", "case_id": "p.n", "alert_id": "p.n", "kind": f"'{kind}'", "state": state,
            "last_error": error, "created_at": "p.at", "done_at": f"CASE WHEN ({state}) = 'done' THEN p.at + interval '2 seconds' END",
            "not_before": "now() + interval '1 hour'",
        })  # fmt: skip


def _said() -> None:
    from alerts.models import Comment

    columns = {
        "alert_id": "p.n",
        "author_id": "c.key",
        "text": "'Called her: it was the train''s network.'",
        "created_at": "p.at",
    }
    million.insert(Comment, "plan p JOIN crew c ON c.number = 1 + p.n % 12 WHERE p.die < 0.05", columns)


def _seen(alerts: int) -> None:
    from alerts.models import Baseline, Sighting
    from core import clock

    million.insert(Sighting, f"generate_series(0, {alerts // 10}) n CROSS JOIN generate_series(0, 4) k", {
        "user": "'00u' || n", "kind": "(ARRAY['address','network','country','device','agent'])[1 + k]",
        "value": "CASE k WHEN 0 THEN address(n) WHEN 1 THEN '64500' WHEN 2 THEN country(n) ELSE md5(n || ' ' || k) END",
        "first_at": "now() - interval '80 days'", "last_at": "now() - interval '1 day'",
    })  # fmt: skip
    read: dict[str, Any] = {"read_from": clock.now() - timedelta(days=180), "read_to": clock.now()}
    Baseline.objects.create(pattern="okta-system-log-*", **read)


def _delivered() -> None:
    """Write a delivery an alert: most are heartbeats. A few are in quarantine."""
    from alerts.models import Delivery
    from tests.factories import make_source

    body = """convert_to('{"schema": "oktadetect/1", "period": "' || p.at || '", "findings": []}', 'UTF8')"""
    million.insert(Delivery, "plan p JOIN fleet f ON f.number = p.monitor", {
        "id": "uuid_at(p.at, p.n)", "received_at": "p.at", "source_id": str(make_source().pk), "body": body, "size": "80",
        "sha256": "sha256(p.n::text::bytea)", "content_type": "'application/json'", "status": "CASE WHEN p.dice > 0.99998 THEN 'quarantined' ELSE 'processed' END",
        "monitor": "f.key", "findings": "1", "took_ms": "20 + p.n % 400", "events_read": "1000", "processed_at": "p.at",
    })  # fmt: skip
