import django.db.models.deletion
from django.db import migrations, models

from core.database.independent_operations import StateOperations
from core.database.renamed_models import rename_content_type

TO_ACTION = {
    "db_column": "batch_id",
    "on_delete": django.db.models.deletion.PROTECT,
    "to": "moderation.action",
}


class Migration(migrations.Migration):
    """Rename Batch to Action in the models alone: the table and the columns keep their names.

    Servers of the previous version use these.
    """

    dependencies = [
        ("moderation", "0051_plain_names_of_fields"),
        ("archive", "0006_action"),  # all migrations that know the model by its earlier name
    ]

    operations = [
        rename_content_type("moderation", ("batch", "action"), ("action", "action")),
        StateOperations(
            [
                migrations.RenameModel("Batch", "Action"),
                migrations.AlterModelTable("action", "moderation_batch"),
                migrations.RemoveConstraint("settingchange", "settingchange_once_a_batch"),
                migrations.RenameField("commentgroup", "batch", "action"),
                migrations.AlterField(
                    "commentgroup",
                    "action",
                    models.ForeignKey(null=True, related_name="+", **TO_ACTION),
                ),
                migrations.RenameField("decisionmessage", "batch", "action"),
                migrations.AlterField(
                    "decisionmessage",
                    "action",
                    models.OneToOneField(
                        primary_key=True, related_name="message", serialize=False, **TO_ACTION
                    ),
                ),
                migrations.RenameField("importscreening", "batch", "action"),
                migrations.AlterField(
                    "importscreening",
                    "action",
                    models.OneToOneField(
                        primary_key=True, related_name="screening", serialize=False, **TO_ACTION
                    ),
                ),
                migrations.RenameField("restriction", "batch", "action"),
                migrations.AlterField(
                    "restriction", "action", models.ForeignKey(related_name="+", **TO_ACTION)
                ),
                migrations.RenameField("sanction", "batch", "action"),
                migrations.AlterField("sanction", "action", models.ForeignKey(related_name="+", **TO_ACTION)),
                migrations.RenameField("settingchange", "batch", "action"),
                migrations.AlterField(
                    "settingchange", "action", models.ForeignKey(related_name="changes", **TO_ACTION)
                ),
                migrations.AddConstraint(
                    "settingchange",
                    models.UniqueConstraint(
                        fields=("action", "target", "target_id", "field"), name="settingchange_once_a_batch"
                    ),
                ),
            ]
        ),
    ]
