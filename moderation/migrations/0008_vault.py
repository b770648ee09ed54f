import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("moderation", "0007_rules_that_only_tell")]

    operations = [
        migrations.AddField("seal", "author_name", models.CharField(blank=True, max_length=200)),
        migrations.AddField("seal", "author_email", models.EmailField(blank=True, max_length=254)),
        migrations.AddField("seal", "ip_hash", models.BinaryField(max_length=16, null=True)),
        migrations.CreateModel(
            name="SealedText",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("revision", models.PositiveIntegerField()),
                ("body", models.TextField()),
                ("replaced_at", models.DateTimeField(null=True)),
                (
                    "seal",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="texts",
                        to="moderation.seal",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("seal", "revision"), name="sealedtext_once")],
            },
        ),
    ]
