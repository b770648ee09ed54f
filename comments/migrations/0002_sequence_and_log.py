"""What the models can't say: the sequence of trees, a parent in the same discussion, and the log's chain."""

from django.db import migrations

from core.table_guards import append_only

SEQUENCE = "CREATE SEQUENCE comments_tree_seq"

# PRIMARY KEY (id) is not enough for the pair; comment_in_discussion is the index it refers to.
SAME_DISCUSSION = """
ALTER TABLE comments_comment ADD CONSTRAINT comment_parent_in_discussion
  FOREIGN KEY (parent_id, discussion_id) REFERENCES comments_comment (id, discussion_id)
  DEFERRABLE INITIALLY DEFERRED"""

# Half of each page of the table stays free, so that a changed state or count finds its new row near.
FILL = "ALTER TABLE comments_comment SET (fillfactor = 80)"

# Columns by name, jsonb against ambiguous joins, microseconds against DateStyle and TimeZone. It sees the
# rows that its own statement inserted before; a forgotten lock gives a unique violation, not a fork.
CHAIN = """
CREATE FUNCTION comments_transition_digest(t comments_transition, before bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$
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


class Migration(migrations.Migration):
    dependencies = [("comments", "0001_initial")]

    operations = [
        migrations.RunSQL(SEQUENCE, "DROP SEQUENCE comments_tree_seq"),
        migrations.RunSQL(
            SAME_DISCUSSION, "ALTER TABLE comments_comment DROP CONSTRAINT comment_parent_in_discussion"
        ),
        migrations.RunSQL(FILL, "ALTER TABLE comments_comment RESET (fillfactor)"),
        migrations.RunSQL(CHAIN, UNCHAIN),
        *append_only("comments_transition", "transition"),
    ]
