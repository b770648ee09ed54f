import django.db.models.deletion
from django.db import migrations, models

from core.database.independent_operations import StateOperations
from core.database.renamed_models import rename_content_type


class Migration(migrations.Migration):
    """Rename a model: its table keeps the name that servers of the previous version use."""

    dependencies = [("comments", "0045_action_id")]

    operations = [
        rename_content_type(
            "comments", ("commenttext", "comment text"), ("commentsearchtext", "comment search text")
        ),
        StateOperations(
            [
                migrations.RenameModel("CommentText", "CommentSearchText"),
                migrations.AlterModelTable("commentsearchtext", "comments_commenttext"),
                migrations.AlterField(
                    "commentsearchtext",
                    "comment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="search_text",
                        serialize=False,
                        to="comments.comment",
                    ),
                ),
            ]
        ),
    ]
