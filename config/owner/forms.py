"""What the owner of the site sets, at its set-up and later."""

from hashlib import blake2b
from typing import Any, cast

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Fieldset, Layout, Submit
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from articles.images.forms import check_images
from articles.models import Site
from articles.models.site import RULES_IN_SHORT, RULES_IN_SHORT_MAX, RULES_MAX, WRITTEN
from articles.site.time_zones import find_zones, zones
from core import backup_folder
from core.forms import leave_whole

RULES_LINES = 3
OFFERED = 6  # zones that are named where several are meant

# What is asked when a site is set up; all else has a default that holds.
SET_UP = ["name", "language", "written_in", "time_zone", "contact_email", "moderation", "rules_in_short"]


class TestMailForm(forms.Form):
    to = forms.EmailField(
        label=gettext_lazy("Send it to"), widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.add_input(Submit("", _("Send a test mail")))
        return helper


class ZoneInput(forms.TextInput):
    """A field to choose from all zones by typing a part of a name, with the list of the browser itself."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        list_id = f"{(attrs or {}).get('id', name)}_list"
        field = super().render(name, value, {**(attrs or {}), "list": list_id}, renderer)
        return render_to_string("owner/zone.html", {"field": field, "zones": zones(), "list_id": list_id})


class SiteForm(forms.ModelForm[Site]):
    """All that is set of the site. `changed` says what of it, so that nothing else is written."""

    class Meta:
        model = Site
        fields = (
            *("name", "tagline", "language", "written_in", "time_zone", "contact_email", "mail_name"),
            *("moderation", "review_after_days", "close_after_days", "rules_in_short", "rules"),
            "has_public_log",
            *("backs_up_nightly", "backups_kept"),
        )
        widgets = {
            "contact_email": forms.EmailInput(attrs={"autocomplete": "email"}),
            "moderation": forms.RadioSelect,
        }
        labels = {
            "name": gettext_lazy("Name of the site"),
            "tagline": gettext_lazy("Tagline"),
            "contact_email": gettext_lazy("Contact address"),
            "mail_name": gettext_lazy("Sender’s name"),
            "moderation": gettext_lazy("Who is read before being published"),
            "review_after_days": gettext_lazy("Late comments are reviewed first after (days)"),
            "close_after_days": gettext_lazy("Discussions close after (days)"),
            "has_public_log": gettext_lazy("Show every reader what was removed, at /moderation-log/"),
            "backs_up_nightly": gettext_lazy("Back up every night"),
            "backups_kept": gettext_lazy("How many of them are kept"),
        }
        help_texts = {
            "tagline": gettext_lazy("A few words beside the name, at the foot of each page and in the feed."),
            "contact_email": gettext_lazy(
                "Readers find it at the foot of each page and of our mails, and answers to mails go there. "
                "Empty: none is shown."
            ),
            "moderation": gettext_lazy(
                "For discussions in which nobody has written yet. Each one can be set otherwise, and so can "
                "the whole site, on the desk."
            ),
            "review_after_days": gettext_lazy(
                "After its article’s publication. A rule of the desk about age goes before this."
            ),
            "close_after_days": gettext_lazy("After its article’s publication, where no other day is set."),
            "backups_kept": gettext_lazy("An older one is removed once a new one was made and read again."),
        }

    rules_in_short = forms.CharField(
        label=gettext_lazy("Rules in three lines"),
        required=False,
        help_text=gettext_lazy("Everybody who writes reads them above the form."),
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
    )
    rules = forms.CharField(
        label=gettext_lazy("Rules in full"),
        required=False,
        help_text=gettext_lazy("Markdown, on a page of its own at /rules/. Empty: there is no such page."),
        widget=forms.Textarea(attrs={"rows": 10, "dir": "auto"}),
    )
    time_zone = forms.CharField(label=gettext_lazy("Time zone"), max_length=64, widget=ZoneInput)
    seen = forms.CharField(required=False, widget=forms.HiddenInput)  # what was stored when it was read
    language = forms.ChoiceField(label=gettext_lazy("Language of the pages"))
    written_in = forms.ChoiceField(
        label=gettext_lazy("Language of the stories"),
        required=False,
        choices=[
            ("", gettext_lazy("The same")),
            *sorted(WRITTEN.items(), key=lambda one: one[1].casefold()),
        ],
        help_text=gettext_lazy(
            "In which you and your readers write. It is said to whoever has a page read aloud or translated, "
            "and in the feeds; it changes no word."
        ),
    )

    def __init__(self, *args: Any, only: list[str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in set(self.fields) - set(only or self.fields):
            del self.fields[name]
        leave_whole(self)
        language: Any = self.fields["language"]
        language.choices = settings.LANGUAGES
        language.help_text = _("Of what we say: menus, buttons, dates and mails.")
        if len(settings.LANGUAGES) > 1:
            language.help_text += " " + _("A reader whose browser asks for another one of these gets that.")
        else:
            language.help_text += " " + _("There is no other one yet.")
        self.fields["time_zone"].help_text = _(
            "Begin to type a city. All times on the site are told in this zone, and named."
        )
        self.stamp = _stamp(self.instance)
        self.initial["seen"] = self.stamp
        self.initial["rules_in_short"] = "\n".join(self.instance.shown_rules)
        if nightly := self.fields.get("backs_up_nightly"):
            nightly.help_text = _(
                "Everything in one file, after three in the morning, into %(folder)s on this machine. Who "
                "loses the machine loses these as well: have them copied to another one."
            ) % {"folder": backup_folder.nightly_folder()}
        if sender := self.fields.get("mail_name"):
            sender.help_text = _("Mails come from %(address)s. Empty: the name of the site.") % {
                "address": settings.DEFAULT_FROM_EMAIL
            }

    def propose(self, *, is_sent: bool) -> None:
        """For a site that is set up: no name is right yet, and the zone is where the browser is."""
        if self.instance.name == Site._meta.get_field("name").default:
            self.initial["name"] = ""
        if not is_sent:
            self.fields["time_zone"].widget.attrs["data-propose"] = ""

    @property
    def about_the_site(self) -> FormHelper:
        """The first half of what is asked at the set-up, within a form that holds more."""
        return _part(
            Fieldset(_("The site"), "name", "language", "written_in", "time_zone"),
            Fieldset(_("Contact"), "contact_email"),
        )

    @property
    def about_comments(self) -> FormHelper:
        return _part(Fieldset(_("Comments"), "moderation", "rules_in_short"))

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.layout = Layout(
            Fieldset(_("The site"), "name", "tagline", "language", "written_in", "time_zone"),
            Fieldset(_("Contact and mails"), "contact_email", "mail_name"),
            Fieldset(_("Comments"), "moderation", "review_after_days", "close_after_days"),
            Fieldset(_("Rules of commenting"), "rules_in_short", "rules"),
            Fieldset(_("Transparency"), "has_public_log"),
            Fieldset(_("Backups"), "backs_up_nightly", "backups_kept"),
            "seen",
            Submit("", _("Save")),
        )
        return helper

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if "seen" in self.fields and self.data.get("seen") != self.stamp:
            self.data = {**cast(QueryDict, self.data).dict(), "seen": self.stamp}
            self.add_error(
                None,
                _(
                    "Somebody has changed the settings since you opened this page. What you typed is kept "
                    "here: saving once more sets all of it."
                ),
            )
        return cleaned

    def clean_time_zone(self) -> str:
        typed = self.cleaned_data["time_zone"]
        found = find_zones(typed)
        if len(found) == 1:
            return found[0]
        if not found:
            raise ValidationError(_("“%(value)s” is not a time zone such as Europe/Oslo.") % {"value": typed})
        named = ", ".join(found[:OFFERED]) + (" …" if len(found) > OFFERED else "")
        raise ValidationError(_("Several are called so: %(zones)s. Write one of them.") % {"zones": named})

    def clean_rules_in_short(self) -> str:
        lines = [line.strip() for line in self.cleaned_data["rules_in_short"].splitlines() if line.strip()]
        text = "\n".join(lines)
        if len(lines) > RULES_LINES:
            raise ValidationError(
                _(
                    "These are %(count)s lines; %(limit)s is the most. More has room in the rules in full, "
                    "under Settings."
                )
                % {"count": len(lines), "limit": RULES_LINES}
            )
        _check_length(text, RULES_IN_SHORT_MAX)
        return "" if text == _(RULES_IN_SHORT) else text

    def clean_rules(self) -> str:
        text: str = self.cleaned_data["rules"].replace("\r\n", "\n").strip()
        _check_length(text, RULES_MAX)
        return check_images(text)

    def changed(self, stored: Site) -> dict[str, Any]:
        """By field, what is otherwise than stored."""
        return {
            name: value
            for name, value in self.cleaned_data.items()
            if name != "seen" and getattr(stored, name) != value
        }


def _part(*fields: Fieldset) -> FormHelper:
    helper = FormHelper()
    helper.form_tag, helper.disable_csrf = False, True
    helper.layout = Layout(*fields)
    return helper


def _stamp(site: Site) -> str:
    values = repr([getattr(site, name) for name in SiteForm.Meta.fields])
    return blake2b(values.encode(), digest_size=9).hexdigest()


def _check_length(text: str, limit: int) -> None:
    if len(text) > limit:
        raise ValidationError(
            _("This has %(count)s characters; %(limit)s is the most. Nothing was lost: shorten it here.")
            % {"count": f"{len(text):,}", "limit": f"{limit:,}"}
        )
