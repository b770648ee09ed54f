from django.db import migrations, models


class Migration(migrations.Migration):
    """Write labels with the apostrophe of all other texts. No table changes."""

    dependencies = [("articles", "0032_plain_labels")]

    operations = [
        migrations.AlterField(
            model_name="article",
            name="source_url",
            field=models.URLField(blank=True, max_length=500, verbose_name="source’s URL"),
        ),
    ]
