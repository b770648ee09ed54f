from django.db import migrations, models

from core.database.independent_operations import StateOperations


class Migration(migrations.Migration):
    """Remove a field from the model alone: servers of the previous version go on writing its column.

    A later release drops the column.
    """

    dependencies = [("moderation", "0046_index_of_case_flags")]

    operations = [
        migrations.AlterField("appeal", "revision", models.PositiveIntegerField(null=True)),
        StateOperations([migrations.RemoveField("appeal", "revision")]),
    ]
