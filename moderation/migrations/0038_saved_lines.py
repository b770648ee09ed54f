import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Store lines that moderators add to the notice about a removal."""

    dependencies = [
        ("comments", "0022_more_removal_reasons"),
        ("moderation", "0037_inferred_parent"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

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
                    ("comment", "editor's pick or lock"),
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
            model_name="settingchange",
            name="target",
            field=models.CharField(
                choices=[
                    ("site", "Site"),
                    ("discussion", "Discussion"),
                    ("comment", "Comment"),
                    ("sanction", "Sanction"),
                    ("rule", "Rule"),
                    ("article", "Article"),
                    ("line", "Saved Line"),
                    ("desk", "Desk"),
                    ("inferred", "Inferred Parent"),
                ],
                max_length=10,
            ),
        ),
        migrations.CreateModel(
            name="DecisionMessage",
            fields=[
                (
                    "batch",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="message",
                        serialize=False,
                        to="moderation.batch",
                    ),
                ),
                ("text", models.TextField(max_length=2000)),
                (
                    "comment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="comments.comment"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=django.db.models.lookups.LessThanOrEqual(
                            django.db.models.functions.text.Length("text"), 2000
                        ),
                        name="decision_message_length",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SavedLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.CharField(max_length=300, verbose_name="line")),
                ("is_active", models.BooleanField(default=True)),
                ("added_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "added_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "saved line",
                "verbose_name_plural": "saved lines",
                "ordering": ["text"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_active", True)), fields=("text",), name="savedline_once"
                    )
                ],
            },
        ),
    ]
