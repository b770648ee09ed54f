import django.utils.timezone
from django.db import migrations, models

from core.database.independent_operations import StateOperations


class Migration(migrations.Migration):
    """Rename a field in the model alone: its column keeps the name that servers of the previous version use."""

    dependencies = [("archive", "0006_action")]

    operations = [
        StateOperations(
            [
                migrations.RenameField("personaldatafile", "asked_at", "requested_at"),
                migrations.AlterField(
                    "personaldatafile",
                    "requested_at",
                    models.DateTimeField(db_column="asked_at", default=django.utils.timezone.now),
                ),
            ]
        )
    ]
