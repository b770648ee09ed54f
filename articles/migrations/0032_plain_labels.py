from django.db import migrations, models


class Migration(migrations.Migration):
    """Label the canonical URL of a story and unsaved changes as the screen does. No table changes."""

    dependencies = [("articles", "0031_author_bio")]

    operations = [
        migrations.AlterModelOptions(
            name="autosave", options={"ordering": ["-at"], "verbose_name": "unsaved changes"}
        ),
        migrations.AlterField(
            model_name="article",
            name="canonical_url",
            field=models.URLField(
                blank=True,
                help_text="The URL that search engines should index. Leave empty for the URL here.",
                max_length=500,
                verbose_name="canonical URL",
            ),
        ),
    ]
