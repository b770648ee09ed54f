from django.db import migrations, models

from core.database.independent_operations import StateOperations


class Migration(migrations.Migration):
    """Rename fields in the models alone: columns keep the names that servers of the previous version use."""

    dependencies = [("articles", "0035_search_vector")]

    operations = [
        StateOperations(
            [
                migrations.AlterModelOptions(
                    "byline",
                    {
                        "ordering": ["position", "pk"],
                        "verbose_name": "byline",
                        "verbose_name_plural": "bylines",
                    },
                ),
                migrations.RenameField("byline", "place", "position"),
                migrations.AlterField(
                    "byline", "position", models.PositiveSmallIntegerField(db_column="place")
                ),
                migrations.AlterModelOptions(
                    "pin",
                    {
                        "ordering": ["position", "pk"],
                        "verbose_name": "pinned story",
                        "verbose_name_plural": "front page",
                    },
                ),
                migrations.RenameField("pin", "place", "position"),
                migrations.AlterField(
                    "pin",
                    "position",
                    models.PositiveSmallIntegerField(db_column="place", verbose_name="place"),
                ),
                migrations.RenameField("newsletterstory", "place", "position"),
                migrations.AlterField(
                    "newsletterstory", "position", models.PositiveSmallIntegerField(db_column="place")
                ),
                migrations.RenameField("revision", "base", "base_number"),
                migrations.AlterField(
                    "revision", "base_number", models.PositiveIntegerField(db_column="base", null=True)
                ),
                migrations.RenameField("revision", "restored", "restored_number"),
                migrations.AlterField(
                    "revision",
                    "restored_number",
                    models.PositiveIntegerField(db_column="restored", null=True),
                ),
                migrations.RenameField("redirect", "rest", "path_suffix"),
                migrations.AlterField(
                    "redirect",
                    "path_suffix",
                    models.CharField(blank=True, db_column="rest", editable=False, max_length=200),
                ),
                migrations.RenameField("newsletterrecipient", "failure", "failure_code"),
                migrations.AlterField(
                    "newsletterrecipient",
                    "failure_code",
                    models.CharField(
                        blank=True, db_column="failure", db_default="", default="", max_length=20
                    ),
                ),
                migrations.RenameField("newsletterrecipient", "reason", "failure_details"),
                migrations.AlterField(
                    "newsletterrecipient",
                    "failure_details",
                    models.CharField(
                        blank=True, db_column="reason", db_default="", default="", max_length=500
                    ),
                ),
            ]
        )
    ]
