import django.utils.timezone
from django.db import migrations, models

from core.database.independent_operations import StateOperations


class Migration(migrations.Migration):
    """Rename fields in the models alone: columns keep the names that servers of the previous version use."""

    dependencies = [("moderation", "0049_name_of_scan_task")]

    operations = [
        StateOperations(
            [
                migrations.RemoveIndex("commentgroup", "commentgroup_run"),
                migrations.RenameField("commentgroup", "run", "scan_id"),
                migrations.AlterField("commentgroup", "scan_id", models.UUIDField(db_column="run")),
                migrations.AddIndex(
                    "commentgroup", models.Index(fields=["scan_id", "-size"], name="commentgroup_run")
                ),
                migrations.RenameField("commentgroup", "shared", "details"),
                migrations.AlterField(
                    "commentgroup", "details", models.JSONField(db_column="shared", default=dict)
                ),
                migrations.RemoveIndex("similarityscan", "similarityscan_asked"),
                migrations.RenameField("similarityscan", "asked_at", "requested_at"),
                migrations.AlterField(
                    "similarityscan",
                    "requested_at",
                    models.DateTimeField(db_column="asked_at", default=django.utils.timezone.now),
                ),
                migrations.AddIndex(
                    "similarityscan", models.Index(fields=["-requested_at"], name="similarityscan_asked")
                ),
            ]
        )
    ]
