"""The queue's tabs, times and words, and the words of entities, found by indexes also among a million alerts."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import TrigramExtension
from django.core.management.base import CommandError
from django.db import DatabaseError, migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState
from django.db.models.functions import Upper


class Trigrams(TrigramExtension):
    """The extension pg_trgm; where it cannot be had, a sentence that says what to do."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Create it, unless it is there."""
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        except DatabaseError as error:
            raise CommandError(
                "Postgres refuses the extension pg_trgm, by which alerts are searched. Allow it (some managed databases have a list "
                "of allowed extensions; on Debian it comes with postgresql-contrib), or let an administrator run CREATE EXTENSION "
                f"pg_trgm in this database; then migrate again. It said: {error}"
            ) from error


OPEN = models.Q(("status", "closed"), _negated=True)


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0015_suppressions"),
    ]

    operations = [
        Trigrams(),
        migrations.AddIndex("alert", models.Index(fields=["-last_seen"], name="alert_by_last_seen")),
        migrations.AddIndex(
            "alert", models.Index(condition=OPEN, fields=["assignee", "-id"], name="alert_open_of_assignee")
        ),
        migrations.AddIndex("alert", models.Index(condition=OPEN, fields=["-id"], name="alert_open")),
        migrations.AddIndex(
            "alert", GinIndex(OpClass(Upper("sentence"), name="gin_trgm_ops"), name="alert_by_words_of_sentence")
        ),
        migrations.AddIndex(
            "alert", GinIndex(OpClass(Upper("entity_name"), name="gin_trgm_ops"), name="alert_by_words_of_name")
        ),
        migrations.AddIndex(
            "entity", GinIndex(OpClass(Upper("value"), name="gin_trgm_ops"), name="entity_by_words_of_value")
        ),
        migrations.AddIndex(
            "entity", GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="entity_by_words_of_name")
        ),
    ]
