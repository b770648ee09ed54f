from django.db import migrations

# An undo follows the transition that it undoes, so it restored the state of the one before that. That may belong to
# an undo as well, so `restored` goes on to the decision itself, which has the lowest number. No nested loops, because
# the tables of a restored backup have no statistics yet.
FILL = """
SET LOCAL enable_nestloop = off;
ALTER TABLE comments_transition DISABLE TRIGGER transition_append_only;
WITH RECURSIVE states AS (
  SELECT id, batch, lag(id, 2) OVER (PARTITION BY comment_id ORDER BY id) AS before
  FROM comments_transition WHERE kind = 'state'),
undone AS MATERIALIZED (
  SELECT states.id, before FROM states JOIN moderation_batch b ON b.id = batch
  WHERE b.undoes_id IS NOT NULL AND before IS NOT NULL),
restored AS (
  SELECT id, before FROM undone
  UNION ALL
  SELECT restored.id, undone.before FROM restored JOIN undone ON undone.id = restored.before)
UPDATE comments_transition t SET restores_id = decisive.id
FROM (SELECT id AS undo, min(before) AS id FROM restored GROUP BY 1) decisive WHERE t.id = decisive.undo;
ALTER TABLE comments_transition ENABLE TRIGGER transition_append_only"""


class Migration(migrations.Migration):
    """Name the decision whose state each undo restored. The hash of the log does not contain it."""

    dependencies = [
        ("comments", "0017_transition_restores"),
        ("moderation", "0027_plain_names"),
    ]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
