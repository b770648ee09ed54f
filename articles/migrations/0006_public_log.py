from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("articles", "0005_comments_of_the_site"),
    ]

    operations = [
        migrations.AddField(
            model_name="site",
            name="has_public_log",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Without names of authors; reasons given less than three times are merged.",
                verbose_name="public log of the moderation",
            ),
        ),
    ]
