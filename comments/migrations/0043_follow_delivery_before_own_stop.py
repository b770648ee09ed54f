from django.db import migrations, models


class Migration(migrations.Migration):
    """Store the delivery before the follower stopped the mails of this follow alone.

    `delivery_before_stop` stays empty then, because the previous version resumes every follow that has it.
    """

    dependencies = [("comments", "0042_apostrophe_in_labels")]

    operations = [
        migrations.AddField(
            model_name="follow",
            name="delivery_before_own_stop",
            field=models.CharField(
                blank=True,
                choices=[
                    ("at_once", "By e-mail at once"),
                    ("hourly", "By e-mail, at most once an hour"),
                    ("daily", "By e-mail, once a day"),
                    ("site", "Only on this site"),
                    ("none", "Do not tell me"),
                ],
                db_default="",
                default="",
                editable=False,
                max_length=7,
            ),
        ),
    ]
