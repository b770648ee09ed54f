from django.db import migrations, models
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual

from core.database.independent_operations import IndependentOperations, StateOperations
from core.database.renamed_models import rename_model


class Migration(migrations.Migration):
    """Rename models and fields. The last moderation migration renames the constraints in the database."""

    dependencies = [("articles", "0021_text_limits")]

    operations = [
        IndependentOperations(
            [
                *rename_model("articles", "Unsaved", "Autosave"),
                *rename_model("articles", "Note", "EditorNote"),
                migrations.RenameField("revision", "is_aside", "is_conflicting_copy"),
                migrations.RenameField("article", "taken_back_at", "unpublished_at"),
                migrations.RenameField("article", "taken_back_why", "unpublished_reason"),
            ]
        ),
        IndependentOperations(
            [
                migrations.AlterField(
                    "autosave",
                    "article",
                    models.ForeignKey(
                        null=True, on_delete=models.SET_NULL, related_name="autosaves", to="articles.article"
                    ),
                ),
                migrations.AlterField(
                    "autosave",
                    "page",
                    models.ForeignKey(
                        null=True,
                        on_delete=models.SET_NULL,
                        related_name="autosaves",
                        to="articles.standingpage",
                    ),
                ),
                StateOperations(
                    [
                        migrations.RemoveConstraint("article", "article_why_length"),
                        migrations.AddConstraint(
                            "article",
                            models.CheckConstraint(
                                condition=LessThanOrEqual(Length("unpublished_reason"), 2000),
                                name="article_unpublished_reason_length",
                            ),
                        ),
                        migrations.RemoveConstraint("editornote", "note_length"),
                        migrations.AddConstraint(
                            "editornote",
                            models.CheckConstraint(
                                condition=LessThanOrEqual(Length("body"), 5000), name="editor_note_length"
                            ),
                        ),
                    ]
                ),
            ]
        ),
    ]
