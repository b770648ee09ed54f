from django.db import migrations, models

REASONS = [
    ("posted", "posted"),
    ("screened", "flagged by a check"),
    ("imported", "imported"),
    ("import_undone", "import undone"),
    ("author", "deleted by its author"),
    ("unposted", "posting undone by its author"),
    ("approved", "approved"),
    ("off_topic", "off-topic"),
    ("insult", "insult"),
    ("hate", "hate"),
    ("threat", "threat"),
    ("personal_info", "personal information"),
    ("name", "offensive name"),
    ("repeat", "duplicate"),
    ("text_missing", "text missing"),
    ("other", "other"),
    ("spam", "spam"),
    ("sealed", "access restricted"),
    ("moved", "moved to another parent"),
]


class Migration(migrations.Migration):
    """Add a reason for comments whose posting was undone. Earlier ones keep "author", as the log's hash does."""

    dependencies = [("comments", "0024_index_of_private_comments")]

    operations = [
        migrations.AlterField("comment", "state_reason", models.CharField(choices=REASONS, max_length=20)),
        migrations.AlterField("transition", "reason", models.CharField(choices=REASONS, max_length=20)),
    ]
