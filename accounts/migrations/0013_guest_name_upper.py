from django.db import migrations, models
from django.db.models.functions import Upper

from core.database.concurrent_indexes import AddIndexConcurrently


class Migration(migrations.Migration):
    """Index the names of guests in any case, as moderators filter by them: 150 ms for 500,000 guests without it."""

    atomic = False
    dependencies = [
        ("accounts", "0012_language"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="guest",
            index=models.Index(Upper("name"), name="guest_name_upper"),
        ),
    ]
