import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Store how far a job has screened the comments of a large import."""

    dependencies = [
        ("comments", "0023_transition_moved"),
        ("moderation", "0038_saved_lines"),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportScreening",
            fields=[
                (
                    "batch",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="screening",
                        serialize=False,
                        to="moderation.batch",
                    ),
                ),
                ("comment_count", models.PositiveIntegerField()),
                ("screened_count", models.PositiveIntegerField(default=0)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "discussion",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="comments.discussion",
                    ),
                ),
            ],
            options={
                "verbose_name": "screening of an import",
                "verbose_name_plural": "screenings of imports",
            },
        ),
    ]
