import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Name the articles as the screen does. No table changes."""

    dependencies = [
        ("articles", "0023_site_branding"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="article",
            options={
                "ordering": ["-published_at", "-pk"],
                "verbose_name": "story",
                "verbose_name_plural": "stories",
            },
        ),
        migrations.AlterField(
            model_name="pin",
            name="article",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="pin",
                to="articles.article",
                verbose_name="story",
            ),
        ),
        migrations.AlterField(
            model_name="topic",
            name="shown",
            field=models.BooleanField(
                default=True,
                help_text="If this is off, stories keep the topic, but readers do not see it.",
                verbose_name="shown to readers",
            ),
        ),
    ]
