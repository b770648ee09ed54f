"""Signals of the spam filter: those of features.signals with their texts.

A signal is found in the text alone, or in the text and the site's facts. The filter's score is made of them;
alone each is weak. Signals in favour of a comment are never stored.
"""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from moderation.checks.base import Check, Text
from moderation.features.signals import author, site, text
from moderation.features.text_reading import SignalResult


def _signal(
    code: str, find_signal: Callable[..., SignalResult | None], label: Text, description: Text, **fields: Any
) -> Check:
    """Return the check of a signal. Its code is stored with findings and weights, and so never changes."""
    return Check(name=code, label=label, description=description, find_signal=find_signal, **fields)


OF_TEXT = [
    _signal(
        "on_subject",
        text.words_of_story,
        gettext_lazy("words of the story"),
        gettext_lazy("It uses words of the story."),
        in_favour=True,
    ),
    _signal(
        "answers",
        text.reply,
        gettext_lazy("a reply to somebody"),
        gettext_lazy("It replies to somebody."),
        in_favour=True,
    ),
    _signal(
        "asks",
        text.question_or_experience,
        gettext_lazy("a question or an experience"),
        gettext_lazy("It asks a question or reports an experience."),
        in_favour=True,
    ),
    _signal("praise", text.generic_praise, gettext_lazy("generic praise"), gettext_lazy("Generic praise.")),
    _signal(
        "site_talk",
        text.talk_about_site,
        gettext_lazy("talks about the site"),
        gettext_lazy("It talks about the site instead of the subject."),
    ),
    _signal(
        "spun",
        text.template_phrases,
        gettext_lazy("phrases of spam templates"),
        gettext_lazy("It has phrases of spam templates."),
    ),
    _signal(
        "leftovers",
        text.unfilled_placeholders,
        gettext_lazy("unfilled placeholders"),
        gettext_lazy("It has unfilled placeholders of a spam template."),
    ),
    _signal(
        "padded",
        text.numbers_around_text,
        gettext_lazy("numbers around the text"),
        gettext_lazy("The text begins or ends with long numbers."),
    ),
    _signal(
        "name_phrase",
        author.name_is_search_phrase,
        gettext_lazy("a search phrase as name"),
        gettext_lazy("The name reads like a search phrase or a kind of business."),
    ),
    _signal(
        "name_domain",
        author.name_is_web_address,
        gettext_lazy("a web or e-mail address as name"),
        gettext_lazy("The name is a web or e-mail address."),
    ),
    _signal(
        "no_gain",
        author.nobody_profits,
        gettext_lazy("no advertising"),
        gettext_lazy("Nobody would profit from it."),
        in_favour=True,
    ),
    _signal(
        "site_deep",
        author.website_is_deep_page,
        gettext_lazy("a website deep within another site"),
        gettext_lazy("The author’s website is a page deep within another site."),
    ),
    _signal(
        "shortened",
        text.shortened_link,
        gettext_lazy("a shortened link"),
        gettext_lazy("It has a shortened link that hides its target."),
    ),
    _signal(
        "link_markup",
        text.link_markup,
        gettext_lazy("links as HTML or BBCode"),
        gettext_lazy("Its links are written as HTML or BBCode."),
    ),
    _signal(
        "calls",
        text.calls_to_action,
        gettext_lazy("a call to action"),
        gettext_lazy("It asks readers to visit, subscribe, earn or get in touch."),
    ),
    _signal(
        "wares",
        text.sales_words,
        gettext_lazy("sales words"),
        gettext_lazy("It has sales words."),
        with_number=ngettext_lazy("It has %(n)s sales word.", "It has %(n)s sales words.", "n"),
    ),
    _signal(
        "other_script",
        text.other_script,
        gettext_lazy("a text in another script"),
        gettext_lazy("It is in another script than the story."),
    ),
    _signal(
        "mixed_script",
        text.mixed_script,
        gettext_lazy("mixed scripts"),
        gettext_lazy("Its words mix letters of two scripts."),
    ),
    _signal(
        "name_script",
        author.name_in_other_script,
        gettext_lazy("a name in another script"),
        gettext_lazy("The name is in another script than the text."),
    ),
]

# Signals of earlier releases, whose findings are still shown.
OF_EARLIER_RELEASES = [
    Check(
        name="drift",
        label=gettext_lazy("unrelated to the story"),
        description=gettext_lazy("It has hardly a word in common with the story and the discussion."),
    ),
    Check(
        name="site_sells",
        label=gettext_lazy("a website that sells"),
        description=gettext_lazy("The address of the author’s website suggests that it sells something."),
    ),
    Check(
        name="puny",
        label=gettext_lazy("look-alike letters in a link"),
        description=gettext_lazy("It links to a site with look-alike letters in its name."),
    ),
    Check(
        name="own_link",
        label=gettext_lazy("a link to the author’s website"),
        description=gettext_lazy("It links to its author’s own website."),
    ),
    Check(
        name="shouting",
        label=gettext_lazy("capitals or exclamation marks"),
        description=gettext_lazy("It is in capital letters or has many exclamation marks."),
    ),
]

IMITATES = _signal(
    "imitates",
    site.name_imitates_another,
    gettext_lazy("a name like another one"),
    gettext_lazy("The name looks like another name in this discussion."),
    with_number=gettext_lazy("The name is a staff name, or looks like one."),
    to_author=lambda finding, original: _(
        "The name looks like another person’s name; such comments are reviewed first."
    ),
    holds=True,
    weight=1.5,
)
OF_SITE = [
    _signal(
        "spam_host",
        site.spam_host,
        gettext_lazy("a link to a spam site"),
        gettext_lazy("It links to a site that spam has linked to."),
        weight=2.5,
    ),
    _signal(
        "link_burst",
        site.link_burst,
        gettext_lazy("a site linked by several people"),
        gettext_lazy("It links to a site that others have linked to within a day."),
        weight=1.0,
    ),
    IMITATES,
    _signal(
        "one_address",
        site.several_names_at_address,
        gettext_lazy("other names at its IP address"),
        gettext_lazy("Its IP address posted under other names within a day."),
        with_number=ngettext_lazy(
            "Its IP address posted under %(n)s other name within a day.",
            "Its IP address posted under %(n)s other names within a day.",
            "n",
        ),
        weight=1.0,
    ),
    _signal(
        "name_burst",
        site.name_burst,
        gettext_lazy("an auto-generated name"),
        gettext_lazy("Its name has the same pattern as the names of other writers within a day."),
        with_number=ngettext_lazy(
            "Its name has the same pattern as the name of %(n)s other writer within a day.",
            "Its name has the same pattern as the names of %(n)s other writers within a day.",
            "n",
        ),
        weight=1.0,
    ),
]
