from typing import Any

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import IntegrityError, migrations, models, transaction
from django.db.models import F, Q

# AFTER triggers, which see what their whole statement has done: a change and its line in the log are one. What
# bulk acts change is compared at once, since to look each of 1,000 comments up took twice as long; what is
# changed rarely (a parent, a date, the number of a tree) is asked row by row, where its column is set at all.
GUARDS = """
-- All lines of a statement have its moment. Without loops over two lists: a plan is made for the first
-- statement, which changes one comment, and kept for one that changes thousands.
CREATE FUNCTION comments_states_are_logged() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
DECLARE wrong bigint;
BEGIN
  SELECT c.id INTO wrong
    FROM was JOIN made c ON c.id = was.id AND (c.state <> was.state OR c.state_reason <> was.state_reason)
    LEFT JOIN (
      SELECT DISTINCT ON (comment_id) comment_id, to_state, reason FROM comments_transition
      WHERE at = statement_timestamp() AND kind = 'state' ORDER BY comment_id, id DESC) t ON t.comment_id = c.id
    WHERE t.to_state IS DISTINCT FROM c.state OR t.reason IS DISTINCT FROM c.state_reason LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'Comment % would be in another state than its last line in the log tells.', wrong
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER comment_state_logged AFTER UPDATE ON comments_comment
  REFERENCING OLD TABLE AS was NEW TABLE AS made
  FOR EACH STATEMENT EXECUTE FUNCTION comments_states_are_logged();

CREATE FUNCTION comments_parent_is_no_reply() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Two at once could each hang from the other's.
  PERFORM FROM comments_discussion WHERE article_id = NEW.discussion_id FOR NO KEY UPDATE;
  IF EXISTS (
    WITH RECURSIVE up AS (
      SELECT NEW.parent_id AS id
      UNION SELECT c.parent_id FROM up JOIN comments_comment c ON c.id = up.id)
    SELECT FROM up WHERE id = NEW.id) THEN
    RAISE EXCEPTION 'Comment % would hang from itself or from one of its replies.', NEW.id
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER comment_parent_no_reply AFTER UPDATE OF parent_id ON comments_comment FOR EACH ROW
  WHEN (NEW.parent_id IS NOT NULL AND NEW.parent_id IS DISTINCT FROM OLD.parent_id)
  EXECUTE FUNCTION comments_parent_is_no_reply();

CREATE FUNCTION comments_parent_is_logged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.parent_id IS DISTINCT FROM (
      SELECT t.new_parent_id FROM comments_transition t
      WHERE t.comment_id = NEW.id AND (t.kind = 'move' OR t.from_state = '') ORDER BY t.id DESC LIMIT 1) THEN
    RAISE EXCEPTION 'Comment % would hang from another one than the log tells.', NEW.id
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER comment_parent_logged AFTER UPDATE OF parent_id ON comments_comment FOR EACH ROW
  WHEN (NEW.parent_id IS DISTINCT FROM OLD.parent_id) EXECUTE FUNCTION comments_parent_is_logged();

CREATE TRIGGER comment_tree_kept AFTER UPDATE OF tree_id ON comments_comment FOR EACH ROW
  WHEN (NEW.tree_id <> OLD.tree_id AND NEW.parent_id IS NULL AND OLD.parent_id IS NULL)
  EXECUTE FUNCTION refuse_write('The number of a tree never changes.');

-- A minute, as clocks of machines differ.
CREATE TRIGGER comment_not_in_future AFTER UPDATE OF created_at ON comments_comment FOR EACH ROW
  WHEN (NEW.created_at <> OLD.created_at AND NEW.created_at > statement_timestamp() + interval '1 minute')
  EXECUTE FUNCTION refuse_write('A comment would be dated in the future.');

-- Its line comes with it or, where many are brought in, before it.
CREATE FUNCTION comments_come_right() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE wrong record;
BEGIN
  SELECT c.id, CASE
      WHEN c.created_at > statement_timestamp() + interval '1 minute' THEN 'comment_not_in_future'
      WHEN c.parent_id >= c.id THEN 'comment_after_its_parent' ELSE 'comment_comes_logged' END AS rule,
    CASE
      WHEN c.created_at > statement_timestamp() + interval '1 minute' THEN 'would be dated in the future'
      WHEN c.parent_id >= c.id THEN 'would hang from a later one'
      ELSE 'would have no line in the log, or one that tells something else' END AS told
    INTO wrong
    FROM made c
    WHERE c.created_at > statement_timestamp() + interval '1 minute' OR c.parent_id >= c.id
      OR ((c.state, c.state_reason, coalesce(c.parent_id, 0), '') = (
          SELECT t.to_state, t.reason, coalesce(t.new_parent_id, 0), t.from_state FROM comments_transition t
          WHERE t.comment_id = c.id ORDER BY t.id DESC LIMIT 1)) IS NOT TRUE
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'Comment % %.', wrong.id, wrong.told
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = wrong.rule;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER comment_comes_logged AFTER INSERT ON comments_comment REFERENCING NEW TABLE AS made
  FOR EACH STATEMENT EXECUTE FUNCTION comments_come_right();

-- Of a comment that is still to come the trigger above asks for the line.
CREATE FUNCTION comments_lines_are_true() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE wrong record;
BEGIN
  SELECT t.comment_id, CASE WHEN t.at <> statement_timestamp() THEN 'transition_dated_now'
                            ELSE 'transition_true' END AS rule
    INTO wrong
    -- By its key, whatever number of lines there was when this was planned.
    FROM lines t LEFT JOIN LATERAL (
      SELECT id, state, state_reason, parent_id FROM comments_comment WHERE id = t.comment_id LIMIT 1) c ON true
    WHERE t.at <> statement_timestamp()
      OR t.kind = 'state' AND (c.state <> t.to_state OR c.state_reason <> t.reason)
      OR c.id IS NOT NULL AND (t.kind = 'move' OR t.from_state = '')
         AND c.parent_id IS DISTINCT FROM t.new_parent_id
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'A line of the log about comment % would %.', wrong.comment_id,
      CASE wrong.rule WHEN 'transition_true' THEN 'tell what is not so' ELSE 'be dated otherwise than now' END
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = wrong.rule;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER transition_true AFTER INSERT ON comments_transition REFERENCING NEW TABLE AS lines
  FOR EACH STATEMENT EXECUTE FUNCTION comments_lines_are_true()"""

