"""Months of deliveries: partitions by the time in their uuid7 keys. A default partition takes what no month is made for."""

from datetime import UTC, datetime

from django.db import connection, migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState

TABLE = "alerts_delivery"


def bound(year: int, month: int) -> str:
    """Return the lowest uuid7 of a month: its first millisecond in the leading 48 bits, zeros behind."""
    ms = int(datetime(year, month, 1, tzinfo=UTC).timestamp() * 1000)
    digits = f"{ms:012x}" + "0" * 20
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def following(year: int, month: int) -> tuple[int, int]:
    """Return the month after."""
    return (year + 1, 1) if month == 12 else (year, month + 1)


def statement(year: int, month: int) -> str:
    """Return the SQL that makes a month's partition where there is none."""
    name = f"{TABLE}_{year:04d}_{month:02d}"
    low, high = bound(year, month), bound(*following(year, month))
    return f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {TABLE} FOR VALUES FROM ('{low}') TO ('{high}')"


def make(now: datetime, ahead: int = 3) -> None:
    """Make this month's partition and those of the months `ahead`."""
    year, month = now.year, now.month
    for _ in range(ahead + 1):
        with connection.cursor() as cursor:
            cursor.execute(statement(year, month))
        year, month = following(year, month)


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
