"""A rule as a form: what is typed becomes a matching.Written, or a sentence says why it can't."""

import re
from typing import Any, ClassVar
from urllib.parse import urlsplit

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from articles.models import Article, Topic
from articles.story_links import find_story
from core.forms import leave_whole
from moderation.models import Rule
from moderation.models.rules import NOTE_MAX, VALUE_MAX
from moderation.rules import active_rules, matching
from moderation.rules.matching import Written
from moderation.rules.term_files import check_size, read_terms

HOST = re.compile(r"^(?=.{1,200}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}$")


class RuleForm(forms.Form):
    """Of one kind; `replaces` is the rule that it changes. `terms` and `told` come back with a list that was
    read from a file, so that nothing is stored before it is saved."""

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
        help_text=gettext_lazy("Its link. Empty: all stories."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    holds = forms.BooleanField(
        label=gettext_lazy("What it finds waits for review"),
        required=False,
        initial=True,
        help_text=gettext_lazy("Else it is published, and only whoever looks at it is told."),
    )
    note = forms.CharField(
        label=gettext_lazy("Note for colleagues"), required=False, max_length=NOTE_MAX, widget=forms.TextInput
    )

    kind: Rule.Kind
    own: ClassVar[list[str]] = ["value"]  # fields of the kind, which come first

    def __init__(self, *args: Any, keeper: User, replaces: Rule | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        leave_whole(self)
        self.keeper, self.replaces = keeper, replaces
        if (story := self._hidden_story()) is not None:
            self.fields["article"].disabled = True  # it stays as it is, and its link would tell its title
            self.initial["article"] = story.title_for(keeper)
        self.order_fields([*self.own, "topic", "article", "holds", "note"])
        self.fields[self.own[0]].widget.attrs.setdefault("autofocus", True)

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.add_input(Submit("try", _("Try it on past decisions")))
        return helper

    @classmethod
    def of(cls, rule: Rule) -> dict[str, Any]:
        """What the form shows of a rule that is there."""
        article = rule.article.get_absolute_url() if rule.article else ""
        common = {"topic": rule.topic_id, "article": article, "holds": rule.holds, "note": rule.note}
        return common | cls.own_of(rule)

    @classmethod
    def own_of(cls, rule: Rule) -> dict[str, Any]:
        return {"value": rule.value}

    def clean_article(self) -> Article | None:
        if (story := self._hidden_story()) is not None:
            return story
        text = self.cleaned_data["article"].strip()
        if not text:
            return None
        article = find_story(text)
        if article is None or not article.is_known_to(self.keeper):
            raise ValidationError(_("There is no story at this link."), code="unknown")
        return article

    def _hidden_story(self) -> Article | None:
        """The story of the rule that is changed, if whoever changes it may not read its title."""
        story = self.replaces.article if self.replaces else None
        return story if story and not story.is_known_to(self.keeper) else None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("topic") and data.get("article"):
            self.add_error("article", _("A rule is for a topic or for a story, not for both."))
        if not self.errors:
            self._check_others()
        return data

    def _check_others(self) -> None:
        own = [rule.pk for rule in active_rules.versions(self.replaces.pk)] if self.replaces else []
        written = self.written()
        if other := active_rules.conflicting_limit(written, own):
            place = _("A limit of %(value)s holds there already: change that one.")
            self.add_error(self.own[0], place % {"value": other.value})
        elif active_rules.rule_exists(written, own):
            self.add_error(self.own[0], _("There is such a rule already."))

    def written(self) -> Written:
        """What is to be tried and saved; of a form without errors."""
        data = self.cleaned_data
        return Written(
            pk=None,
            kind=self.kind.value,
            value=self.said(),
            topic=data["topic"].pk if data["topic"] else None,
            article=data["article"].pk if data["article"] else None,
            holds=data.get("holds", True),
            terms=data.get("terms", ""),
            whole_words=data.get("whole_words", True),
        )

    def again(self) -> dict[str, str]:
        """By field, what brings this form here once more: as it was typed, and what was read from a file."""
        data = {name: self.data.get(name, "") for name in self.fields if name != "file"}
        read = {name: self.cleaned_data[name] for name in ("terms", "value") if name in self.cleaned_data}
        return {name: str(value) for name, value in (data | read).items() if str(value)}

    def said(self) -> str:
        """The value as it is stored."""
        return str(self.cleaned_data["value"])


def _value_field(label: Any, help_text: Any) -> forms.CharField:
    # A browser that corrects, or makes the first letter large, changes what is looked for.
    attrs = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
    return forms.CharField(
        label=label, help_text=help_text, max_length=VALUE_MAX, widget=forms.TextInput(attrs=attrs)
    )


def _limit_field(kind: Rule.Kind, place: int, label: Any, help_text: Any) -> forms.IntegerField:
    """One of the numbers of a limit, by its place among them."""
    least, most = matching.LIMIT_RANGES[kind.value][place]
    return forms.IntegerField(label=label, help_text=help_text, min_value=least, max_value=most)


class TermForm(RuleForm):
    kind = Rule.Kind.TERM
    value = _value_field(
        gettext_lazy("Term"),
        gettext_lazy("A word or a phrase, in the text or the name: whole words only, in any case."),
    )

    def clean_value(self) -> str:
        return " ".join(self.cleaned_data["value"].split())


class DomainForm(RuleForm):
    kind = Rule.Kind.DOMAIN
    value = _value_field(
        gettext_lazy("Domain"),
        gettext_lazy("casino.example finds links to casino.example and to all that ends in .casino.example."),
    )

    def clean_value(self) -> str:
        text = self.cleaned_data["value"].strip()
        try:
            host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
            found = matching.normalize_host(host.removeprefix("www."))
        except ValueError:
            found = ""
        if not HOST.match(found):
            raise ValidationError(_("“%(text)s” is no domain.") % {"text": text}, code="domain")
        return found


class NameForm(RuleForm):
    kind = Rule.Kind.NAME
    value = _value_field(
        gettext_lazy("Pattern"),
        gettext_lazy(
            "Plain words are found anywhere in a name, in any case. ^ is its start, $ its end, .* anything "
            "between, a|b one or the other: ^(cheap|best) .* online$"
        ),
    )

    def clean_value(self) -> str:
        pattern: str = self.cleaned_data["value"]
        try:
            compiled = matching.compile_pattern(pattern)
        except ValueError as error:
            raise ValidationError(
                _(
                    "This pattern can't be used (%(why)s). Look-around and references back are left out, as "
                    "such patterns could run for ever."
                )
                % {"why": error},
                code="pattern",
            ) from None
        if compiled.search(""):
            raise ValidationError(_("This pattern fits every name."), code="all")
        return pattern


class LinksForm(RuleForm):
    kind = Rule.Kind.LINKS
    value = _limit_field(
        Rule.Kind.LINKS,
        0,
        gettext_lazy("Links that a comment may have"),
        gettext_lazy("One with more is found. Without a rule: 1."),
    )


class AgeForm(RuleForm):
    kind = Rule.Kind.AGE
    value = _limit_field(
        Rule.Kind.AGE,
        0,
        gettext_lazy("Days after the article was published"),
        gettext_lazy("Later comments are found. Without a rule: 30."),
    )


class RateForm(RuleForm):
    kind = Rule.Kind.RATE
    own: ClassVar[list[str]] = ["new", "known"]
    new = _limit_field(
        Rule.Kind.RATE,
        0,
        gettext_lazy("Comments of a new person in ten minutes"),
        gettext_lazy("By e-mail, and by IP address. Without a rule: 3."),
    )
    known = _limit_field(
        Rule.Kind.RATE,
        1,
        gettext_lazy("Comments of a known person in ten minutes"),
        gettext_lazy(
            "Of whom one was approved. Without a rule: 10. One more is refused with a sentence, and its text "
            "is kept in the form."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["holds"]  # it is refused, whatever else

    @classmethod
    def own_of(cls, rule: Rule) -> dict[str, Any]:
        if not matching.is_usable(rule.kind, rule.value):
            return {}
        new, known = matching.parse_limit(rule.value)
        return {"new": new, "known": known}

    def said(self) -> str:
        return f"{self.cleaned_data['new']}/{self.cleaned_data['known']}"


class ListForm(RuleForm):
    kind = Rule.Kind.LIST
    own: ClassVar[list[str]] = ["file", "value", "whole_words"]
    file = forms.FileField(
        label=gettext_lazy("File"),
        required=False,
        help_text=gettext_lazy(
            "Text in UTF-8, one term a line; lines that start with # and a space are remarks."
        ),
        widget=forms.FileInput(attrs={"accept": ".txt,text/plain"}),
    )
    value = forms.CharField(
        label=gettext_lazy("Name of the list"),
        required=False,
        max_length=VALUE_MAX,
        help_text=gettext_lazy("Empty: that of the file."),
    )
    whole_words = forms.BooleanField(
        label=gettext_lazy("As whole words only"),
        required=False,
        initial=True,
        help_text=gettext_lazy(
            "Else also within words: “cialis” is in “specialist”. "
            "That finds more spam, and wrongs more honest people."
        ),
    )
    terms = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)
    told: list[str]

    @classmethod
    def own_of(cls, rule: Rule) -> dict[str, Any]:
        return {"value": rule.value, "whole_words": rule.terms.whole_words}

    def clean(self) -> dict[str, Any]:
        self.told = []
        data = self.cleaned_data
        try:
            data["terms"] = self._terms()
        except ValidationError as error:
            self.add_error("file", error)
        if not data.get("value") and (file := data.get("file")):
            data["value"] = file.name[:VALUE_MAX].replace("\x00", "")
        return super().clean()

    def _terms(self) -> str:
        """Of the file that was sent, else what came back with the form, else what the list has."""
        if file := self.cleaned_data.get("file"):
            check_size(file.size)
            found = read_terms(file.read())
        elif sent := self.cleaned_data.get("terms"):
            found = read_terms(sent.replace("\r\n", "\n").encode())  # a browser sends each line with both
        elif self.replaces:
            return self.replaces.terms.text
        elif "file" in self.errors:
            return ""
        else:
            raise ValidationError(_("Choose a file with the terms."), code="required")
        self.told = found.told
        return "\n".join(found.terms)

    def said(self) -> str:
        return self.cleaned_data["value"] or _("List of terms")


FORM_BY_KIND: dict[str, type[RuleForm]] = {
    form.kind.value: form for form in (TermForm, ListForm, DomainForm, NameForm, LinksForm, RateForm, AgeForm)
}
