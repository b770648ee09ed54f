from django.db import migrations, models

from core.database.independent_operations import StateOperations


class Migration(migrations.Migration):
    """Rename a field in the model alone: its column keeps the name that servers of the previous version use."""

    dependencies = [("articles", "0030_search_arabic")]

    operations = [
        StateOperations(
            [
                migrations.RenameField("author", "line", "bio"),
                migrations.AlterField(
                    "author",
                    "bio",
                    models.CharField(
                        blank=True,
                        db_column="line",
                        help_text="Shown on the author page: what they write about and how to reach them.",
                        max_length=300,
                        verbose_name="bio",
                    ),
                ),
            ]
        )
    ]
