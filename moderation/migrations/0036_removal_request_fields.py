from django.db import migrations, models
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual

from core.database.independent_operations import IndependentOperations

LENGTHS = {  # old and new names of the two columns whose length is limited
    "what": "passage",
    "why": "reason",
}


def rename_constraint(old: str, new: str) -> migrations.SeparateDatabaseAndState:
    """Rename the constraint of a column's length, which needs no scan of the table."""
    rename = "ALTER TABLE moderation_removalrequest RENAME CONSTRAINT {} TO {}"
    before, after = f"removalrequest_{old}_length", f"removalrequest_{new}_length"
    constraint = models.CheckConstraint(condition=LessThanOrEqual(Length(new), 5000), name=after)
    return migrations.SeparateDatabaseAndState(
        database_operations=[migrations.RunSQL(rename.format(before, after), rename.format(after, before))],
        state_operations=[
            IndependentOperations(
                [
                    migrations.RemoveConstraint("removalrequest", before),
                    migrations.AddConstraint("removalrequest", constraint),
                ]
            )
        ],
    )


class Migration(migrations.Migration):
    """Name the fields of a request for removal after what they hold."""

    dependencies = [("moderation", "0035_legal_hold")]

    operations = [
        migrations.RenameField("removalrequest", "where", "article_title"),
        migrations.RenameField("removalrequest", "wants", "requested_action"),
        migrations.RenameField("removalrequest", "what", "passage"),
        migrations.RenameField("removalrequest", "why", "reason"),
        migrations.RenameField("removalrequest", "who", "role"),
        *(rename_constraint(old, new) for old, new in LENGTHS.items()),
    ]
    operations = [IndependentOperations(operations)]
