from typing import Any

from django.db import migrations

JOBS = {
    "tell moderators what waits": "Notify moderators of waiting comments",
    "ask for second opinions": "Ask for second opinions",
    "train the filter": "Train the spam filter",
    "forget IP addresses": "Delete old IP addresses",
    "forget wrong passwords": "Delete old counts of wrong passwords",
    "forget sign-ups that nobody confirmed": "Delete unconfirmed sign-ups",
    "forget who asked for a removal": "Delete personal data of old requests",
    "forget sealed e-mails": "Delete e-mails of restricted content",
    "blank old spam": "Erase old spam",
    "forget jobs that are done": "Delete finished jobs",
    "forget who had a story open": "Delete old records of concurrent editing",
    "forget what was never saved": "Delete old unsaved drafts",
    "throw pictures away that no image is of": "Delete unused image files",
    "look which words stories share": "Update the keywords of stories",
    "throw old lists away": "Delete old lists and rule matches",
    "remember what was erased": "Complete the erasure log",
    "flag old comments": "Flag harmful content in old comments",
    "look after the archive": "Scan old discussions for problems",
    "see whether a backup is due": "Make the nightly backup",
}


def rename_jobs(apps: Any, schema_editor: Any) -> None:
    runs = apps.get_model("moderation", "JobRun").objects
    for old, new in JOBS.items():
        runs.filter(name=old).update(name=new)


class Migration(migrations.Migration):
    """Rename the stored runs of scheduled jobs, so that no job runs earlier because of its new name."""

    dependencies = [("moderation", "0029_task_names")]

    operations = [migrations.RunPython(rename_jobs, migrations.RunPython.noop)]
