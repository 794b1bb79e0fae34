"""The database itself refuses to change or delete history."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION core_activity_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'history is append-only: % of core_activity is refused', TG_OP;
END $$;
CREATE TRIGGER core_activity_append_only BEFORE UPDATE OR DELETE ON core_activity
    FOR EACH STATEMENT EXECUTE FUNCTION core_activity_refuse();
"""
ALLOW = """
DROP TRIGGER core_activity_append_only ON core_activity;
DROP FUNCTION core_activity_refuse();
"""


class Migration(migrations.Migration):
    """Append-only by trigger."""

    dependencies = [("core", "0001_initial")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
