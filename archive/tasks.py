from django.utils.translation import gettext as _
from django_tasks import task

from accounts.models import User
from articles.site.languages import in_staff_language
from moderation.notifications.mail import mail_staff


@task()
@in_staff_language()
def notify_failed_backup(why: str) -> int:
    """Mail every administrator that last night's backup failed. Return the number of mails."""
    template, subject = "moderation/mail/no_backup.txt", _("Last night’s backup failed")
    return mail_staff(User.objects.administrators(), template, subject, why=why)
