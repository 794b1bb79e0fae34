"""
A portal that has worked for ninety days: a million alerts with all that hangs on them, written by the database itself in minutes.

As in life, some are far busier than others: one user has a fiftieth of all alerts, one address a twentieth. Most are closed. Keys grow
with time. The same `alerts` gives the same rows, but for their times, which end now.
"""
# ruff: noqa: E501 - a column, or a case, reads best on one line

from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db import connection, models

from bench.say import Say

if TYPE_CHECKING:
    from collections.abc import Iterator

DAYS = 90
BUSY_USER, BUSY_ADDRESS = "00u0", "203.0.0.0"
ANALYSTS = 12
INDEXED = ("alerts_alert", "alerts_alertentity", "alerts_entity", "alerts_occurrence", "core_activity")

# One row an alert, the oldest first: when, by which monitor, about whom and from where. `dice`, `die` and `coin` are what decides the rest.
PLAN = """
CREATE UNLOGGED TABLE plan AS
SELECT n, now() - (%(alerts)s - n) * interval '90 days' / %(alerts)s AS at, random() AS dice, random() AS die, random() AS coin,
  floor(%(monitors)s * power(random(), 2))::int AS monitor,
  CASE WHEN random() < 0.02 THEN 0 ELSE 1 + floor(%(users)s * power(random(), 1.5))::int END AS person,
  CASE WHEN random() < 0.05 THEN 0 ELSE 1 + floor(%(addresses)s * power(random(), 1.3))::int END AS place
FROM generate_series(1, %(alerts)s) n
"""
# Functions of the plan's numbers, so that every table tells the same.
NAMES = """
CREATE FUNCTION login(n int) RETURNS text IMMUTABLE LANGUAGE sql RETURN
  (ARRAY['anna','bert','carla','david','elif','farid','greta','hugo','ines','jonas','kira','luis','mira','nadia','oskar','paula'])[1 + n % 16]
  || '.' || (ARRAY['berg','okafor','silva','novak','kaya','moreau','lindqvist','tanaka','rossi','weber','haddad','kim','petrov'])[1 + n / 16 % 13]
  || n || '@' || (ARRAY['example.com','example.org','contractors.example.com'])[1 + n % 3];
CREATE FUNCTION address(n int) RETURNS text IMMUTABLE LANGUAGE sql RETURN
  '203.' || n / 65536 || '.' || n / 256 % 256 || '.' || n % 256;
CREATE FUNCTION country(n int) RETURNS text IMMUTABLE LANGUAGE sql RETURN
  CASE WHEN n % 10 < 5 THEN 'Germany' WHEN n % 10 < 8 THEN 'United States' ELSE
  (ARRAY['Singapore','Brazil','France','India','Japan','Poland','Spain','Turkey','Norway','Kenya'])[1 + n / 10 % 10] END;
CREATE FUNCTION uuid_at(at timestamptz, n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql RETURN
  (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid;
"""
OPEN = "WHEN p.n > {alerts} * 0.99 AND p.dice < 0.2 THEN 'new' WHEN p.n > {alerts} * 0.99 AND p.dice < 0.3 THEN 'acknowledged' WHEN p.dice < 0.001 THEN 'in_progress'"
EVENT = """jsonb_build_object('t', (extract(epoch FROM p.at) * 1000)::bigint, 'uuid', md5(p.n || '{which}'), 'type', 'user.session.start',
  'result', 'FAILURE', 'reason', 'INVALID_CREDENTIALS', 'user', login(p.person), 'ip', address(p.place), 'city', 'Somewhere', 'country',
  country(p.place), 'asn', 64500, 'as_org', 'Example Networks', 'session', 'idx' || md5(p.n::text), 'os', 'Windows 10', 'browser', 'CHROME')"""


