"""What the filter and its signals found, in words."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

NEARLY_SURE, LIKELY, MAYBE = 0.95, 0.7, 0.3


def probability(p: float, *, waits: bool = False) -> str:
    """As somebody would say it, with the number: 9 in 10 like it are spam. `waits`: it is over the line."""
    if p >= NEARLY_SURE:
        return _("The filter takes it for spam: %(n)s in 100 like it are.") % {"n": min(99, round(100 * p))}
    if p >= LIKELY:
        return _("The filter finds it likely to be spam: %(n)s in 10 like it are.") % {"n": round(10 * p)}
    if p >= MAYBE:
        return _("The filter is in doubt: %(n)s in 10 like it are spam.") % {"n": round(10 * p)}
    if waits:
        return _("The filter is in doubt: %(n)s in 100 like it are spam.") % {"n": round(100 * p)}
    if n := round(100 * p):
        said = ngettext("%(n)s in 100 like it is spam.", "%(n)s in 100 like it are spam.", n)
        return _("The filter finds nothing much: %(said)s") % {"said": said % {"n": n}}
    return _("The filter finds nothing.")


def signal(name: str, number: int | None) -> str:
    """What a signal found, to a moderator; "" for none that is known."""
    n = number or 0
    match name:
        case "late":
            said = ngettext("Posted %(n)s day after the article.", "Posted %(n)s days after the article.", n)
        case "drift" if n:
            said = ngettext(
                "It has %(n)s word in common with article and discussion, among many.",
                "It has %(n)s words in common with article and discussion, among many.",
                n,
            )
        case "drift":
            said = _("It has no word in common with article or discussion.")
        case "on_subject":
            said = _("It speaks with the article’s own words.")
        case "specific":
            said = _("It has names, figures or code of its own.")
        case "answers":
            said = _("It answers somebody.")
        case "asks":
            said = _("It asks something, or tells what somebody did.")
        case "no_gain":
            said = _("Nobody would gain by it.")
        case "own_name":
            said = _("The author’s site carries the author’s name.")
        case "praise":
            said = _("It praises, and hardly says what.")
        case "site_talk":
            said = _("It speaks of the page instead of its subject.")
        case "spun":
            said = _("It has turns of phrase of texts that robots spin.")
        case "leftovers":
            said = _("It has what a robot forgot to fill in.")
        case "padded":
            said = _("Numbers stand around the text.")
        case "name_phrase":
            said = _("The name is a search phrase or a kind of shop.")
        case "name_domain":
            said = _("The name is the address of a site.")
        case "site_sells":
            said = _("The author’s site sells something, by its address.")
        case "site_deep":
            said = _("The author’s site is a page deep within another.")
        case "shortened":
            said = _("It has a link that hides where it leads.")
        case "puny":
            said = _("It links to a site with look-alike letters in its name.")
        case "links" if number is None:
            said = _("It has a link.")
        case "links":
            said = ngettext("It has %(n)s link.", "It has %(n)s links.", n)
        case "link_markup":
            said = _("Its links are written as code.")
        case "own_link":
            said = _("It links to its author’s own site.")
        case "calls":
            said = _("It calls to visit, to subscribe, to earn or to write to somebody.")
        case "wares":
            said = ngettext("It has %(n)s word of selling.", "It has %(n)s words of selling.", n)
        case "shouting":
            said = _("It shouts.")
        case "other_script":
            said = _("It is written in another script than the article.")
        case "mixed_script":
            said = _("Letters of two scripts are mixed within words.")
        case "name_script":
            said = _("The name is in another script than the text.")
        case "slur":
            said = _("It has a slur.")
        case "insult":
            said = _("It insults the one it answers.")
        case "imitates" if n:
            said = _("The name is that of somebody who works here, or looks like it.")
        case "imitates":
            said = _("The name looks like that of somebody else in this discussion.")
        case "spam_host":
            said = _("It links where spam has linked.")
        case "link_burst":
            said = _("It links where others have linked within a day.")
        case "one_address":
            said = ngettext(
                "Its IP address spoke under %(n)s other name within a day.",
                "Its IP address spoke under %(n)s other names within a day.",
                n,
            )
        case "repeat" | "near_repeat":
            said = _("Another comment says the same.")
        case "akismet":
            said = _("Akismet takes it for spam.")
        case "scorer":
            said = _("The service that this site asks takes it for spam.")
        case "akismet_silent":
            said = _("Akismet gave no answer in time, or none that could be used.")
        case "scorer_silent":
            said = _("The service that this site asks gave no answer in time, or none that could be used.")
        case _unknown:
            return ""
    return said % {"n": n}
