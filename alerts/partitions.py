"""Months of deliveries: partitions by the time in their uuid7 keys. A default partition takes what no month is made for."""

from datetime import UTC, datetime

from django.db import connection, migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState

TABLE = "alerts_delivery"
LOCK_SECONDS = 2  # while a drop waits, deliveries wait behind it


def bound(year: int, month: int) -> str:
    """Return the lowest uuid7 of a month."""
    return first_key(datetime(year, month, 1, tzinfo=UTC))


def first_key(at: datetime) -> str:
    """Return the lowest uuid7 of a moment: its millisecond in the leading 48 bits, zeros behind."""
    ms = int(at.timestamp() * 1000)
    digits = f"{ms:012x}" + "0" * 20
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def following(year: int, month: int) -> tuple[int, int]:
    """Return the month after."""
    return (year + 1, 1) if month == 12 else (year, month + 1)


def name_of(year: int, month: int) -> str:
    """Return the name of a month's partition."""
    return f"{TABLE}_{year:04d}_{month:02d}"


def make(now: datetime, ahead: int = 3) -> None:
    """Make this month's partition and those of the months `ahead`. Deliveries that came before their month was made move into it."""
    there = set(made())
    year, month = now.year, now.month
    for _ in range(ahead + 1):
        if (year, month) not in there:
            _make(year, month)
        year, month = following(year, month)


def made() -> list[tuple[int, int]]:
    """Return the months (year, month) that have a partition, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = %s::regclass AND c.relname ~ '_[0-9]{4}_[0-9]{2}$'",
            [TABLE],
        )
        names = sorted(row[0] for row in cursor.fetchall())
    return [(int(name[-7:-3]), int(name[-2:])) for name in names]


def _make(year: int, month: int) -> None:
    name, low, high = name_of(year, month), bound(year, month), bound(*following(year, month))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {name} (LIKE {TABLE} INCLUDING ALL)")
        cursor.execute(
            f"WITH moved AS (DELETE FROM {TABLE}_default WHERE id >= %s AND id < %s RETURNING *) "  # noqa: S608 - names of ours
            f"INSERT INTO {name} SELECT * FROM moved",
            [low, high],
        )
        cursor.execute(f"ALTER TABLE {TABLE} ATTACH PARTITION {name} FOR VALUES FROM ('{low}') TO ('{high}')")


def drop(year: int, month: int) -> None:
    """Drop a month's partition with all that is in it. Waits at most LOCK_SECONDS for the table: OperationalError after that."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        cursor.execute(f"DROP TABLE {name_of(year, month)}")


class CreatePartitionedModel(migrations.CreateModel):
    """CreateModel whose table is partitioned by ranges of its key, with a default partition for what no range takes."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,  # noqa: ARG002 - Django's signature
        to_state: ProjectState,
    ) -> None:
        """Create the table as Django would, and say how it is split."""
        model = to_state.apps.get_model(app_label, self.name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        sql, params = schema_editor.table_sql(model)
        schema_editor.execute(f"{sql} PARTITION BY RANGE (id)", params or None)
        table = model._meta.db_table
        schema_editor.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
