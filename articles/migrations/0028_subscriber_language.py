from django.db import migrations, models


class Migration(migrations.Migration):
    """Store the language in which a person subscribed to the newsletter."""

    dependencies = [
        ("articles", "0027_newsletter"),
    ]

    operations = [
        migrations.AddField(
            model_name="subscriber",
            name="language",
            field=models.CharField(blank=True, db_default="", default="", max_length=12),
        ),
    ]
