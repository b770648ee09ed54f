from django.db import migrations, models


class Migration(migrations.Migration):
    """Store the kind of a failure beside the answer of the mail server. Older rows have a sentence instead."""

    dependencies = [
        ("articles", "0028_subscriber_language"),
    ]

    operations = [
        migrations.AddField(
            model_name="newsletterrecipient",
            name="failure",
            field=models.CharField(blank=True, db_default="", default="", max_length=20),
        ),
    ]
