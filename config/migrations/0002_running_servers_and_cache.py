from django.db import migrations, models


class Migration(migrations.Migration):
    """Create the tables of running servers and of Django's cache."""

    dependencies = [
        ("config", "0001_schema"),
    ]

    operations = [
        migrations.CreateModel(
            name="CacheEntry",
            fields=[
                ("cache_key", models.CharField(max_length=255, primary_key=True, serialize=False)),
                ("value", models.TextField()),
                ("expires", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="RunningServer",
            fields=[
                ("name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("host", models.CharField(max_length=255)),
                ("roles", models.CharField(max_length=100)),
                ("version", models.CharField(max_length=40)),
                ("settings", models.JSONField(default=dict)),
                ("started_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
            ],
        ),
    ]
