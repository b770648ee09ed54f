from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Index the moves of comments, among which a story's page looks for replies under inferred parents."""

    dependencies = [
        ("comments", "0022_more_removal_reasons"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="transition",
            index=models.Index(
                condition=models.Q(("kind", "move")),
                fields=["discussion", "comment"],
                name="transition_moved",
            ),
        ),
    ]
