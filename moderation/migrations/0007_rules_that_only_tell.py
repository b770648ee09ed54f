from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("moderation", "0006_job_runs")]

    operations = [
        migrations.AddField(
            "rule",
            "holds",
            models.BooleanField(db_default=True, default=True, verbose_name="makes a comment wait"),
        ),
        migrations.AddField(
            "ruleterms",
            "whole_words",
            models.BooleanField(db_default=True, default=True, verbose_name="as whole words only"),
        ),
        migrations.AddIndex(
            "finding",
            models.Index(fields=["rule"], condition=~Q(rule=None), name="finding_rule"),
        ),
    ]
