import django.db.models.deletion
from django.db import migrations, models

from core.database.independent_operations import StateOperations


class Migration(migrations.Migration):
    """Rename a field in the model alone: its column keeps the name that servers of the previous version use."""

    dependencies = [("archive", "0005_no_lists_of_the_log")]

    operations = [
        StateOperations(
            [
                migrations.RenameField("import", "batch", "action"),
                migrations.AlterField(
                    "import",
                    "action",
                    models.OneToOneField(
                        db_column="batch_id",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="import_of",
                        to="moderation.batch",
                    ),
                ),
            ]
        )
    ]
