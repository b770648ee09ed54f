import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from core.database.table_guards import append_only, dated_now


class Migration(migrations.Migration):
    """Log each removal of second factors by the command on the server."""

    dependencies = [
        ("accounts", "0006_roles_are_logged"),
    ]

    operations = [
        migrations.CreateModel(
            name="SecondFactorRemoval",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="second_factor_removals",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "removal of second factors",
                "verbose_name_plural": "removals of second factors",
            },
        ),
        *append_only("accounts_secondfactorremoval", "secondfactorremoval"),
        dated_now("accounts_secondfactorremoval", "secondfactorremoval"),
    ]
