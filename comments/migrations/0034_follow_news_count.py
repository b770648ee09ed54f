from django.db import migrations, models


class Migration(migrations.Migration):
    """Count the unread news of a follow. Of those that have some already, one is counted."""

    dependencies = [
        ("comments", "0033_links_with_a_scheme"),
    ]

    operations = [
        migrations.AddField(
            model_name="follow",
            name="news_count",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.RunSQL(
            "UPDATE comments_follow SET news_count = 1 WHERE news_at IS NOT NULL", migrations.RunSQL.noop
        ),
    ]
