from django.contrib.postgres.indexes import GinIndex
from django.db import migrations


class Migration(migrations.Migration):
    """New words go into their index at once: from its list of pending ones each post had to read up to 4 MB."""

    dependencies = [("comments", "0003_reading")]

    operations = [
        migrations.RunSQL(
            """
            ALTER INDEX commenttext_vector SET (fastupdate = off);
            SELECT gin_clean_pending_list('commenttext_vector');
            """,
            "ALTER INDEX commenttext_vector RESET (fastupdate)",
            state_operations=[
                migrations.RemoveIndex("commenttext", "commenttext_vector"),
                migrations.AddIndex(
                    "commenttext", GinIndex(fields=["vector"], name="commenttext_vector", fastupdate=False)
                ),
            ],
        ),
    ]
