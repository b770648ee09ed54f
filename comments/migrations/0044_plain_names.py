from django.contrib.postgres.indexes import GinIndex, HashIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import migrations, models

from core.database.independent_operations import StateOperations
from core.database.renamed_models import rename_content_type

# A state operation cannot rename a field within the expression of another.
SEARCH_VECTOR = models.GeneratedField(
    db_column="vector",
    db_persist=True,
    expression=SearchVector(
        models.Func("normalized_body", function="search_fold", output_field=models.TextField()),
        config="english",
        weight="D",
    ),
    output_field=SearchVectorField(),
)

IS_IN_PUBLIC_THREAD = models.GeneratedField(
    db_column="shown",
    db_persist=True,
    expression=models.Q(("state", "published"), ("reply_count__gt", 0), _connector="OR"),
    output_field=models.BooleanField(),
)


class Migration(migrations.Migration):
    """Rename fields and a model: tables and columns keep the names that servers of the previous version use."""

    dependencies = [("comments", "0043_follow_delivery_before_own_stop")]

    operations = [
        rename_content_type(
            "comments", ("newssearch", "news search"), ("lastupdatesearch", "last update search")
        ),
        StateOperations(
            [
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
                migrations.RenameField("follow", "news_at", "first_unread_at"),
                migrations.AlterField(
                    "follow", "first_unread_at", models.DateTimeField(db_column="news_at", null=True)
                ),
                migrations.RenameField("follow", "news_count", "unread_count"),
                migrations.AlterField(
                    "follow",
                    "unread_count",
                    models.PositiveSmallIntegerField(db_column="news_count", db_default=0, default=0),
                ),
                migrations.RenameModel("NewsSearch", "LastUpdateSearch"),
                migrations.AlterModelTable("lastupdatesearch", "comments_newssearch"),
                migrations.RemoveIndex("recommendation", "recommendation_to_fold"),
                migrations.RemoveIndex("recommendation", "recommendation_at"),
                migrations.RenameField("recommendation", "given", "is_given"),
                migrations.AlterField(
                    "recommendation", "is_given", models.BooleanField(db_column="given", default=True)
                ),
                migrations.RenameField("recommendation", "counted", "is_counted"),
                migrations.AlterField(
                    "recommendation", "is_counted", models.BooleanField(db_column="counted", default=False)
                ),
                migrations.AddIndex(
                    "recommendation",
                    models.Index(
                        condition=models.Q(("is_given", models.F("is_counted")), _negated=True),
                        fields=["comment"],
                        name="recommendation_to_fold",
                    ),
                ),
                migrations.AddIndex(
                    "recommendation",
                    models.Index(
                        condition=models.Q(("is_given", True)), fields=["at"], name="recommendation_at"
                    ),
                ),
                migrations.RemoveIndex("commenttext", "commenttext_vector"),
                migrations.RemoveIndex("commenttext", "commenttext_same"),
                migrations.RemoveIndex("commenttext", "commenttext_alike"),
                migrations.RemoveField("commenttext", "vector"),
                migrations.RenameField("commenttext", "folded", "normalized_body"),
                migrations.AlterField("commenttext", "normalized_body", models.TextField(db_column="folded")),
                migrations.AddField("commenttext", "search_vector", SEARCH_VECTOR),
                migrations.AddIndex(
                    "commenttext",
                    GinIndex(fastupdate=False, fields=["search_vector"], name="commenttext_vector"),
                ),
                migrations.AddIndex(
                    "commenttext", HashIndex(fields=["normalized_body"], name="commenttext_same")
                ),
                migrations.AddIndex(
                    "commenttext",
                    GinIndex(
                        fields=["normalized_body"], name="commenttext_alike", opclasses=["gin_trgm_ops"]
                    ),
                ),
                migrations.RemoveIndex("comment", "comment_roots"),
                migrations.RemoveIndex("comment", "comment_roots_recommended"),
                migrations.RemoveIndex("comment", "comment_roots_discussed"),
                migrations.RenameField("comment", "shown", "is_in_public_thread"),
                migrations.AlterField("comment", "is_in_public_thread", IS_IN_PUBLIC_THREAD),
                *(
                    migrations.AddIndex(
                        "comment",
                        models.Index(
                            condition=models.Q(("is_in_public_thread", True), ("parent", None)),
                            fields=["discussion", field, "id"],
                            name=name,
                        ),
                    )
                    for name, field in (
                        ("comment_roots", "created_at"),
                        ("comment_roots_recommended", "recommend_count"),
                        ("comment_roots_discussed", "reply_count"),
                    )
                ),
            ]
        ),
    ]
