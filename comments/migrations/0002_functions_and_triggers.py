from django.db import migrations

from core.database.table_guards import append_only

SEQUENCE = "CREATE SEQUENCE comments_tree_seq"

# The primary key does not cover the pair; the constraint comment_in_discussion has the index it refers to.
SAME_DISCUSSION = """
ALTER TABLE comments_comment ADD CONSTRAINT comment_parent_in_discussion
  FOREIGN KEY (parent_id, discussion_id) REFERENCES comments_comment (id, discussion_id)
  DEFERRABLE INITIALLY DEFERRED"""

# Checked once a row, where one constraint for each column would be checked twice: an action writes thousands.
OF_COMMENT = """
ALTER TABLE comments_transition ADD CONSTRAINT transition_of_comment
  FOREIGN KEY (comment_id, discussion_id) REFERENCES comments_comment (id, discussion_id)
  DEFERRABLE INITIALLY DEFERRED"""

# A fifth of each page of the table stays free, so that a changed state or count finds its new row nearby.
FILL = "ALTER TABLE comments_comment SET (fillfactor = 80)"

# Columns by name, jsonb against ambiguous joins, microseconds against DateStyle and TimeZone. The trigger sees the
# rows that its own statement inserted before; a forgotten lock gives a unique violation, not a fork. The digest is
# stable, as what it calls is: only then Postgres inlines it into the trigger's expression.
CHAIN = """
CREATE FUNCTION comments_transition_digest(t comments_transition, before bytea) RETURNS bytea
LANGUAGE sql STABLE AS $$
  SELECT sha256(coalesce(before, ''::bytea) || convert_to(jsonb_build_array(
    t.kind, t.discussion_id, t.seq, t.comment_id, t.revision, t.actor_id, t.from_state, t.to_state,
    t.from_reason, t.reason, t.old_parent_id, t.new_parent_id, t.batch,
    (extract(epoch FROM t.at) * 1000000)::bigint)::text, 'UTF8'))
$$;
CREATE FUNCTION comments_transition_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE prev record;
BEGIN
  SELECT seq, hash INTO prev FROM comments_transition
    WHERE discussion_id = NEW.discussion_id ORDER BY seq DESC LIMIT 1;
  NEW.seq := coalesce(prev.seq, 0) + 1;
  NEW.hash := comments_transition_digest(NEW, prev.hash);
  RETURN NEW;
END $$;
CREATE TRIGGER transition_chain BEFORE INSERT ON comments_transition
  FOR EACH ROW EXECUTE FUNCTION comments_transition_chain();
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP;
END $$"""
UNCHAIN = """
DROP TRIGGER transition_chain ON comments_transition;
DROP FUNCTION append_only();
DROP FUNCTION comments_transition_chain();
DROP FUNCTION comments_transition_digest(comments_transition, bytea)"""

# Only who owns a table may count it anew, and the login of the pages owns none: it gets this one thing done.
# The schema stands first, so that nobody's temporary table is taken for ours.
ANALYZE = """
DO $do$ BEGIN
  EXECUTE format($make$
    CREATE FUNCTION comments_analyze() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = %I, pg_temp AS $body$
    BEGIN
      ANALYZE comments_comment, comments_commenttext, comments_discussion, comments_transition;
    END $body$ $make$, current_schema());
END $do$"""


class Migration(migrations.Migration):
    """Chain the lines of the log, and keep it append-only."""

    replaces = [
        ("comments", "0002_sequence_and_log"),
    ]

    dependencies = [("comments", "0001_schema")]

    operations = [
        migrations.RunSQL(SEQUENCE, "DROP SEQUENCE comments_tree_seq"),
        migrations.RunSQL(
            SAME_DISCUSSION, "ALTER TABLE comments_comment DROP CONSTRAINT comment_parent_in_discussion"
        ),
        migrations.RunSQL(
            OF_COMMENT, "ALTER TABLE comments_transition DROP CONSTRAINT transition_of_comment"
        ),
        migrations.RunSQL(FILL, "ALTER TABLE comments_comment RESET (fillfactor)"),
        migrations.RunSQL(CHAIN, UNCHAIN),
        *append_only("comments_transition", "transition"),
        migrations.RunSQL(ANALYZE, "DROP FUNCTION comments_analyze()"),
    ]
