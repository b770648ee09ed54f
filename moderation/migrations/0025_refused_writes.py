import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

from core.database.table_guards import RestrictWebLogin, append_only, dated_now

# Restricted texts are read by these two alone, and each reading is a line in the log in the same statement.
# The schema stands first, so that nobody's temporary table is taken for ours.
READ = """
DO $do$ BEGIN
  EXECUTE format($make$
    CREATE FUNCTION moderation_read_restricted(seals bigint[], reader bigint, for_export boolean)
    RETURNS SETOF moderation_sealedtext LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = %1$I, pg_temp AS $body$
    BEGIN
      INSERT INTO moderation_sealreading (seal_id, by_id, at, is_export)
        SELECT id, reader, statement_timestamp(), for_export FROM unnest(seals) AS id;
      RETURN QUERY SELECT * FROM moderation_sealedtext WHERE seal_id = ANY(seals) ORDER BY seal_id, revision;
    END $body$;
    CREATE FUNCTION moderation_copy_restricted()
    RETURNS SETOF moderation_sealedtext LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = %1$I, pg_temp AS $body$
    BEGIN
      INSERT INTO moderation_sealreading (seal_id, by_id, at, is_export)
        SELECT NULL, NULL, statement_timestamp(), true WHERE EXISTS (SELECT FROM moderation_sealedtext);
      RETURN QUERY SELECT * FROM moderation_sealedtext ORDER BY id;
    END $body$ $make$, current_schema());
END $do$"""
NO_READ = """
DROP FUNCTION moderation_copy_restricted();
DROP FUNCTION moderation_read_restricted(bigint[], bigint, boolean)"""

ACTS_STAY = """
CREATE TRIGGER batch_append_only BEFORE DELETE
  OR UPDATE OF id, kind, actor_id, at, to_state, reason, undoes_id, root_id, undos ON moderation_batch
  FOR EACH ROW EXECUTE FUNCTION append_only()"""


class Migration(migrations.Migration):
    """Restricted texts are read through functions that log it; what people did stays as it was written."""

    dependencies = [
        ("accounts", "0006_roles_are_logged"),
        ("moderation", "0024_text_limits"),
    ]

    operations = [
        migrations.AlterField(
            "sealreading",
            "seal",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="readings",
                to="moderation.seal",
            ),
        ),
        migrations.AlterField(
            "sealreading",
            "by",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            "sealreading",
            models.CheckConstraint(
                condition=Q(seal__isnull=False) | Q(is_export=True), name="sealreading_of_all_is_a_backup"
            ),
        ),
        migrations.RunSQL(READ, NO_READ),
        RestrictWebLogin(
            "REVOKE SELECT, UPDATE ON moderation_sealedtext FROM {web}",
            "GRANT SELECT (id, seal_id, revision, is_redacted, replaced_at) ON moderation_sealedtext TO {web}",
            "REVOKE INSERT ON moderation_sealreading FROM {web}",
        ),
        dated_now("moderation_finding", "finding"),
        # All of an act but its parameters, to which is added what it left alone.
        migrations.RunSQL(ACTS_STAY, "DROP TRIGGER batch_append_only ON moderation_batch"),
        RestrictWebLogin(
            "REVOKE UPDATE, DELETE, TRUNCATE ON moderation_batch FROM {web}",
            "GRANT UPDATE (parameters) ON moderation_batch TO {web}",
        ),
        *append_only("moderation_change", "change"),
    ]
