from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """A sealed comment has no words of its own: they lie with its seal."""

    dependencies = [("comments", "0006_reasons_to_remove")]

    operations = [
        migrations.RemoveConstraint("comment", "comment_body_or_missing"),
        migrations.AddConstraint(
            "comment",
            models.CheckConstraint(
                condition=~Q(body__regex=r"^\s*$")
                | Q(text_missing="all")
                | Q(erased_at__isnull=False)
                | Q(state_reason="sealed"),
                name="comment_body_or_missing",
            ),
        ),
    ]
