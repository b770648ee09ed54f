"""Mails to people about warnings, reviews, pauses and bans."""

from django.core.mail import EmailMessage
from django.utils import timezone
from django.utils.translation import gettext as _

from articles.site.current_site import read_site
from articles.site.languages import in_language_of
from comments.models import REMOVED_BY_MODERATION, Transition
from core.mail.composition import compose_mail
from moderation.models import Sanction
from moderation.people import active_sanctions


def compose(sanction: Sanction, event: str) -> EmailMessage:
    """Return the mail to the person about an event of their sanction.

    It is "imposed", "upheld", "accepted" (it ended after an appeal) or "ended".
    """
    site = read_site()
    person = sanction.user or sanction.guest
    assert person is not None  # by a constraint of its table
    transitions = Transition.objects.filter(action_id=sanction.action_id, kind=Transition.Kind.STATE)
    removed = transitions.filter(comment__state__in=REMOVED_BY_MODERATION).count()
    with timezone.override(site.zone), in_language_of(person, site):
        return compose_mail(
            "moderation/mail/sanction.txt",
            _subject(sanction, event),
            person.email,
            site=site,
            event=event,
            text=active_sanctions.sanction_text(sanction),
            removed=removed,
            is_guest=sanction.guest_id is not None,
            can_appeal=sanction.appealed_at is None,
            has_open_appeal=sanction.has_open_appeal,
        )


def _subject(sanction: Sanction, event: str) -> str:
    if event in {"upheld", "accepted"}:
        return _("The decision on your appeal")
    if event == "ended":
        is_silencing = sanction.kind in active_sanctions.SILENCING_KINDS
        return _("You can comment again") if is_silencing else _("A decision about you was ended")
    return {
        Sanction.Kind.WARN: _("A warning from the moderators"),
        Sanction.Kind.REVIEW: _("Your comments are reviewed first"),
        Sanction.Kind.PAUSE: _("You are paused from commenting"),
        Sanction.Kind.BAN: _("You are banned from commenting"),
    }[Sanction.Kind(sanction.kind)]
