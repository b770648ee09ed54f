import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Create the table of imports."""

    replaces = [
        ("archive", "0001_initial"),
    ]

    initial = True
    dependencies = [
        ("accounts", "__first__"),
        ("articles", "0002_schema"),
        ("moderation", "0001_schema"),
    ]

    operations = [
        migrations.CreateModel(
            name="Import",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("format", models.CharField(max_length=20, verbose_name="format")),
                ("filename", models.CharField(max_length=255, verbose_name="file")),
                ("sha256", models.CharField(max_length=64)),
                ("declared_count", models.PositiveIntegerField(null=True, verbose_name="comments announced")),
                ("found_count", models.PositiveIntegerField(verbose_name="comments found")),
                ("created_count", models.PositiveIntegerField(verbose_name="new comments")),
                ("warnings", models.JSONField(default=list, verbose_name="warnings")),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="imported")),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "article",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="imports",
                        to="articles.article",
                    ),
                ),
                (
                    "batch",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="import_of",
                        to="moderation.batch",
                    ),
                ),
            ],
            options={
                "verbose_name": "import",
                "verbose_name_plural": "imports",
                "ordering": ["-at"],
            },
        ),
    ]
