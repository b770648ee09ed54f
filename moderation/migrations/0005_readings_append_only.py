from django.conf import settings
from django.db import migrations

APPEND_ONLY = """
CREATE TRIGGER sealreading_append_only BEFORE UPDATE OR DELETE ON moderation_sealreading
  FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER sealreading_no_truncate BEFORE TRUNCATE ON moderation_sealreading
  FOR EACH STATEMENT EXECUTE FUNCTION append_only()"""


def revoke(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname FROM pg_roles WHERE rolname = %s AND rolname <> current_user",
            [settings.DATABASE_WEB_USER],
        )
        if row := cursor.fetchone():
            web = schema_editor.quote_name(row[0])
            cursor.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON moderation_sealreading FROM {web}")


class Migration(migrations.Migration):
    """Who read sealed words is a log as the other two are."""

    dependencies = [("moderation", "0004_desk"), ("comments", "0002_sequence_and_log")]

    operations = [
        migrations.RunSQL(
            APPEND_ONLY,
            "DROP TRIGGER sealreading_no_truncate ON moderation_sealreading; "
            "DROP TRIGGER sealreading_append_only ON moderation_sealreading",
        ),
        migrations.RunPython(revoke, migrations.RunPython.noop),
    ]
