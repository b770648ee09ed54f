"""The scheduled jobs of this app. The backup is the last one, as it may take long."""

from datetime import timedelta

from django.utils.translation import gettext_noop as _

from archive import pending_uploads
from archive.nightly import make_nightly_backup
from archive.personal_data import files
from core.jobs.scheduled import Job

# Checked often, so that the first backup is made soon after the owner switches it on. A failure is retried
# after an hour. The name is stored (moderation.models.JobRun).
NIGHTLY_JOB = Job(
    _("Make the nightly backup"), timedelta(minutes=5), make_nightly_backup, retry=timedelta(hours=1)
)

JOBS = [
    Job(_("Delete old uploads of imports"), timedelta(hours=1), pending_uploads.delete_expired),
    Job(_("Delete old files of personal data"), timedelta(hours=1), files.delete_expired),
    NIGHTLY_JOB,
]
