from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the kind of group for comments that a person posted twice."""

    dependencies = [
        ("moderation", "0039_import_screening"),
    ]

    operations = [
        migrations.AlterField(
            model_name="commentgroup",
            name="kind",
            field=models.CharField(
                choices=[
                    ("text", "shared text"),
                    ("repeat", "duplicates of one comment"),
                    ("twice", "posted twice by the same person"),
                    ("link", "shared link or contact"),
                    ("name", "names of one pattern"),
                    ("origin", "one IP address"),
                    ("burst", "one burst"),
                    ("late", "late promotional spam"),
                    ("missing", "text missing"),
                    ("rule", "found by a rule"),
                    ("queue", "all of a queue"),
                    ("emptying", "to be deleted permanently"),
                ],
                max_length=10,
            ),
        ),
    ]
