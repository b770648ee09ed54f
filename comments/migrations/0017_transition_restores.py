import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the decision whose state an undo restored. moderation/migrations/0028 fills it."""

    dependencies = [("comments", "0016_plain_names")]

    operations = [
        migrations.AddField(
            "transition",
            "restores",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="comments.transition",
            ),
        ),
    ]
