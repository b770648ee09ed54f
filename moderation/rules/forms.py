"""Forms for rules, one for each kind; they produce a rule definition."""

import re
import unicodedata
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy, normalize_newlines
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from articles.article_links import find_article
from articles.models import Article, Topic
from core.forms import LongTextForm
from moderation import explanations
from moderation.checks.text import MAX_LINKS_WITHOUT_REVIEW
from moderation.features.links import normalize_host
from moderation.models import Rule
from moderation.models.rules import MAX_RULE_NOTE_LENGTH, MAX_RULE_VALUE_LENGTH
from moderation.rules import active_rules, matching
from moderation.rules.matching import RATE_MINUTES, RuleDefinition
from moderation.rules.term_files import check_size, read_terms
from moderation.screening import rate_limits

HOST = re.compile(r"^(?=.{1,200}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}$")


class RuleForm(LongTextForm, forms.Form):
    """The form for a rule of one kind. `replaces` is the rule that it changes.

    The terms of an uploaded list come back with the form in `terms`, so that nothing is stored before it
    is saved.
    """

    submit = gettext_lazy("Try on past decisions")
    submit_name = "try"

    topic = forms.ModelChoiceField(
        Topic.objects.order_by("name"),
        label=gettext_lazy("Only under a topic"),
        required=False,
        empty_label=gettext_lazy("The whole site"),
    )
    article = forms.CharField(
        label=gettext_lazy("Only under a story"),
        required=False,
        max_length=500,
        help_text=gettext_lazy("The link of the story. Leave empty for all stories."),
    )
    holds = forms.BooleanField(
        label=gettext_lazy("Matches wait for review"),
        required=False,
        initial=True,
        help_text=gettext_lazy(
            "If off, matching comments are published, and the match is only shown to moderators."
        ),
    )
    note = forms.CharField(
        label=gettext_lazy("Note for colleagues"),
        required=False,
        max_length=MAX_RULE_NOTE_LENGTH,
        widget=forms.TextInput,
    )

    kind: Rule.Kind
    kind_fields: ClassVar[list[str]] = ["value"]  # fields of the kind, which come first

    def __init__(self, *args: Any, user: User, replaces: Rule | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.replaces = user, replaces
        if (story := self._hidden_story()) is not None:
            self.fields["article"].disabled = True  # its link would reveal its title
            self.initial["article"] = story.title_for(user)
        self.order_fields([*self.kind_fields, "topic", "article", "holds", "note"])
        self.fields[self.kind_fields[0]].widget.attrs.setdefault("autofocus", True)

    @classmethod
    def initial_from(cls, rule: Rule) -> dict[str, Any]:
        """Return the initial values for a stored rule."""
        article = rule.article.get_absolute_url() if rule.article else ""
        common = {"topic": rule.topic_id, "article": article, "holds": rule.holds, "note": rule.note}
        return common | cls.kind_initial(rule)

    @classmethod
    def kind_initial(cls, rule: Rule) -> dict[str, Any]:
        """Return the initial values of the fields of this kind."""
        return {"value": rule.value}

    def clean_article(self) -> Article | None:
        if (story := self._hidden_story()) is not None:
            return story
        text = self.cleaned_data["article"].strip()
        if not text:
            return None
        article = find_article(text)
        if article is None or not article.is_title_visible_to(self.user):
            raise ValidationError(_("There is no story at this link."), code="unknown")
        return article

    def _hidden_story(self) -> Article | None:
        """Return the story of the changed rule if this user may not read its title."""
        story = self.replaces.article if self.replaces else None
        return story if story and not story.is_title_visible_to(self.user) else None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("topic") and data.get("article"):
            self.add_error("article", _("Choose a topic or a story, not both."))
        if not self.errors:
            self._check_others()
        return data

    def _check_others(self) -> None:
        own_versions = [rule.pk for rule in active_rules.versions(self.replaces.pk)] if self.replaces else []
        definition = self.definition()
        if other := active_rules.conflicting_limit(definition, own_versions):
            message = _("There is already a limit there: %(rule)s. Change that rule instead.")
            text = explanations.describe_rule(other.kind, other.value)
            self.add_error(self.kind_fields[0], message % {"rule": text})
        elif active_rules.rule_exists(definition, own_versions):
            self.add_error(self.kind_fields[0], _("This rule already exists."))

    def definition(self) -> RuleDefinition:
        """Return the rule definition to try and save. Needs a form without errors."""
        data = self.cleaned_data
        return RuleDefinition(
            pk=None,
            kind=self.kind.value,
            value=self.stored_value(),
            topic=data["topic"].pk if data["topic"] else None,
            article=data["article"].pk if data["article"] else None,
            holds=data.get("holds", True),
            terms=data.get("terms", ""),
            whole_words=data.get("whole_words", True),
        )

    def resubmitted_fields(self) -> dict[str, str]:
        """Return the values, by field, that submit this form again: as typed, and as read from a file."""
        data = {name: self.data.get(name, "") for name in self.fields if name != "file"}
        read = {name: self.cleaned_data[name] for name in ("terms", "value") if name in self.cleaned_data}
        return {name: str(value) for name, value in (data | read).items() if str(value)}

    def stored_value(self) -> str:
        """Return the value as it is stored."""
        return str(self.cleaned_data["value"])


def _value_field(label: Any, help_text: Any) -> forms.CharField:
    # Autocorrection and automatic capitals in the browser would change the value. With autocomplete="off" the
    # browser's Back from the replay would empty the field.
    attrs = {"autocapitalize": "none", "spellcheck": "false"}
    return forms.CharField(
        label=label,
        help_text=help_text,
        max_length=MAX_RULE_VALUE_LENGTH,
        widget=forms.TextInput(attrs=attrs),
    )


def _limit_field(kind: Rule.Kind, place: int, label: Any, help_text: Any) -> forms.IntegerField:
    """Return the field for one number of a limit, by its position."""
    least, most = matching.LIMIT_RANGES[kind.value][place]
    return forms.IntegerField(label=label, help_text=help_text, min_value=least, max_value=most)


class TermForm(RuleForm):
    kind = Rule.Kind.TERM
    value = _value_field(
        gettext_lazy("Term"),
        gettext_lazy(
            "A word or phrase in the text or the name. Matches whole words, in upper or lower case."
        ),
    )

    def clean_value(self) -> str:
        text = " ".join(self.cleaned_data["value"].split())
        # Symbols are allowed: an emoji can be an insult, and spam contains “$$$”.
        if not any(unicodedata.category(character)[0] in "LNS" for character in text):
            raise ValidationError(
                _("“%(text)s” has no letter, digit or symbol, and would match good comments.")
                % {"text": text},
                code="punctuation",
            )
        return text


class DomainForm(RuleForm):
    kind = Rule.Kind.DOMAIN
    value = _value_field(
        gettext_lazy("Domain"),
        gettext_lazy("casino.example matches links to casino.example and all its subdomains."),
    )

    def clean_value(self) -> str:
        text = self.cleaned_data["value"].strip()
        try:
            host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
            found = normalize_host(host.removeprefix("www."))
        except ValueError:
            found = ""
        if not HOST.match(found):
            raise ValidationError(_("“%(text)s” is not a domain.") % {"text": text}, code="domain")
        return found


class NameForm(RuleForm):
    kind = Rule.Kind.NAME
    value = _value_field(
        gettext_lazy("Pattern"),
        gettext_lazy(
            "A regular expression. Plain words match anywhere in a name, in upper or lower case. ^ is the "
            "start, $ the end, .* anything in between, a|b either one: ^(cheap|best) .* online$"
        ),
    )

    def clean_value(self) -> str:
        pattern: str = self.cleaned_data["value"]
        try:
            compiled = matching.compile_pattern(pattern)
        except ValueError as error:
            raise ValidationError(
                _(
                    "This pattern can’t be used (%(why)s). Look-around and back-references are not "
                    "supported, because such patterns could run forever."
                )
                % {"why": error},
                code="pattern",
            ) from None
        if compiled.search(""):
            raise ValidationError(_("This pattern matches every name."), code="all")
        return pattern


class LinksForm(RuleForm):
    kind = Rule.Kind.LINKS
    value = _limit_field(
        Rule.Kind.LINKS,
        0,
        gettext_lazy("Links allowed in a comment"),
        format_lazy(
            gettext_lazy("Comments with more links match. Without a rule: {allowed}."),
            allowed=MAX_LINKS_WITHOUT_REVIEW,
        ),
    )


class AgeForm(RuleForm):
    kind = Rule.Kind.AGE
    value = _limit_field(
        Rule.Kind.AGE,
        0,
        gettext_lazy("Days after the story was published"),
        gettext_lazy("Later comments match. Without a rule, the number in the site’s settings applies."),
    )


class RateForm(RuleForm):
    kind = Rule.Kind.RATE
    kind_fields: ClassVar[list[str]] = ["new", "known"]
    new = _limit_field(
        Rule.Kind.RATE,
        0,
        format_lazy(gettext_lazy("Comments from a new person in {minutes} minutes"), minutes=RATE_MINUTES),
        format_lazy(
            gettext_lazy(
                "Counted by e-mail and by IP address. Without a rule: {limit}. New people on neighbouring "
                "internet connections can post {block_factor} times as many together, and in one discussion "
                "{discussion_factor} times as many."
            ),
            limit=rate_limits.DEFAULT_NEW_LIMIT,
            block_factor=rate_limits.BLOCK_FACTOR,
            discussion_factor=rate_limits.DISCUSSION_FACTOR,
        ),
    )
    known = _limit_field(
        Rule.Kind.RATE,
        1,
        format_lazy(gettext_lazy("Comments from a known person in {minutes} minutes"), minutes=RATE_MINUTES),
        format_lazy(
            gettext_lazy(
                "A known person has an approved comment. Without a rule: {limit}. People with {comments} "
                "published comments older than {days} days, and none removed since, can post {factor} times "
                "as many. Further comments are refused with a message, and the text stays in the form."
            ),
            limit=rate_limits.DEFAULT_KNOWN_LIMIT,
            comments=rate_limits.TRUSTED_COMMENTS,
            days=rate_limits.TRUSTED_DAYS,
            factor=rate_limits.TRUSTED_FACTOR,
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["holds"]  # a rate limit always refuses the comment

    @classmethod
    def kind_initial(cls, rule: Rule) -> dict[str, Any]:
        if not matching.is_usable(rule.kind, rule.value):
            return {}
        new, known = matching.parse_limit(rule.value)
        return {"new": new, "known": known}

    def stored_value(self) -> str:
        return f"{self.cleaned_data['new']}/{self.cleaned_data['known']}"


class ListForm(RuleForm):
    kind = Rule.Kind.LIST
    kind_fields: ClassVar[list[str]] = ["file", "value", "whole_words"]
    file = forms.FileField(
        label=gettext_lazy("File"),
        required=False,
        help_text=gettext_lazy(
            "UTF-8 text with one term per line. Lines that start with # and a space are ignored."
        ),
        widget=forms.FileInput(attrs={"accept": ".txt,text/plain"}),
    )
    value = forms.CharField(
        label=gettext_lazy("Name of the list"),
        required=False,
        max_length=MAX_RULE_VALUE_LENGTH,
        help_text=gettext_lazy("Leave empty to use the name of the file."),
    )
    whole_words = forms.BooleanField(
        label=gettext_lazy("Whole words only"),
        required=False,
        initial=True,
        help_text=gettext_lazy(
            "If off, terms also match within words: “cialis” is in “specialist”. "
            "That catches more spam, but also more good comments."
        ),
    )
    terms = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)
    notices: list[str]

    @classmethod
    def kind_initial(cls, rule: Rule) -> dict[str, Any]:
        return {"value": rule.value, "whole_words": rule.terms.whole_words}

    def clean(self) -> dict[str, Any]:
        self.notices = []
        data = self.cleaned_data
        try:
            data["terms"] = self._terms()
        except ValidationError as error:
            self.add_error("file", error)
        if not data.get("value") and (file := data.get("file")):
            data["value"] = file.name[:MAX_RULE_VALUE_LENGTH].replace("\x00", "")
        return super().clean()

    def _terms(self) -> str:
        """Return the terms: of the uploaded file, else of the resubmitted form, else of the changed list."""
        if file := self.cleaned_data.get("file"):
            check_size(file.size)
            found = read_terms(file.read())
        elif sent := self.cleaned_data.get("terms"):
            found = read_terms(normalize_newlines(sent).encode())  # browsers send \r\n
        elif self.replaces:
            return self.replaces.terms.text
        elif "file" in self.errors:
            return ""
        else:
            raise ValidationError(_("Choose a file with the terms."), code="required")
        self.notices = found.notices
        return "\n".join(found.terms)

    def stored_value(self) -> str:
        return self.cleaned_data["value"] or _("List of terms")


FORM_BY_KIND: dict[str, type[RuleForm]] = {
    form.kind.value: form for form in (TermForm, ListForm, DomainForm, NameForm, LinksForm, RateForm, AgeForm)
}
