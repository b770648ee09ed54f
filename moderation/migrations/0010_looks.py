import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("moderation", "0009_sanctions_asked_about")]

    operations = [
        migrations.CreateModel(
            name="Look",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(null=True)),
                ("until", models.BigIntegerField(default=0)),
                ("comments", models.PositiveIntegerField(default=0)),
            ],
            options={
                "verbose_name": "look over the site",
                "verbose_name_plural": "looks over the site",
                "indexes": [models.Index(fields=["-asked_at"], name="look_asked")],
            },
        ),
        migrations.AddField(
            "group",
            "act",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="moderation.batch",
            ),
        ),
        migrations.AddField("member", "clues", models.PositiveIntegerField(default=0)),
    ]
