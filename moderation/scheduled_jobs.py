"""The scheduled jobs of accounts, articles, comments and moderation.

They are in one list because their order matters: what somebody waits for comes first, long jobs come last.
"""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop as _
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from accounts import undeliverable
from accounts.authentication import devices, login_throttling, sign_up
from articles.editing import cleanup
from articles.images.services import delete_unused_files
from articles.newsletter import sending, subscriptions
from articles.related import store_all_keywords
from comments.following.mails import notify_followers
from comments.services.drafts import delete_old_comment_drafts
from comments.tasks import delete_unconfirmed_emails
from comments.thread.visits import delete_old_visits
from core.jobs.scheduled import Job
from moderation.erasure import account_erasure, erasure_replay, purge
from moderation.notifications import waiting_alerts
from moderation.queue import second_opinions
from moderation.reports import removal_requests
from moderation.screening import flags, import_jobs, origins
from moderation.similar import scan
from moderation.spam_filter import training

FINISHED_TASK_RETENTION = timedelta(days=7)
FAILED_TASK_RETENTION = timedelta(days=30)


def delete_finished_tasks() -> int:
    """Delete records of background tasks: successful ones after a week, failed ones after a month.

    Their arguments may be e-mails. Returns their number.
    """
    now = timezone.now()
    done = Q(status=TaskResultStatus.SUCCESSFUL, finished_at__lt=now - FINISHED_TASK_RETENTION)
    failed = Q(status=TaskResultStatus.FAILED, finished_at__lt=now - FAILED_TASK_RETENTION)
    return DBTaskResult.objects.filter(done | failed).delete()[0]


def delete_undeliverable() -> int:
    """Delete undeliverable e-mails that are old, or that no account, guest or subscriber has."""
    return undeliverable.delete_old(subscriptions.is_subscribed())


JOBS = [
    # In each round, which is a minute; it may come a little early.
    Job(_("Notify followers"), timedelta(seconds=50), notify_followers),
    Job(_("Continue sending newsletters"), timedelta(seconds=50), sending.continue_sending),
    Job(_("Notify moderators of waiting comments"), timedelta(minutes=5), waiting_alerts.alert_moderators),
    Job(_("Ask for second opinions"), timedelta(minutes=10), second_opinions.create_questions),
    Job(_("Train the spam filter"), timedelta(minutes=10), training.run),
    Job(_("Restart the checks of imports"), timedelta(minutes=10), import_jobs.restart_screenings),
    Job(_("Continue erasures of accounts"), timedelta(minutes=10), account_erasure.restart_erasures),
    Job(_("Delete unconfirmed e-mails"), timedelta(hours=1), delete_unconfirmed_emails),
    Job(_("Delete unconfirmed subscriptions"), timedelta(hours=1), subscriptions.delete_unconfirmed),
    Job(_("Delete old recipients of newsletters"), timedelta(days=1), sending.delete_old_recipients),
    Job(_("Delete old IP addresses"), timedelta(days=1), origins.delete_expired),
    Job(_("Delete old sessions"), timedelta(days=1), devices.delete_old_sessions),
    Job(_("Delete old counts of wrong passwords"), timedelta(days=1), login_throttling.delete_old_counts),
    Job(_("Delete unconfirmed sign-ups"), timedelta(days=1), sign_up.delete_expired),
    Job(_("Delete old undeliverable e-mails"), timedelta(days=1), delete_undeliverable),
    Job(_("Delete personal data of old requests"), timedelta(days=1), removal_requests.delete_personal_data),
    Job(_("Delete personal data of restricted comments"), timedelta(days=1), purge.erase_restricted_data),
    Job(_("Delete old visits of discussions"), timedelta(days=1), delete_old_visits),
    Job(_("Delete old drafts of comments"), timedelta(days=1), delete_old_comment_drafts),
    Job(_("Erase old spam"), timedelta(days=1), purge.erase_old_spam),
    Job(_("Delete finished jobs"), timedelta(days=1), delete_finished_tasks),
    Job(_("Delete old records of concurrent editing"), timedelta(days=1), cleanup.delete_old_presence),
    Job(_("Delete old unsaved drafts"), timedelta(days=1), cleanup.delete_old_autosaves),
    Job(_("Delete unused image files"), timedelta(days=1), delete_unused_files),
    Job(_("Update the keywords of stories"), timedelta(days=1), store_all_keywords),
    Job(_("Delete old lists and rule matches"), timedelta(days=1), purge.delete_unused_groups),
    Job(_("Complete the erasure log"), timedelta(days=1), erasure_replay.log_all),
    Job(_("Flag harmful content in old comments"), timedelta(days=7), flags.flag_old_comments),
    Job(_("Scan old discussions for problems"), timedelta(days=1), scan.nightly_scan),
]
