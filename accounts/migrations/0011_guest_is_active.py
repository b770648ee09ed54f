from django.db import migrations, models


class Migration(migrations.Migration):
    """Store whether a guest's cookie is accepted. Those of guests who were erased before are not."""

    dependencies = [
        ("accounts", "0010_undeliverable_lower_case"),
    ]

    operations = [
        migrations.AddField(
            model_name="guest",
            name="is_active",
            field=models.BooleanField(db_default=True, default=True, editable=False),
        ),
        migrations.RunSQL(
            "UPDATE accounts_guest SET is_active = false WHERE name = ''", migrations.RunSQL.noop
        ),
    ]
