from django.db import migrations, models
from django.db.models import Q

FILL = """
UPDATE comments_discussion d SET copied_count = n
FROM (SELECT discussion_id, count(*) AS n FROM comments_comment
      WHERE source <> '' AND state_reason <> 'import_undone' GROUP BY 1) copied
WHERE d.article_id = copied.discussion_id"""


class Migration(migrations.Migration):
    """How many comments a copy brought, and the log by time and by person."""

    dependencies = [("comments", "0008_redaction")]

    operations = [
        migrations.AddField(
            model_name="discussion",
            name="copied_count",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="transition",
            index=models.Index(fields=["at", "id"], name="transition_at"),
        ),
        migrations.AddIndex(
            model_name="transition",
            index=models.Index(
                fields=["actor", "at", "id"], condition=~Q(actor=None), name="transition_actor"
            ),
        ),
    ]
