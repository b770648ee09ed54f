import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Coalesce

# Each version learns the first one; of several in force the latest stays.
FILL = """
WITH RECURSIVE version AS (
  SELECT id, id AS first FROM moderation_rule WHERE replaces_id IS NULL
  UNION ALL
  SELECT r.id, v.first FROM moderation_rule r JOIN version v ON r.replaces_id = v.id)
UPDATE moderation_rule r SET first_id = v.first FROM version v WHERE v.id = r.id AND v.first <> r.id;
UPDATE moderation_rule r SET is_active = false
WHERE r.is_active AND EXISTS (
  SELECT FROM moderation_rule o
  WHERE o.is_active AND o.id > r.id AND coalesce(o.first_id, o.id) = coalesce(r.first_id, r.id))"""


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0013_sealed_redactions"),
    ]

    operations = [
        migrations.AddField(
            model_name="rule",
            name="first",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="moderation.rule",
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="rule",
            constraint=models.UniqueConstraint(
                Coalesce("first", "id"), condition=models.Q(is_active=True), name="rule_one_version"
            ),
        ),
    ]
