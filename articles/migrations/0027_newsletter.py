import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Create the tables of the newsletter."""

    dependencies = [
        ("articles", "0026_privacy_text"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Newsletter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_digest", models.BooleanField(default=False)),
                ("subject", models.CharField(max_length=200, verbose_name="subject")),
                ("introduction", models.TextField(blank=True, max_length=2000, verbose_name="introduction")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="created"),
                ),
                ("version", models.PositiveIntegerField(default=0)),
                ("sent_at", models.DateTimeField(null=True, verbose_name="sent")),
                ("stopped_at", models.DateTimeField(null=True)),
                ("counts", models.JSONField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "newsletter",
                "verbose_name_plural": "newsletters",
                "ordering": ["-created_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="NewsletterStory",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("place", models.PositiveSmallIntegerField()),
                (
                    "article",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="newsletter_stories",
                        to="articles.article",
                    ),
                ),
                (
                    "newsletter",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="stories",
                        to="articles.newsletter",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="newsletter",
            name="articles",
            field=models.ManyToManyField(
                related_name="newsletters", through="articles.NewsletterStory", to="articles.article"
            ),
        ),
        migrations.CreateModel(
            name="Subscriber",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email", models.EmailField(max_length=254, unique=True, verbose_name="e-mail")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "subscriber",
                "verbose_name_plural": "subscribers",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("email", django.db.models.functions.text.Lower("email"))),
                        name="subscriber_lower_case",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="NewsletterRecipient",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("sent", "Sent"),
                            ("failed", "Failed"),
                            ("bounced", "Bounced"),
                            ("unsubscribed", "Unsubscribed since"),
                            ("left_out", "Unsubscribed before"),
                        ],
                        db_default="queued",
                        default="queued",
                        max_length=12,
                    ),
                ),
                ("due_at", models.DateTimeField()),
                ("failures", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("reason", models.CharField(blank=True, db_default="", default="", max_length=500)),
                (
                    "newsletter",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="recipients",
                        to="articles.newsletter",
                    ),
                ),
                (
                    "subscriber",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="newsletters",
                        to="articles.subscriber",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("confirmed_at", models.DateTimeField(null=True)),
                (
                    "subscriber",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="subscriptions",
                        to="articles.subscriber",
                    ),
                ),
                (
                    "topic",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="subscriptions",
                        to="articles.topic",
                    ),
                ),
            ],
            options={
                "verbose_name": "subscription",
                "verbose_name_plural": "subscriptions",
            },
        ),
        migrations.AddConstraint(
            model_name="newsletterstory",
            constraint=models.UniqueConstraint(fields=("newsletter", "article"), name="newsletterstory_once"),
        ),
        migrations.AddConstraint(
            model_name="newsletter",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    django.db.models.functions.text.Length("introduction"), 2000
                ),
                name="newsletter_introduction_length",
            ),
        ),
        migrations.AddIndex(
            model_name="newsletterrecipient",
            index=models.Index(fields=["newsletter", "state"], name="newsletterrecipient_state"),
        ),
        migrations.AddIndex(
            model_name="newsletterrecipient",
            index=models.Index(
                condition=models.Q(("state", "queued")),
                fields=["newsletter", "due_at"],
                name="newsletterrecipient_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="newsletterrecipient",
            constraint=models.UniqueConstraint(
                fields=("subscriber", "newsletter"), name="newsletterrecipient_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.UniqueConstraint(
                fields=("subscriber", "topic"), name="subscription_once", nulls_distinct=False
            ),
        ),
    ]
