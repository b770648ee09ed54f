"""Forms to follow a story, a discussion or a topic."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from comments.following.services import DISCUSSION_FOLLOW_KINDS
from comments.models import DEFAULT_DELIVERY, Follow, FollowQuerySet
from core.forms import SubmitForm
from core.query_forms import parse_whole_number

STOP = "stop"
STOP_CHOICE = (STOP, _("Stop following"))  # beside the deliveries of an existing follow
DELIVERIES = [choice for choice in Follow.Delivery.choices if choice[0] != Follow.Delivery.NONE]
# A mail about a decision is sent soon or not at all, and the author's pages show it in any case.
DECISION_DELIVERIES = [
    choice for choice in DELIVERIES if choice[0] in {Follow.Delivery.AT_ONCE, Follow.Delivery.SITE}
]


class _DeliveryForm(SubmitForm, forms.Form):
    """A form with the way in which the follower is notified of updates."""

    submit = _("Save")

    delivery = forms.ChoiceField(
        label=_("How do you want to be notified?"),
        choices=DELIVERIES,
        required=False,  # without a choice the form's own one is taken, which is always marked
        widget=forms.RadioSelect,
    )

    def clean_delivery(self) -> str:
        return self.cleaned_data["delivery"] or str(self.initial["delivery"])


class FollowStoryForm(_DeliveryForm):
    """The form to follow a story and, if it `has_comments` that may become more, its discussion.

    `follows` are the reader's own of this story.
    """

    discussion = forms.ChoiceField(
        label=_("Comments"),
        choices=[("", _("None")), *((kind.value, kind.label) for kind in DISCUSSION_FOLLOW_KINDS)],
        required=False,
        widget=forms.RadioSelect,
    )
    corrections = forms.BooleanField(label=_("Corrections of the story"), required=False)

    field_order = ["discussion", "corrections", "delivery"]

    def __init__(self, data: Any, *, follows: FollowQuerySet, has_comments: bool) -> None:
        by_kind = {follow.kind: follow for follow in follows}
        discussion = next((kind for kind in DISCUSSION_FOLLOW_KINDS if kind in by_kind), None)
        initial = {
            "discussion": discussion or ("" if by_kind else Follow.Kind.REPLIES),
            "corrections": Follow.Kind.CORRECTIONS in by_kind,
            "delivery": next((f.delivery for f in by_kind.values()), Follow.Delivery.AT_ONCE),
        }
        super().__init__(data, initial=initial)
        if not has_comments:
            del self.fields["discussion"]
            self.initial["corrections"] = True


class FollowTopicForm(_DeliveryForm):
    """The form to follow a topic, or to stop following it. `follows` are the reader's own of this topic."""

    def __init__(self, data: Any, *, follows: FollowQuerySet) -> None:
        follow = follows.first()
        self.submit = _("Save") if follow else _("Follow")
        initial = {"delivery": follow.delivery if follow else Follow.Delivery.DAILY}
        super().__init__(data, initial=initial)
        if follow:
            field = cast(forms.ChoiceField, self.fields["delivery"])
            field.choices = [*DELIVERIES, STOP_CHOICE]


class ShownForm(forms.Form):
    """The follows whose updates a page has shown, as ids with commas, and the time of the page."""

    follows = forms.CharField()
    until = forms.DateTimeField()

    def clean_follows(self) -> list[int]:
        ids = [parse_whole_number(part) for part in self.cleaned_data["follows"].split(",")]
        return [pk for pk in ids if pk is not None]


class DeliveryForm(forms.Form):
    """The form of one row of the page "Following"."""

    follow = forms.IntegerField(widget=forms.HiddenInput)
    delivery = forms.ChoiceField(
        label=_("Notification"),
        choices=[*DELIVERIES, STOP_CHOICE],
        widget=forms.Select(attrs={"class": "form-select"}),
    )


class OwnCommentsForm(SubmitForm, forms.Form):
    """The form for how a person is notified of what happens to their comments.

    Its fields are named after the kinds of follows, and `deliveries` are those chosen now, by kind.
    """

    submit = _("Save")

    def __init__(self, data: Any, *, deliveries: dict[str, str]) -> None:
        super().__init__(data, initial=deliveries)
        labels = {
            Follow.Kind.PICKS: _("My comment becomes an editor’s pick"),
            Follow.Kind.RECOMMENDATIONS: _("Readers recommend my comment"),
            Follow.Kind.DECISIONS: _("My comment waits for review, is published or removed"),
        }
        for kind in DEFAULT_DELIVERY:
            choices = [(Follow.Delivery.NONE.value, Follow.Delivery.NONE.label), *DELIVERIES]
            if kind == Follow.Kind.DECISIONS:
                choices = DECISION_DELIVERIES
            self.fields[kind.value] = forms.ChoiceField(
                label=labels[kind],
                choices=choices,
                required=False,  # the page of an earlier version has fewer fields
                widget=forms.Select(attrs={"class": "form-select"}),
            )
