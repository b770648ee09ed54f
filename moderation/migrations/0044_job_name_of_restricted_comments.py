from typing import Any

from django.db import migrations, models

OLD, NEW = "Delete e-mails of restricted content", "Delete personal data of restricted comments"


def rename_job(apps: Any, schema_editor: Any) -> None:
    apps.get_model("moderation", "JobRun").objects.filter(name=OLD).update(name=NEW)


def restore_name(apps: Any, schema_editor: Any) -> None:
    apps.get_model("moderation", "JobRun").objects.filter(name=NEW).update(name=OLD)


class Migration(migrations.Migration):
    """Rename the stored run of a scheduled job, so that it does not run earlier because of its new name.

    A server of the previous version finds no run, runs the job once more, which does no harm, and leaves a row
    of the old name.
    """

    dependencies = [("moderation", "0043_index_of_picks")]

    operations = [
        migrations.AlterField(
            "jobrun",
            "name",
            models.CharField(max_length=60, primary_key=True, serialize=False, verbose_name="job"),
        ),
        migrations.RunPython(rename_job, restore_name),
    ]
