from django.db import migrations, models


class Migration(migrations.Migration):
    """Write labels with the apostrophe of all other texts. No table changes."""

    dependencies = [("moderation", "0047_appeal_revision_unused")]

    operations = [
        migrations.AlterField(
            model_name="batch",
            name="kind",
            field=models.CharField(
                choices=[
                    ("decision", "decision"),
                    ("move", "move"),
                    ("import", "import"),
                    ("undo", "undo"),
                    ("discussion", "settings of a discussion or of the site"),
                    ("comment", "editor’s pick or lock"),
                    ("redaction", "redaction"),
                    ("person", "sanction"),
                    ("rule", "rule"),
                    ("seal", "restriction"),
                    ("filter", "filter"),
                    ("line", "saved line"),
                    ("emptying", "permanent deletion"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="restriction",
            name="why",
            field=models.CharField(
                choices=[
                    ("child_abuse", "child abuse"),
                    ("child", "a child’s personal data"),
                    ("court", "order of a court or an authority"),
                    ("personal", "someone’s private data"),
                    ("other", "other"),
                ],
                max_length=12,
                verbose_name="reason",
            ),
        ),
    ]
