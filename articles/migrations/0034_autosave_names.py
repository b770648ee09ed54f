from django.db import migrations, models

from core.database.independent_operations import StateOperations


class Migration(migrations.Migration):
    """Rename fields in the model alone: the columns keep the names that servers of the previous version use."""

    dependencies = [("articles", "0033_apostrophe_in_label")]

    operations = [
        StateOperations(
            [
                migrations.RenameField("autosave", "typed", "fields"),
                migrations.AlterField(
                    "autosave", "fields", models.JSONField(db_column="typed", default=dict)
                ),
                migrations.RenameField("autosave", "read", "snapshot"),
                migrations.AlterField("autosave", "snapshot", models.TextField(blank=True, db_column="read")),
                migrations.RenameField("autosave", "turn", "change_number"),
                migrations.AlterField(
                    "autosave",
                    "change_number",
                    models.PositiveIntegerField(db_column="turn", db_default=0, default=0),
                ),
            ]
        )
    ]
