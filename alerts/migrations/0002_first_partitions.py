"""Room for this month's deliveries and those of the next three."""

from datetime import UTC, datetime
from typing import Any

from django.db import migrations

from alerts import partitions


def make_partitions(_apps: Any, _schema_editor: Any) -> None:
    """Make the months from now on; the beat job makes the later ones."""
    partitions.make(datetime.now(UTC))


class Migration(migrations.Migration):
    """Partitions of the table of deliveries."""

    dependencies = [("alerts", "0001_initial")]
    operations = [migrations.RunPython(make_partitions, migrations.RunPython.noop)]
