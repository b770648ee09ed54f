"""Forms of the newsletter: to subscribe, to change subscriptions, and to write a newsletter."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.authentication.allauth_forms import check_rate_limit
from articles.models import Article, Newsletter, Topic
from articles.newsletter.subscriptions import TopicIds
from core.dates.days import DAY_SECONDS
from core.forms import LongTextForm, MultilineField, SubmitForm

ALL = "all"  # the choice of all articles; each topic has its id
TOPIC_NOT_OFFERED = _("A topic that you chose is no longer offered.")


def topic_choices(topics: Sequence[Topic]) -> list[tuple[str, Any]]:
    """Return the choices of a subscription: all articles, and each topic."""
    all_label = _("All stories that the editors send, and the weekly digest")
    return [(ALL, all_label), *((str(topic.pk), topic.name) for topic in topics)]


def subscribable_topics() -> list[Topic]:
    """Return the topics that can be subscribed to."""
    return list(Topic.objects.shown().with_articles())


class SubscribeForm(SubmitForm, forms.Form):
    """The form by which a visitor subscribes with an e-mail address."""

    submit = _("Subscribe")

    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    list = forms.ChoiceField(
        label=_("What do you want to get?"),
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": TOPIC_NOT_OFFERED},
    )

    def __init__(self, *args: Any, topics: Sequence[Topic], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["list"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = topic_choices(topics)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if not self.errors:
            check_rate_limit("newsletter")
            check_rate_limit("newsletter_day", seconds=DAY_SECONDS)
        return cleaned

    @property
    def topic(self) -> int | None:
        """Return the id of the chosen topic, or None for all articles."""
        chosen = self.cleaned_data["list"]
        return None if chosen == ALL else int(chosen)


class OfferedChoicesField(forms.MultipleChoiceField):
    """A choice of several values. A submitted value that is not offered (any more) is ignored."""

    def to_python(self, value: Any) -> list[str]:
        return [chosen for chosen in super().to_python(value) if self.valid_value(chosen)]


class SubscriptionsForm(SubmitForm, forms.Form):
    """The form to change the subscriptions of a person."""

    submit = _("Save")

    lists = OfferedChoicesField(
        label=_("What do you want to get?"), widget=forms.CheckboxSelectMultiple, required=False
    )

    def __init__(self, data: Any = None, *, topics: Sequence[Topic], subscribed: TopicIds) -> None:
        initial = [ALL if topic is None else str(topic) for topic in subscribed]
        super().__init__(data, initial={"lists": initial})
        self._topics = {topic.pk for topic in topics}
        choices = self.fields["lists"]
        assert isinstance(choices, OfferedChoicesField)
        choices.choices = topic_choices(topics)

    @property
    def has_ignored_values(self) -> bool:
        """Return whether a ticked topic is no longer offered."""
        return len(self["lists"].data or []) > len(self.cleaned_data["lists"])

    @property
    def chosen(self) -> TopicIds:
        """Return the topics that are ticked."""
        return {None if value == ALL else int(value) for value in self.cleaned_data["lists"]}

    @property
    def offered(self) -> TopicIds:
        """Return the topics that can be ticked. One that is hidden at the moment is not among them."""
        return {None, *self._topics}


class NewsletterForm(LongTextForm, forms.ModelForm[Newsletter]):
    """The form of a draft of a newsletter. For a digest it also offers the articles."""

    submit = _("Save and preview")

    stories = forms.ModelMultipleChoiceField(
        Article.objects.none(),
        label=_("Stories"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one story.")},
    )

    class Meta:
        model = Newsletter
        fields = ["subject", "introduction"]
        field_classes = {"introduction": MultilineField}
        help_texts = {"introduction": _("Plain text. Formatting marks such as ** are shown as they are.")}
        widgets = {"introduction": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: Any, offered: Sequence[Article] | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Hidden fields hold the values as they were loaded, so that only what was typed counts as a change.
        if not self.is_bound or self["subject"].html_initial_name in self.data:
            for field in self.fields.values():
                field.show_hidden_initial = True
        if offered is None:
            del self.fields["stories"]
            return
        stories = self.fields["stories"]
        assert isinstance(stories, forms.ModelMultipleChoiceField)
        stories.queryset = Article.objects.filter(pk__in=[article.pk for article in offered])
        stories.choices = [(article.pk, article.title) for article in offered]

    def clean_subject(self) -> str:
        """Return the subject on one line, since the header of a mail has no line breaks."""
        return " ".join(self.cleaned_data["subject"].splitlines())
