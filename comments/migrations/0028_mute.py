import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_roles_are_logged"),
        ("comments", "0027_follows"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Mute",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "muted_comment",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="comments.comment",
                    ),
                ),
                (
                    "muted_guest",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.guest",
                    ),
                ),
                (
                    "muted_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mutes",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["user", "at"], name="mute_user")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("muted_comment", None), ("muted_guest", None), ("muted_user__isnull", False)
                            ),
                            models.Q(
                                ("muted_comment", None), ("muted_guest__isnull", False), ("muted_user", None)
                            ),
                            models.Q(
                                ("muted_comment__isnull", False), ("muted_guest", None), ("muted_user", None)
                            ),
                            _connector="OR",
                        ),
                        name="mute_of_one_person",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("muted_user", None), _negated=True),
                        fields=("user", "muted_user"),
                        name="mute_user_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("muted_guest", None), _negated=True),
                        fields=("user", "muted_guest"),
                        name="mute_guest_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("muted_comment", None), _negated=True),
                        fields=("user", "muted_comment"),
                        name="mute_comment_once",
                    ),
                ],
            },
        ),
    ]
