from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import CombinedSearchVector, SearchConfig, SearchVector, SearchVectorField
from django.db import migrations, models

from core.database.independent_operations import StateOperations


def weighted_vector(column: str, weight: str) -> SearchVector:
    text = models.Func(column, function="search_fold", output_field=models.TextField())
    return SearchVector(text, config="english", weight=weight)


SEARCH_VECTOR = models.GeneratedField(
    db_column="vector",
    db_persist=True,
    expression=CombinedSearchVector(
        CombinedSearchVector(
            weighted_vector("title", "A"),
            "||",
            weighted_vector("standfirst", "B"),
            SearchConfig("english"),
        ),
        "||",
        weighted_vector("body", "D"),
        SearchConfig("english"),
    ),
    output_field=SearchVectorField(),
)


class Migration(migrations.Migration):
    """Rename a field in the model alone: its column keeps the name that servers of the previous version use."""

    dependencies = [("articles", "0034_autosave_names")]

    operations = [
        StateOperations(
            [
                migrations.RemoveIndex("article", "article_vector"),
                migrations.RenameField("article", "vector", "search_vector"),
                migrations.AlterField("article", "search_vector", SEARCH_VECTOR),
                migrations.AddIndex("article", GinIndex(fields=["search_vector"], name="article_vector")),
            ]
        )
    ]
