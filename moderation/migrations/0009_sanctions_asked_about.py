from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("moderation", "0008_vault")]

    operations = [
        migrations.AddField("sanction", "told_at", models.DateTimeField(null=True)),
        migrations.AddField("sanction", "asked_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "sanction",
            "asked_words",
            models.TextField(blank=True, max_length=2000, verbose_name="in your words"),
        ),
        migrations.AddField("sanction", "answered_at", models.DateTimeField(null=True)),
    ]
