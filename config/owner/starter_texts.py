"""Texts that an owner can start from: rules of commenting, and a text on privacy."""

from django.utils.translation import gettext, gettext_noop

from articles.models import Site

TEXTS = {
    "rules": gettext_noop(
        "## What we want\n\n"
        "Comments that add something: what you know, what you have seen, where you disagree and why.\n\n"
        "## What we remove\n\n"
        "- insults, and attacks on people for what they are\n"
        "- threats, and calls for violence\n"
        "- other people’s addresses, phone numbers and e-mails\n"
        "- advertising, and the same comment several times\n"
        "- what has nothing to do with the story\n\n"
        "## How we decide\n\n"
        "A moderator of %(site)s reads what readers or automatic checks report. If your comment is removed, "
        "you are told why, and you can appeal once. Then somebody else decides, if possible."
    ),
    "privacy": gettext_noop(
        "## Who is responsible\n\n"
        "%(site)s, [name, street, town, country]. Write to %(email)s about anything on this page.\n\n"
        "## Your rights\n\n"
        "You can read, take along and erase your data under “My data” in the menu of your account. You can "
        "also ask us to correct it, or complain to the data protection authority of your country.\n\n"
        "## Who gets your data\n\n"
        "We give it to nobody, except to authorities where the law demands it. Our server is in [country], "
        "at [company]. Our mails are sent by [company].\n\n"
        "## Cookies\n\n"
        "This site sets a cookie when you log in, comment or choose a theme. It sets none for advertising or "
        "for counting visitors."
    ),
}


def render(name: str, site: Site) -> str:
    """Return a text with the name and the contact address of the site."""
    return gettext(TEXTS[name]) % {"site": site.name, "email": site.contact_email or gettext("[e-mail]")}
