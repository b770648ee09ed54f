from django.utils.translation import gettext as _
from django_tasks import task

from articles.site.languages import in_site_language
from moderation.notifications.mail import administrators, current_site, mail, send


@task()
@in_site_language
def tell_of_failed_backup(why: str) -> int:
    """Write to every administrator that last night's backup was not made. Returns the mails."""
    subject, site = _("There is no backup of last night"), current_site()
    to = [person.email for person in administrators()]
    return send(mail("no_backup", subject, each, site=site, why=why) for each in to)
