from django.db import migrations, models


class Migration(migrations.Migration):
    """Label the setting as the site's default is labelled. No table changes."""

    dependencies = [("comments", "0038_search_arabic")]

    operations = [
        migrations.AlterField(
            model_name="discussion",
            name="moderation",
            field=models.CharField(
                choices=[
                    ("conditional", "First comment reviewed"),
                    ("pre", "Pre-moderation: review everything first"),
                    ("post", "Post-moderation: review after publication"),
                ],
                default="conditional",
                max_length=12,
                verbose_name="moderation",
            ),
        ),
    ]
