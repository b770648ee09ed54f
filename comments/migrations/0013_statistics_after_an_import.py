from django.db import migrations

# Only who owns a table may count it anew, and the login of the pages owns none: it gets this one thing done.
# The schema stands first, so that nobody's temporary table is taken for ours.
MAKE = """
DO $do$ BEGIN
  EXECUTE format($make$
    CREATE FUNCTION comments_analyze() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = %I, pg_temp AS $body$
    BEGIN
      ANALYZE comments_comment, comments_commenttext, comments_discussion, comments_transition;
    END $body$ $make$, current_schema());
END $do$"""


class Migration(migrations.Migration):
    dependencies = [("comments", "0012_policy_of_an_article")]

    operations = [migrations.RunSQL(MAKE, "DROP FUNCTION comments_analyze()")]
