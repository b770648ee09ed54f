from django.db import migrations

# Postgres looks for a table without a schema among the temporary ones first, and the login of the pages may make
# those: a log line in a table of its own would pass for one in the log.
OWN_TRIGGER_FUNCTIONS = """
SELECT p.oid::regprocedure AS name FROM pg_proc p
WHERE p.pronamespace = current_schema()::regnamespace AND p.prorettype = 'trigger'::regtype
  AND p.proowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)"""
CHANGE = """
DO $$ DECLARE function regprocedure; BEGIN
  FOR function IN {functions} LOOP
    EXECUTE format('ALTER FUNCTION %s {change}', function, current_schema());
  END LOOP;
END $$"""


class Migration(migrations.Migration):
    """Each function of a trigger reads the tables of the site, and none of the same name beside them."""

    dependencies = [
        ("accounts", "0006_roles_are_logged"),
        ("articles", "0021_text_limits"),
        ("comments", "0015_refused_writes"),
        ("moderation", "0025_refused_writes"),
    ]

    operations = [
        migrations.RunSQL(
            CHANGE.format(functions=OWN_TRIGGER_FUNCTIONS, change="SET search_path = %I, pg_temp"),
            CHANGE.format(functions=OWN_TRIGGER_FUNCTIONS, change="RESET search_path"),
        )
    ]
