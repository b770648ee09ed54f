import django.db.models.deletion
from django.db import migrations, models

from core.database.independent_operations import StateOperations


class Migration(migrations.Migration):
    """Rename a field in the model alone: its column keeps the name that servers of the previous version use."""

    dependencies = [
        ("comments", "0038_search_arabic"),
        ("moderation", "0044_job_name_of_restricted_comments"),
    ]

    operations = [
        StateOperations(
            [
                migrations.RenameField("finding", "twin", "duplicate_of"),
                migrations.AlterField(
                    "finding",
                    "duplicate_of",
                    models.ForeignKey(
                        db_column="twin_id",
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="comments.comment",
                    ),
                ),
            ]
        )
    ]
