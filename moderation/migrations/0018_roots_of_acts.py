import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

FILL = """
WITH RECURSIVE chain AS (
  SELECT id, id AS root, 0 AS undos FROM moderation_batch WHERE undoes_id IS NULL
  UNION ALL
  SELECT b.id, chain.root, chain.undos + 1 FROM chain JOIN moderation_batch b ON b.undoes_id = chain.id)
UPDATE moderation_batch b SET root_id = chain.root, undos = chain.undos FROM chain WHERE chain.id = b.id"""


def _root(*, null: bool) -> models.Field:
    return models.ForeignKey(
        editable=False,
        null=null,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="moderation.batch",
    )


class Migration(migrations.Migration):
    dependencies = [("moderation", "0017_lists_of_a_queue")]

    operations = [
        migrations.AlterField(
            "batch",
            "undoes",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="moderation.batch",
            ),
        ),
        migrations.AddField("batch", "undos", models.PositiveIntegerField(default=0, editable=False)),
        migrations.AddField("batch", "root", _root(null=True)),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AlterField("batch", "root", _root(null=False)),
        migrations.AddConstraint(
            "batch",
            models.CheckConstraint(
                condition=Q(undoes=None, undos=0, root=F("id")) | Q(undoes__isnull=False, undos__gt=0),
                name="batch_root",
            ),
        ),
    ]
