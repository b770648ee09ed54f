import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    """Note which new comments a follower has seen out of turn."""

    dependencies = [
        ("comments", "0036_comment_drafts"),
    ]

    operations = [
        migrations.AddField(
            model_name="follow",
            name="seen_comments",
            field=django.contrib.postgres.fields.ArrayField(
                models.BigIntegerField(), db_default=[], default=list, size=None
            ),
        ),
    ]
