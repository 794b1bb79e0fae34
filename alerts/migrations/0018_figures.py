"""Whole names, verdicts and times found by indexes among a million alerts, and figures that are kept for a while."""

from django.db import migrations, models
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0017_links_to_a_case"),
    ]

    operations = [
        migrations.AddIndex("alert", models.Index(Upper("entity_name"), models.F("id").desc(), name="alert_by_name")),
        migrations.AddIndex(
            "alert",
            models.Index(
                condition=models.Q(("verdict", ""), _negated=True), fields=["verdict", "-id"], name="alert_by_verdict"
            ),
        ),
        migrations.AddIndex("alert", models.Index(fields=["created_at"], name="alert_by_time")),
        migrations.CreateModel(
            name="Figure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=20)),
                ("days", models.PositiveIntegerField()),
                ("rows", models.JSONField()),
                ("at", models.DateTimeField()),
                ("took", models.FloatField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("name", "days"), name="figures_are_unique")],
            },
        ),
    ]
