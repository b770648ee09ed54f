from django.db import migrations, models
from django.db.models import Q

from core.database.independent_operations import StateOperations


class Migration(migrations.Migration):
    """Rename a field in the model alone: its column keeps the name that servers of the previous version use."""

    dependencies = [("comments", "0044_plain_names")]

    operations = [
        StateOperations(
            [
                migrations.RemoveConstraint("transition", "transition_once_a_batch"),
                migrations.RenameField("transition", "batch", "action_id"),
                migrations.AlterField(
                    "transition", "action_id", models.UUIDField(db_column="batch", null=True)
                ),
                migrations.AddConstraint(
                    "transition",
                    models.UniqueConstraint(
                        condition=~Q(action_id=None),
                        fields=["action_id", "comment"],
                        name="transition_once_a_batch",
                    ),
                ),
            ]
        )
    ]
