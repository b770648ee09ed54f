from django.db import migrations, models

TARGETS = [
    ("site", "Site"),
    ("discussion", "Discussion"),
    ("comment", "Comment"),
    ("sanction", "Sanction"),
    ("rule", "Rule"),
    ("article", "Article"),
    ("desk", "Desk"),
    ("inferred", "Inferred Parent"),
]


class Migration(migrations.Migration):
    """Let an action dismiss a proposed parent."""

    dependencies = [
        ("comments", "0021_inferred_parent"),
        ("moderation", "0036_removal_request_fields"),
    ]

    operations = [
        migrations.AlterField("settingchange", "target", models.CharField(choices=TARGETS, max_length=10)),
    ]
