from typing import Any

from django.db import migrations, models


def read_again(apps: Any, schema_editor: Any) -> None:
    """Begin to learn anew: of days that were read already, no address was kept, and each would be called new."""
    apps.get_model("alerts", "Baseline").objects.using(schema_editor.connection.alias).all().delete()


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0007_rehearsals"),
    ]

    operations = [
        migrations.AlterField(
            model_name="sighting",
            name="kind",
            field=models.CharField(
                choices=[
                    ("address", "Address"),
                    ("network", "Network"),
                    ("country", "Country"),
                    ("device", "Device"),
                    ("agent", "System and browser"),
                    ("app", "Application"),
                ],
                max_length=8,
            ),
        ),
        migrations.RunPython(read_again, migrations.RunPython.noop),
    ]