def fill(alerts: int, *, say: Say) -> None:
    """Write everything into a migrated, empty database."""
    from bench import million_around as around

    people, monitors = around.people(ANALYSTS), around.monitors()
    around.months(DAYS)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # foreign keys are right by the way the rows are made
        cursor.execute("SET synchronous_commit = off")
        cursor.execute("SELECT setseed(0.5)")
        sizes = {"alerts": alerts, "monitors": len(monitors), "users": alerts // 10, "addresses": alerts // 5}
        cursor.execute(PLAN, sizes)
        cursor.execute(NAMES)
        cursor.execute(
            "CREATE UNLOGGED TABLE crew AS SELECT * FROM unnest(%s::uuid[]) WITH ORDINALITY c(key, number)", [people]
        )
        columns = [list(column) for column in zip(*monitors, strict=True)]
        cursor.execute(
            "CREATE UNLOGGED TABLE fleet AS SELECT number - 1 AS number, key, title, detection, verb "
            "FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[]) WITH ORDINALITY f(key, title, detection, verb, number)",
            columns,
        )
    with _without_indexes(INDEXED):
        _triaged(alerts, say)
        _found(alerts, say)
    around.fill(alerts, say=say)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE plan, crew, fleet")
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")
    say("vacuumed and analysed")


def _triaged(alerts: int, say: Say) -> None:
    """Cases and alerts: most closed with a verdict, a seventh in the case of the one before."""
    from alerts.models import Alert, Case

    who = {
        "entity_type": "CASE WHEN p.monitor % 7 = 0 THEN 'ip' ELSE 'user' END",
        "entity_id": "CASE WHEN p.monitor % 7 = 0 THEN address(p.place) ELSE '00u' || p.person END",
    }
    insert(Case, "plan p WHERE p.n % 7 <> 0", {**who, "id": "p.n", "opened_at": "p.at"})
    say("cases")
    status = f"CASE {OPEN.format(alerts=alerts)} ELSE 'closed' END"
    closed = f"({status}) = 'closed'"
    name = "CASE WHEN p.monitor % 7 = 0 THEN address(p.place) ELSE login(p.person) END"
    owner = "(SELECT key FROM crew WHERE number = 1 + p.n % 12)"
    insert(Alert, "plan p JOIN fleet f ON f.number = p.monitor ORDER BY p.n", {
        **who, "id": "p.n", "entity_name": name, "monitor_id": "f.key", "case_id": "p.n - (p.n % 7 = 0)::int",
        "detection": "f.title", "detection_id": "f.detection",
        # an open one has a fingerprint of its own: the database wants that
        "fingerprint": f"CASE WHEN {closed} THEN encode(sha256((f.detection || p.person)::bytea), 'hex') ELSE md5(p.n::text) || md5(p.n::text) END",
        "fingerprint_version": "1",
        "sentence": f"(5 + p.n % 40) || ' ' || f.verb || ' of ' || {name} || ' in ' || (1 + p.n % 59) || ' min, from ' || country(p.place)",
        "severity": "1 + p.monitor % 5", "observed": """jsonb_build_object('count', 5 + p.n % 40, 'values', 2, 'seconds', 664)""",
        "status": status, "snoozed_until": f"CASE WHEN NOT {closed} AND p.die < 0.1 THEN now() + interval '1 day' END",
        "assignee_id": f"CASE WHEN p.coin < 0.8 AND ({status}) <> 'new' THEN {owner} END",
        "verdict": f"CASE WHEN NOT {closed} OR p.die > 0.85 THEN '' WHEN p.die < 0.45 THEN 'false_positive' WHEN p.die < 0.75 THEN 'benign' "
                   "WHEN p.die < 0.83 THEN 'undetermined' ELSE 'true_positive' END",
        "verdict_reason": f"CASE WHEN {closed} THEN 'The user travels; confirmed by phone.' ELSE '' END",
        "closed_by_id": f"CASE WHEN {closed} AND p.die <= 0.85 THEN {owner} END",
        "closed_at": f"CASE WHEN {closed} THEN p.at + p.coin * interval '1 day' END",
        "occurrence_count": "CASE WHEN p.coin < 0.01 THEN 20 ELSE 1 END", "countries": "ARRAY[country(p.place)]",
        "first_seen": "p.at - interval '10 minutes'", "last_seen": "p.at", "recovered": "p.dice > 0.995",
        "created_at": "p.at + interval '40 seconds'", "updated_at": "p.at",
    })  # fmt: skip
    say(f"{alerts:,} alerts")


def _found(alerts: int, say: Say) -> None:
    """What was found: stretches of evidence, who and what took part, and the history of each alert."""
    from alerts.models import AlertEntity, Entity, Occurrence
    from core.models import Activity

    users, addresses = alerts // 10, alerts // 5
    insert(Occurrence, "plan p CROSS JOIN LATERAL generate_series(1, CASE WHEN p.coin < 0.01 THEN 20 ELSE 1 END) again JOIN fleet f ON f.number = p.monitor", {
        "alert_id": "p.n", "fingerprint": "encode(sha256((f.detection || p.person)::bytea), 'hex')",
        "first_at": "p.at - again * interval '10 minutes'", "last_at": "p.at - (again - 1) * interval '10 minutes'", "count": "5 + p.n % 40",
        "first_uuid": "md5(p.n::text)", "last_uuid": "md5(p.n || 'b')", "severity": "1 + p.monitor % 5",
        "observed": "jsonb_build_object('count', 5 + p.n % 40, 'values', 2, 'seconds', 664)",
        "events": f"jsonb_build_array({EVENT.format(which='a')}, {EVENT.format(which='b')})",
        "created_at": "p.at", "updated_at": "p.at", "delivery": "uuid_at(p.at, p.n)",
    })  # fmt: skip
    say("occurrences")
    numbers = {"kind": "'user'", "value": "'00u' || n", "name": "login(n)", "id": "n + 1"}
    insert(Entity, f"generate_series(0, {users}) n", numbers)
    places = {"kind": "'ip'", "value": "address(n)", "name": "address(n)", "id": f"{users + 2} + n"}
    insert(Entity, f"generate_series(0, {addresses}) n", places)
    session = f"{users + addresses + 3} + p.n"
    insert(Entity, "plan p", {"kind": "'session'", "value": "'idx' || md5(p.n::text)", "name": "''", "id": session})
    say("entities")
    for entity, role, where in (
        ("p.person + 1", "CASE WHEN p.monitor % 7 = 0 THEN 'tried' ELSE 'entity' END", "true"),
        (f"{users + 2} + p.place", "CASE WHEN p.monitor % 7 = 0 THEN 'entity' ELSE 'source' END", "true"),
        (session, "'session'", "p.coin < 0.8"),
    ):
        insert(
            AlertEntity, f"plan p WHERE {where} ORDER BY p.n", {"alert_id": "p.n", "entity_id": entity, "role": role}
        )
    say("who took part")
    line = {"subject_kind": "'alert'", "subject_id": "p.n::text"}
    opened = """jsonb_build_object('severity', 1 + p.monitor % 5, 'recovered', false)"""
    insert(
        Activity,
        "plan p ORDER BY p.n",
        {**line, "action": "'alert.opened'", "program": "'ingest'", "at": "p.at", "data": opened},
    )
    insert(Activity, f"plan p JOIN crew c ON c.number = 1 + p.n % 12 WHERE p.n < {alerts} * 0.995", {
        **line, "action": "'alert.closed'", "person": "c.key", "at": "p.at + p.coin * interval '1 day'",
        "data": "jsonb_build_object('verdict', 'benign', 'reason', 'The user travels; confirmed by phone.')",
    })  # fmt: skip
    say("history")


def insert(model: type[models.Model], source: str, columns: Mapping[str, str]) -> None:
    """Insert what `source` (the FROM clause) gives: columns by SQL expressions, all others by their fields' defaults."""
    fields = [
        field for field in model._meta.local_concrete_fields
        if field.column in columns or not (field.primary_key or field.generated)
    ]  # fmt: skip
    wanted, params = [], []
    for field in fields:
        given = columns.get(str(field.column))
        if given is not None:
            wanted.append(given.replace("%", "%%"))
        else:
            wanted.append("%s")
            params.append(field.get_db_prep_save(field.get_default(), connection))
    names = ", ".join(f'"{field.column}"' for field in fields)
    table, key = model._meta.db_table, model._meta.pk
    sql = f"INSERT INTO {table} ({names}) SELECT {', '.join(wanted)} FROM {source.replace('%', '%%')}"  # noqa: S608 - a benchmark's own texts
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        if isinstance(key, models.AutoField) and key.column in columns:
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")  # noqa: S608 - as above


@contextmanager
def _without_indexes(tables: tuple[str, ...]) -> "Iterator[None]":
    """Fill tables without their plain indexes, which are built afterwards at once: much quicker."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
            "WHERE indrelid::regclass::text = ANY(%s) AND NOT indisunique",
            [list(tables)],
        )
        indexes: list[Any] = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '512MB'")
        for _, definition in indexes:
            cursor.execute(definition)
