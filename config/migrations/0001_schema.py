import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    """Create the tables that count mails."""

    replaces = [
        ("config", "0001_mails_counted"),
    ]

    initial = True
    dependencies = []

    operations = [
        migrations.CreateModel(
            name="MailDay",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("sent", models.PositiveIntegerField(default=0)),
                ("failed", models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="MailFailure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ("subject", models.CharField(blank=True, max_length=200)),
                ("count", models.PositiveIntegerField(default=1)),
                ("error", models.TextField()),
            ],
        ),
    ]
