from django.db import migrations, models

REASONS = [
    ("posted", "posted"),
    ("screened", "flagged by a check"),
    ("imported", "imported"),
    ("import_undone", "import undone"),
    ("author", "deleted by its author"),
    ("approved", "approved"),
    ("off_topic", "off-topic"),
    ("insult", "insult"),
    ("name", "offensive name"),
    ("repeat", "duplicate"),
    ("text_missing", "text missing"),
    ("other", "other"),
    ("spam", "spam"),
    ("sealed", "access restricted"),
    ("moved", "moved to another parent"),
]


class Migration(migrations.Migration):
    """Label the reason of a comment that waits because of a check "flagged by a check"."""

    dependencies = [("comments", "0017_transition_restores")]

    operations = [
        migrations.AlterField("comment", "state_reason", models.CharField(choices=REASONS, max_length=20)),
        migrations.AlterField("transition", "reason", models.CharField(choices=REASONS, max_length=20)),
    ]
