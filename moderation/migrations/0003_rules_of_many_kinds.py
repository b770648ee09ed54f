from django.db import migrations


class Migration(migrations.Migration):
    """A term is one kind of rule; findings that were made before keep pointing at theirs."""

    dependencies = [("moderation", "0002_findings_append_only")]

    operations = [
        migrations.RemoveConstraint("rule", "rule_term_once"),
        migrations.RenameField("rule", "term", "value"),
    ]
