import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    """Store whom imported replies probably answer, beside the parent that their source gives."""

    dependencies = [("comments", "0020_duplicate_of")]

    operations = [
        migrations.CreateModel(
            name="InferredParent",
            fields=[
                (
                    "comment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="inferred_parent",
                        serialize=False,
                        to="comments.comment",
                    ),
                ),
                ("confidence", models.FloatField()),
                ("reason", models.CharField(max_length=20)),
                ("is_dismissed", models.BooleanField(db_default=False, default=False)),
                (
                    "discussion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="inferred_parents",
                        to="comments.discussion",
                    ),
                ),
                (
                    "imported_parent",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="comments.comment",
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="comments.comment",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(confidence__gte=0, confidence__lte=1), name="inferredparent_confidence"
                    ),
                    models.CheckConstraint(
                        condition=~Q(parent=F("comment")) & ~Q(parent=F("imported_parent")),
                        name="inferredparent_is_another",
                    ),
                ],
            },
        ),
    ]
