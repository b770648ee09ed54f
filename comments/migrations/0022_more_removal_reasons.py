from typing import Any

from django.db import migrations, models

POSITIONS = {"hate": 23, "threat": 25, "personal_info": 27}  # after the insult, before the name
REASONS = [
    ("posted", "posted"),
    ("screened", "flagged by a check"),
    ("imported", "imported"),
    ("import_undone", "import undone"),
    ("author", "deleted by its author"),
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


def create_reasons(apps: Any, schema_editor: Any) -> None:
    reason = apps.get_model("comments", "RemovalReason")
    rows = [reason(code=code, position=position) for code, position in POSITIONS.items()]
    reason.objects.bulk_create(rows, ignore_conflicts=True)  # a site may have made such a reason


class Migration(migrations.Migration):
    """Add hate, threat and personal information to the reasons for removal."""

    dependencies = [("comments", "0021_inferred_parent")]

    operations = [
        migrations.AlterField("comment", "state_reason", models.CharField(choices=REASONS, max_length=20)),
        migrations.AlterField("transition", "reason", models.CharField(choices=REASONS, max_length=20)),
        migrations.AlterField(
            "removalreason",
            "message",
            models.TextField(
                blank=True,
                help_text="One or two sentences. Leave empty to use the built-in ones.",
                max_length=1000,
                verbose_name="message to the author",
            ),
        ),
        migrations.RunPython(create_reasons, migrations.RunPython.noop),
    ]
