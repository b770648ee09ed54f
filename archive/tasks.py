from django.utils.translation import gettext as _
from django_tasks import task

from articles.site.current_site import read_site
from articles.site.languages import in_staff_language
from core.mail.composition import compose_mail
from moderation.notifications.mail import administrators, send_mails


@task()
@in_staff_language()
def notify_failed_backup(why: str) -> int:
    """Mail every administrator that last night's backup failed. Return the number of mails."""
    subject, site = _("Last night’s backup failed"), read_site()
    to = [person.email for person in administrators()]
    return send_mails(
        compose_mail("moderation/mail/no_backup.txt", subject, each, site=site, why=why) for each in to
    )
