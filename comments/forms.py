"""Forms to post and to edit a comment."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Hidden, Layout, Submit
from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.text import normalize_newlines
from django.utils.translation import gettext_lazy as _

from accounts.models import MAX_NAME_LENGTH, Guest
from accounts.names import clean_name
from articles.markup.markdown import render_comment
from articles.models import Site
from comments.models import Comment, CommentDraft, Discussion, check_body
from comments.names import NamesInUse, check_guest_name
from comments.policy import Nudge
from core.forms import SubmitForm

NUDGES = list(Nudge)


class RulesInShort:
    """The rules in short as a part of crispy's layout, above the button."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def render(self, form: forms.BaseForm, context: Any, **_options: Any) -> SafeString:
        return render_to_string("comments/_rules.jinja", {"site": self.site}, using="jinja2")


class BodyForm(SubmitForm, forms.Form):
    """A form with the text of a comment, which can be previewed.

    The server checks its length: a browser would cut it silently.
    """

    body = forms.CharField(
        label=_("Your comment"),
        strip=False,
        error_messages={"required": _("Write something first.")},
        help_text=_("Formatting: **bold**, *italic*, > quote, - list, `code`, [link](https://example.org)"),
        widget=forms.Textarea(attrs={"rows": 6, "dir": "auto"}),
    )

    def __init__(self, *args: Any, action: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.action = action

    @property
    def helper(self) -> FormHelper:
        helper = super().helper
        preview = Submit("preview", _("Preview"), formnovalidate=True)  # only the text is needed
        preview.field_classes = "btn"  # not the form's first button
        helper.add_input(preview)
        return helper

    def set_stored_at(self, at: datetime) -> None:
        """Say when the text was stored, as the browser may have kept another (static/js/site.js)."""
        self.fields["body"].widget.attrs["data-at"] = int(at.timestamp() * 1000)

    def clean_body(self) -> str:
        return check_body(normalize_newlines(self.cleaned_data["body"]))

    def preview(self) -> str:
        """Return the text as it will look, or "" if it is empty or too long. Other fields may be missing."""
        for name in self.errors.keys() - {"body"}:
            del self.errors[name]
        return "" if "body" in self.errors else render_comment(self.cleaned_data["body"])

    def _change_data(self, **values: str) -> None:
        self.data = dict(self.data.items()) | values


class EditForm(BodyForm):
    """The form by which authors edit their comment.

    It carries the revision that it showed, so that a text which was stored meanwhile is not replaced unseen.
    """

    submit = _("Save changes")

    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, comment: Comment, **kwargs: Any) -> None:
        super().__init__(*args, initial={"body": comment.body, "revision": comment.revision}, **kwargs)
        self.stored_body = ""  # the text that was stored meanwhile
        self.fields["body"].widget.attrs["autofocus"] = True
        if not self.is_bound:
            self.set_stored_at(comment.edited_at or comment.created_at)

    def clean_revision(self) -> int:
        """Return the revision. A form of the previous version has none: the comment as it was posted."""
        return self.cleaned_data["revision"] or 1

    def show_stored(self, comment: Comment) -> None:
        """Show the text that was stored meanwhile beside the typed one, which replaces it if sent again."""
        comment.refresh_from_db(fields=["body", "revision"])
        self.stored_body = comment.body
        self._change_data(revision=str(comment.revision))


class ReplyForm(BodyForm):
    """The form for a new comment; guests also enter a name and an e-mail address.

    It offers mails about replies, unless the writer follows the discussion already (`is_following`).
    `body` is the text of a comment whose posting was undone, and `draft` what the member wrote before. The
    nonce is created with the form, so that a form sent several times makes only one comment.
    """

    submit = _("Post comment")

    name = forms.CharField(
        label=_("Name"), max_length=MAX_NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        help_text=_("Not published; moderators can see it. We send you one link to confirm it."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    follow = forms.BooleanField(label=_("Send me a mail when somebody replies"), required=False)
    nonce = forms.UUIDField(widget=forms.HiddenInput)

    field_order = ["body", "name", "email", "follow", "nonce"]

    def __init__(
        self,
        *args: Any,
        discussion: Discussion,
        guest: Guest | None,
        is_member: bool,
        parent: Comment | None,
        is_following: bool = False,
        names: NamesInUse | None = None,
        body: str = "",
        draft: CommentDraft | None = None,
        **kwargs: Any,
    ) -> None:
        self.discussion, self.guest = discussion, guest
        self.names = names or NamesInUse()
        initial = {
            "body": body or (draft and draft.body),
            "nonce": uuid4(),
            "name": guest and guest.name,
            "email": guest and guest.email,
        }
        self.nudges: list[str] = []
        # Several forms may be open on one page.
        auto_id = f"id_reply_{parent.pk}_%s" if parent else "id_reply_%s"
        super().__init__(*args, initial=initial, auto_id=auto_id, **kwargs)
        if body:
            self.fields["body"].widget.attrs["autofocus"] = True
        if draft:
            self.set_stored_at(draft.at)
        if is_member:
            del self.fields["name"], self.fields["email"]
        if is_following:
            del self.fields["follow"]

    @property
    def helper(self) -> FormHelper:
        helper = super().helper
        helper.layout = Layout(*self.fields, RulesInShort(self.discussion.site))
        if self._nudged:
            helper.add_input(Hidden("nudged", self._nudged))
        if "top_level" in self.data:
            helper.add_input(Hidden("top_level", "1"))
        return helper

    @property
    def has_session_ended(self) -> bool:
        """Return whether the form was shown to a member who is logged out now: it has no guest's fields."""
        return "name" in self.fields and self.is_bound and self.data.keys().isdisjoint({"name", "email"})

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])

    def clean(self) -> dict[str, Any] | None:
        if "nonce" in self.errors:
            del self.errors["nonce"]
            self.renew_nonce()
            self.add_error(None, _("The form arrived incomplete. Post your comment again."))
        name, email = self.cleaned_data.get("name"), self.cleaned_data.get("email", "")
        if name:
            try:
                check_guest_name(name, email, names=self.names, guest=self.guest)
            except ValidationError as error:
                self.add_error("name", error)
        return super().clean()

    @property
    def _nudged(self) -> str:
        """Return the nudges that this form has shown, with spaces. No field: most forms show none."""
        return str(self.data.get("nudged", ""))

    @property
    def unread_nudges(self) -> list[Nudge]:
        """Return the nudges that this form has not shown yet."""
        nudged = self._nudged.split()
        return [nudge for nudge in NUDGES if nudge not in nudged]

    def show_nudges(self, sentences: Mapping[Nudge, str]) -> None:
        """Show the form again with these sentences, which do not stop the text a second time."""
        self.nudges = list(sentences.values())
        self.submit = _("Post anyway")
        self._change_data(nudged=" ".join([*self._nudged.split(), *sentences]))

    def offer_top_level(self) -> None:
        """Let the form be sent again as a top-level comment, as its parent was removed.

        Its URL stays that of the reply, so the browser and the site find its draft.
        """
        self.add_error(
            None, _("Your text is kept. Press “Post comment” to post it without replying to anybody.")
        )
        self._change_data(top_level="1")

    def renew_nonce(self) -> None:
        """Put a new nonce into the form that is shown again, so that it can be posted."""
        self._change_data(nonce=str(uuid4()))
