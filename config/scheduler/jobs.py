"""The scheduled jobs, which `manage.py tick` runs (config/scheduler/runner.py).

They are in one list, because they run in its order: what somebody waits for comes first, and long jobs come
last. A job may be stopped at any moment and run again from its start, so its writes must be repeatable.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from django.utils import timezone
from django.utils.translation import gettext_noop as _

from accounts import undeliverable
from accounts.authentication import devices, login_throttling, sign_up
from archive import pending_uploads
from archive.nightly import make_nightly_backup
from archive.personal_data import files as personal_data_files
from articles.editing import cleanup
from articles.images.services import delete_unused_files
from articles.newsletter import sending, subscriptions
from articles.related import store_all_keywords
from comments.following.mails import notify_followers
from comments.services.drafts import delete_old_comment_drafts
from comments.tasks import delete_unconfirmed_emails
from comments.thread.visits import delete_old_visits
from config.mail_backend import delete_old_failures
from config.models import CacheEntry
from config.server.running_servers import requeue_lost_jobs
from core import stored_jobs
from moderation.erasure import account_erasure, erasure_replay, purge
from moderation.notifications import waiting_alerts
from moderation.queue import second_opinions
from moderation.reports import removal_requests
from moderation.screening import flags, import_jobs, origins
from moderation.similar import scan
from moderation.spam_filter import training


class Job(NamedTuple):
    """A job with its interval. `run` takes no arguments, and its result is printed."""

    name: str  # shown in translation; at most 60 characters, the key of its last run in the database
    every: timedelta
    run: Callable[[], object]
    # Until a failed or interrupted run is repeated; by default runner.RETRY.
    retry: timedelta | None = None


def delete_expired_cache_entries() -> int:
    """Delete what has expired in Django's cache, such as IP addresses in rate limits. Returns the number."""
    return CacheEntry.objects.filter(expires__lt=timezone.now()).delete()[0]


def delete_undeliverable() -> int:
    """Delete undeliverable e-mails that are old, or that no account, guest or subscriber has."""
    return undeliverable.delete_old(subscriptions.is_subscribed())


# The scheduler makes a round each minute, which may come a little early.
JOBS = [
    Job(_("Continue the jobs of lost servers"), timedelta(seconds=50), requeue_lost_jobs),
    Job(_("Notify followers"), timedelta(seconds=50), notify_followers),
    Job(_("Continue sending newsletters"), timedelta(seconds=50), sending.continue_sending),
    Job(_("Notify moderators of waiting comments"), timedelta(minutes=5), waiting_alerts.alert_moderators),
    Job(_("Ask for second opinions"), timedelta(minutes=10), second_opinions.create_questions),
    Job(_("Train the spam filter"), timedelta(minutes=10), training.run),
    Job(_("Restart the checks of imports"), timedelta(minutes=10), import_jobs.restart_screenings),
    Job(_("Continue erasures of accounts"), timedelta(minutes=10), account_erasure.restart_erasures),
    Job(_("Delete unconfirmed e-mails"), timedelta(hours=1), delete_unconfirmed_emails),
    Job(_("Delete unconfirmed subscriptions"), timedelta(hours=1), subscriptions.delete_unconfirmed),
    Job(_("Delete expired rate limits"), timedelta(hours=1), delete_expired_cache_entries),
    Job(_("Delete old uploads of imports"), timedelta(hours=1), pending_uploads.delete_expired),
    Job(_("Delete old files of personal data"), timedelta(hours=1), personal_data_files.delete_expired),
    Job(_("Delete old recipients of newsletters"), timedelta(days=1), sending.delete_old_recipients),
    Job(_("Delete old IP addresses"), timedelta(hours=1), origins.delete_expired),
    Job(_("Delete old sessions"), timedelta(days=1), devices.delete_old_sessions),
    Job(_("Delete old counts of wrong passwords"), timedelta(days=1), login_throttling.delete_old_counts),
    Job(_("Delete unconfirmed sign-ups"), timedelta(days=1), sign_up.delete_expired),
    Job(_("Delete old failures of mails"), timedelta(days=1), delete_old_failures),
    Job(_("Delete old undeliverable e-mails"), timedelta(days=1), delete_undeliverable),
    Job(_("Delete personal data of old requests"), timedelta(days=1), removal_requests.delete_personal_data),
    Job(_("Delete personal data of restricted comments"), timedelta(days=1), purge.erase_restricted_data),
    Job(_("Delete old visits of discussions"), timedelta(days=1), delete_old_visits),
    Job(_("Delete old drafts of comments"), timedelta(days=1), delete_old_comment_drafts),
    Job(_("Erase old spam"), timedelta(days=1), purge.erase_old_spam),
    Job(_("Delete finished jobs"), timedelta(days=1), stored_jobs.delete_finished),
    Job(_("Delete old records of concurrent editing"), timedelta(days=1), cleanup.delete_old_presence),
    Job(_("Delete old unsaved drafts"), timedelta(days=1), cleanup.delete_old_autosaves),
    Job(_("Delete unused image files"), timedelta(days=1), delete_unused_files),
    Job(_("Update the keywords of stories"), timedelta(days=1), store_all_keywords),
    Job(_("Delete old lists and rule matches"), timedelta(days=1), purge.delete_unused_groups),
    Job(_("Complete the erasure log"), timedelta(days=1), erasure_replay.log_all),
    Job(_("Flag harmful content in old comments"), timedelta(days=7), flags.flag_old_comments),
    Job(_("Scan old discussions for problems"), timedelta(days=1), scan.nightly_scan),
    # Checked often, so that the first backup is made soon after the owner switches it on.
    Job(_("Make the nightly backup"), timedelta(minutes=5), make_nightly_backup, retry=timedelta(hours=1)),
]