UNGUARDED = """
DROP TRIGGER transition_true ON comments_transition;
DROP TRIGGER comment_comes_logged ON comments_comment;
DROP TRIGGER comment_not_in_future ON comments_comment;
DROP TRIGGER comment_tree_kept ON comments_comment;
DROP TRIGGER comment_parent_logged ON comments_comment;
DROP TRIGGER comment_parent_no_reply ON comments_comment;
DROP TRIGGER comment_state_logged ON comments_comment;
DROP FUNCTION comments_lines_are_true();
DROP FUNCTION comments_come_right();
DROP FUNCTION comments_parent_is_logged();
DROP FUNCTION comments_parent_is_no_reply();
DROP FUNCTION comments_states_are_logged()"""

# As they stand now. Each row is written anew, with its words for the search: a minute for 100,000.
FILL = """
UPDATE comments_commenttext x SET author_name = c.author_name
FROM comments_comment c WHERE c.id = x.comment_id AND c.author_name <> ''"""


def validate(apps: Any, schema_editor: Any) -> None:
    """Check the stored rows too, but stop no upgrade for one: the rule then holds for new rows alone."""
    with schema_editor.connection.cursor() as cursor:
        try:
            with transaction.atomic():
                cursor.execute("ALTER TABLE comments_comment VALIDATE CONSTRAINT comment_not_its_own_parent")
        except IntegrityError:
            print("\n  A comment hangs from itself: manage.py check_integrity names it (tree).", end="")


class Migration(migrations.Migration):
    """Refuse writes that no login and no statement may make. Stored rows do not stop the migration."""

    dependencies = [
        ("accounts", "0006_roles_are_logged"),
        ("comments", "0014_longer_names"),
    ]

    operations = [
        migrations.AddField(
            "commenttext",
            "author_name",
            models.CharField(blank=True, db_default="", default="", max_length=255),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        AddConstraintNotValid(
            "comment",
            models.CheckConstraint(condition=~Q(parent=F("id")), name="comment_not_its_own_parent"),
        ),
        migrations.RunPython(validate, migrations.RunPython.noop),
        migrations.RunSQL(GUARDS, UNGUARDED),
    ]
