from django.db import migrations


class Migration(migrations.Migration):
    """The foot of each page tells of the log, so it is a setting of the site, which each page reads."""

    dependencies = [
        ("articles", "0006_public_log"),
        ("moderation", "0015_no_groups_of_drift"),
    ]

    operations = [
        migrations.RunSQL(
            "UPDATE articles_site SET has_public_log = true"
            " WHERE EXISTS (SELECT FROM moderation_desk WHERE has_public_log)",
            "UPDATE moderation_desk SET has_public_log = (SELECT has_public_log FROM articles_site)",
        ),
        migrations.RemoveField(model_name="desk", name="has_public_log"),
    ]
