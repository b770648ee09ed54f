from django.db import migrations, models


class Migration(migrations.Migration):
    """Rename fields in the models alone: columns keep the names that servers of the version before use."""

    dependencies = [("comments", "0043_follow_delivery_before_own_stop")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameField("discussion", "copied_count", "imported_count"),
                migrations.AlterField(
                    "discussion",
                    "imported_count",
                    models.PositiveIntegerField(
                        db_column="copied_count", db_default=0, default=0, editable=False
                    ),
                ),
                migrations.RenameField("discussion", "tally", "removal_counts"),
                migrations.AlterField(
                    "discussion",
                    "removal_counts",
                    models.JSONField(db_column="tally", db_default={}, default=dict, editable=False),
                ),
            ]
        )
    ]
