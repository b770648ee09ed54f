from django.db import migrations, models


class Migration(migrations.Migration):
    """Count how often a person has logged out everywhere."""

    dependencies = [
        ("accounts", "0007_second_factor_removals"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="logout_count",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
    ]
