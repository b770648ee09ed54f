"""The forms for the settings of the site and for the test e-mail."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, cast

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Fieldset, Layout, Submit
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import normalize_newlines
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from articles.images.forms import ACCEPT, check_images
from articles.images.uploads import DecodedImage, UploadError, read_upload
from articles.models import Site
from articles.models.site import (
    DEFAULT_SHORT_RULES,
    MAX_RULES_IN_SHORT_LENGTH,
    MAX_RULES_LENGTH,
    STORY_LANGUAGES,
)
from articles.site import branding
from articles.site.time_zones import find_time_zones, time_zone_names
from config.owner import starter_texts
from core.appearance import accent
from core.appearance.tokens import token_colors
from core.backup_folder import NIGHTLY_FOLDER
from core.files import storage
from core.forms import SubmitForm, check_length, remove_maxlength

RULES_LINES = 3
MAX_SUGGESTIONS = 6  # time zones that are listed if the input matches several

# The fields of the set-up; the other settings keep their defaults.
SETUP_FIELDS = [
    "name",
    "language",
    "written_in",
    "time_zone",
    "contact_email",
    "moderation",
    "rules_in_short",
]


# The fields of uploaded images, with the setting that each changes and the function that stores the image.
IMAGE_FIELDS = {"logo_file": ("logo", branding.store_logo), "icon_file": ("icon", branding.store_icon)}

Upload = DecodedImage | UploadError


def read_uploads(files: Mapping[str, Any]) -> dict[str, Upload]:
    """Decode the uploaded images of the settings, by field. It may take seconds, so not in a transaction."""
    found: dict[str, Upload] = {}
    for name in IMAGE_FIELDS.keys() & files.keys():
        try:
            found[name] = read_upload(files[name])
        except UploadError as error:
            found[name] = error
    return found


class TestMailForm(SubmitForm, forms.Form):
    """The recipient of a test e-mail."""

    submit = gettext_lazy("Send a test e-mail")

    to = forms.EmailField(
        label=gettext_lazy("Recipient"), widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )


class ZoneInput(forms.TextInput):
    """A text field for a time zone, with the browser's own suggestions (a datalist)."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        list_id = f"{(attrs or {}).get('id', name)}_list"
        field = super().render(name, value, {**(attrs or {}), "list": list_id}, renderer)
        return render_to_string(
            "owner/zone.html", {"field": field, "zones": time_zone_names(), "list_id": list_id}
        )


class SiteForm(forms.ModelForm[Site]):
    """The settings of the site. `changed` returns the changed ones, so that only these are written."""

    class Meta:
        model = Site
        fields = (
            *(
                "name",
                "tagline",
                "logo_has_name",
                "accent",
                "language",
                "written_in",
                "time_zone",
                "contact_email",
                "mail_name",
            ),
            *("moderation", "review_after_days", "close_after_days", "rules_in_short", "rules", "privacy"),
            "has_public_log",
            "staff_need_second_factor",
            *("backs_up_nightly", "backups_kept"),
        )
        widgets = {
            "contact_email": forms.EmailInput(attrs={"autocomplete": "email"}),
            "moderation": forms.RadioSelect,
        }
        labels = {
            "name": gettext_lazy("Name of the site"),
            "tagline": gettext_lazy("Tagline"),
            "logo_has_name": gettext_lazy("The logo contains the name of the site"),
            "contact_email": gettext_lazy("Contact address"),
            "mail_name": gettext_lazy("Sender’s name"),
            "moderation": gettext_lazy("Which comments are reviewed before publication"),
            "review_after_days": gettext_lazy("Review late comments after (days)"),
            "close_after_days": gettext_lazy("Close discussions after (days)"),
            "has_public_log": gettext_lazy("Publish the moderation log at /moderation-log/"),
            "staff_need_second_factor": gettext_lazy("Require a second factor from staff"),
            "backs_up_nightly": gettext_lazy("Back up every night"),
            "backups_kept": gettext_lazy("Number of backups to keep"),
        }
        help_texts = {
            "tagline": gettext_lazy(
                "A few words next to the name, in the footer of each page and in the feed."
            ),
            "logo_has_name": gettext_lazy("The name is then not shown beside it."),
            "contact_email": gettext_lazy(
                "Shown in the footer of each page and each mail. Replies to mails go there. Leave empty to "
                "show none."
            ),
            "moderation": gettext_lazy(
                "For discussions without comments so far. On the moderation pages you can change it for a "
                "single discussion or for the whole site."
            ),
            "review_after_days": gettext_lazy(
                "Counted from the publication of the story. A moderation rule about age has priority."
            ),
            "close_after_days": gettext_lazy(
                "Counted from the publication of the story, unless it has its own date."
            ),
            "staff_need_second_factor": gettext_lazy(
                "Moderators, editors and administrators then need an authenticator app, a security key or a "
                "passkey in addition to their password. Those who have none are asked to set one up before "
                "they can work, you included."
            ),
            "backups_kept": gettext_lazy(
                "The oldest is deleted once a new backup has been made and verified."
            ),
        }

    logo_file = forms.FileField(
        label=gettext_lazy("Logo"), required=False, widget=forms.FileInput(attrs={"accept": ACCEPT})
    )
    logo_remove = forms.BooleanField(label=gettext_lazy("Remove the logo"), required=False)
    icon_file = forms.FileField(
        label=gettext_lazy("Icon"), required=False, widget=forms.FileInput(attrs={"accept": ACCEPT})
    )
    icon_remove = forms.BooleanField(label=gettext_lazy("Remove the icon"), required=False)
    accent = forms.CharField(
        label=gettext_lazy("Accent colour"),
        required=False,
        widget=forms.TextInput(attrs={"dir": "ltr", "placeholder": "#0e5a66", "autocomplete": "off"}),
    )
    rules_in_short = forms.CharField(
        label=gettext_lazy("Rules in three lines"),
        required=False,
        help_text=gettext_lazy("Shown above the comment form."),
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
    )
    rules = forms.CharField(
        label=gettext_lazy("Rules in full"),
        required=False,
        help_text=gettext_lazy(
            "Markdown, shown at /rules/. Leave empty for no such page. To show an image, add it under Images "
            "and copy its Markdown from there. An image of another site becomes a link."
        ),
        widget=forms.Textarea(attrs={"rows": 10, "dir": "auto"}),
    )
    privacy = forms.CharField(
        label=gettext_lazy("Your text on privacy"),
        required=False,
        help_text=gettext_lazy(
            "Markdown, shown at /privacy/ above the list of what the site stores, which is always there. "
            "Images are shown as in the rules."
        ),
        widget=forms.Textarea(attrs={"rows": 10, "dir": "auto"}),
    )
    time_zone = forms.CharField(label=gettext_lazy("Time zone"), max_length=64, widget=ZoneInput)
    # A fingerprint of the settings when the form was loaded.
    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    language = forms.ChoiceField(
        label=gettext_lazy("Language of the interface"),
        help_text=gettext_lazy(
            "For menus, buttons, dates and mails. Members can choose another one for themselves. Pages for "
            "staff are in English where they are not translated."
        ),
    )
    written_in = forms.ChoiceField(
        label=gettext_lazy("Language of the stories"),
        required=False,
        choices=[
            ("", gettext_lazy("Same as the pages")),
            *sorted(STORY_LANGUAGES.items(), key=lambda item: item[1].casefold()),
        ],
        help_text=gettext_lazy(
            "The language that you and your readers write in. Screen readers, translation and feeds use it; "
            "it changes no text of the site."
        ),
    )

    def __init__(
        self,
        *args: Any,
        only: list[str] | None = None,
        uploads: Mapping[str, Upload] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.uploads = uploads or {}
        for name in set(self.fields) - set(only or self.fields):
            del self.fields[name]
        remove_maxlength(self)
        language: Any = self.fields["language"]
        language.choices = settings.LANGUAGES
        self.fields["time_zone"].help_text = _(
            "Type the name of a city. All times on the site are shown in this time zone."
        )
        self.fingerprint = _fingerprint(self.instance)
        self.initial["seen"] = self.fingerprint
        self.initial["rules_in_short"] = "\n".join(self.instance.short_rule_lines)
        if "accent" in self.fields:
            self._describe_brand_fields()
        for name in starter_texts.TEXTS.keys() & self.fields.keys():
            self._offer_starter_text(name)
        if nightly := self.fields.get("backs_up_nightly"):
            if storage().is_shared:
                text = _(
                    "Everything in one file, after 03:00, in %(folder)s. Copy the backups to another place, "
                    "in case this one is lost."
                )
            else:
                text = _(
                    "Everything in one file, after 03:00, in %(folder)s on this machine. Copy the backups to "
                    "another machine, in case this one is lost."
                )
            nightly.help_text = text % {"folder": storage().describe_location(NIGHTLY_FOLDER)}
        if sender := self.fields.get("mail_name"):
            sender.help_text = _(
                "Mails are sent from %(address)s. Leave empty to use the name of the site."
            ) % {"address": settings.DEFAULT_FROM_EMAIL}

    def _describe_brand_fields(self) -> None:
        site = self.instance
        self.fields["logo_file"].help_text = format_html(
            "{} {}",
            branding.logo(site),
            _(
                "In the header and the footer, in place of the mark. It is shown 28 pixels high, on a light "
                "and on a dark background."
            ),
        )
        icon = icon_html(site)
        self.fields["icon_file"].help_text = format_html(
            "{} {}", icon, _("A square image for browser tabs and for home screens of phones.")
        )
        for name, image in (("logo", site.logo_id), ("icon", site.icon_id)):
            if not image:
                del self.fields[f"{name}_remove"]
        if not site.logo_id and not self.is_bound:
            self.fields["logo_has_name"].help_text = _(
                "If you choose one. The name is then not shown beside it."
            )
        self.fields["accent"].help_text = " ".join(
            [
                _("For buttons and links, such as #0e5a66. Leave empty for the default."),
                *explain_accent(site.accent),
            ]
        )

    def _offer_starter_text(self, name: str) -> None:
        """Link to the form with a text to start from, if there is none yet."""
        if not getattr(self.instance, name) and not self.is_bound:
            text, field = _("Start from a template"), self.fields[name]
            link = format_html('<a href="?template={0}#id_{0}">{1}</a>', name, text)
            field.help_text = format_html("{} {}", field.help_text, link)

    def fill_in(self, name: str) -> None:
        """Fill in a text to start from, which is not stored yet. Existing text stays."""
        if name in starter_texts.TEXTS and not getattr(self.instance, name):
            self.initial[name] = starter_texts.render(name, self.instance)
            self.fields[name].help_text = _("This is a template. Change it, and save the settings.")

    def prepare_set_up(self, *, is_sent: bool) -> None:
        """Adapt the form to the set-up: leave the name empty, and let a script fill in the browser's zone."""
        if self.instance.name == Site._meta.get_field("name").default:
            self.initial["name"] = ""
        if not is_sent:
            self.fields["time_zone"].widget.attrs["data-propose"] = ""

    @property
    def site_helper(self) -> FormHelper:
        """Lay out the first part of the set-up form, which holds other forms as well."""
        return _fieldset_helper(
            Fieldset(_("The site"), "name", "language", "written_in", "time_zone"),
            Fieldset(_("Contact"), "contact_email"),
        )

    @property
    def comments_helper(self) -> FormHelper:
        """Lay out the last part of the set-up form."""
        return _fieldset_helper(Fieldset(_("Comments"), "moderation", "rules_in_short"))

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.layout = Layout(
            Fieldset(_("The site"), "name", "tagline", "language", "written_in", "time_zone"),
            Fieldset(
                _("Look"),
                *("logo_file", *self._existing("logo_remove"), "logo_has_name"),
                *("icon_file", *self._existing("icon_remove"), "accent"),
            ),
            Fieldset(_("Contact and mails"), "contact_email", "mail_name"),
            Fieldset(_("Comments"), "moderation", "review_after_days", "close_after_days"),
            Fieldset(_("Rules of commenting"), "rules_in_short", "rules"),
            Fieldset(_("Privacy"), "privacy"),
            Fieldset(_("Transparency"), "has_public_log"),
            Fieldset(_("Security"), "staff_need_second_factor"),
            Fieldset(_("Backups"), "backs_up_nightly", "backups_kept"),
            "seen",
            Submit("", _("Save")),
        )
        return helper

    def _existing(self, name: str) -> list[str]:
        return [name] if name in self.fields else []

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if "seen" in self.fields and self.data.get("seen") != self.fingerprint:
            self.data = {**cast(QueryDict, self.data).dict(), "seen": self.fingerprint}
            self.add_error(
                None,
                _(
                    "Somebody has changed the settings since you opened this page. Your changes are still "
                    "here, not saved. Save again to apply all of the fields below."
                ),
            )
        return cleaned

    def clean_logo_file(self) -> Upload | None:
        return self._uploaded("logo_file")

    def clean_icon_file(self) -> Upload | None:
        return self._uploaded("icon_file")

    def _uploaded(self, name: str) -> Upload | None:
        upload = self.uploads.get(name)
        if isinstance(upload, UploadError):
            raise ValidationError(str(upload))
        return upload

    def clean_accent(self) -> str:
        typed: str = self.cleaned_data["accent"].strip().lower()
        digits = typed.removeprefix("#")
        if len(digits) == 3:
            digits = "".join(2 * digit for digit in digits)
        color = f"#{digits}" if digits else ""
        if color and not accent.HEX.fullmatch(color):
            raise ValidationError(
                _("“%(value)s” is not a colour. Enter # and six digits from 0 to f, such as #0e5a66.")
                % {"value": typed}
            )
        return color

    def clean_time_zone(self) -> str:
        typed = self.cleaned_data["time_zone"]
        found = find_time_zones(typed)
        if len(found) == 1:
            return found[0]
        if not found:
            raise ValidationError(
                _("“%(value)s” is not a time zone. Enter one such as Europe/Oslo.") % {"value": typed}
            )
        listed = ", ".join(found[:MAX_SUGGESTIONS]) + (" …" if len(found) > MAX_SUGGESTIONS else "")
        raise ValidationError(
            _("Several time zones match: %(zones)s. Enter one of them.") % {"zones": listed}
        )

    def clean_rules_in_short(self) -> str:
        lines = [line.strip() for line in self.cleaned_data["rules_in_short"].splitlines() if line.strip()]
        text = "\n".join(lines)
        if len(lines) > RULES_LINES:
            raise ValidationError(
                _(
                    "These are %(count)s lines; the maximum is %(limit)s. Put longer rules into “Rules in "
                    "full”, under Settings."
                )
                % {"count": len(lines), "limit": RULES_LINES}
            )
        check_length(text, MAX_RULES_IN_SHORT_LENGTH)
        return "" if text == _(DEFAULT_SHORT_RULES) else text

    def clean_rules(self) -> str:
        text: str = normalize_newlines(self.cleaned_data["rules"]).strip()
        check_length(text, MAX_RULES_LENGTH)
        return check_images(text)

    def clean_privacy(self) -> str:
        text: str = normalize_newlines(self.cleaned_data["privacy"]).strip()
        check_length(text, MAX_RULES_LENGTH)
        return check_images(text)

    def changed(self, stored: Site, actor: User) -> dict[str, Any]:
        """Return the values that differ from the stored ones, by setting, and store uploaded images."""
        settings_only = [name for name in self.cleaned_data if name in self.Meta.fields]
        found = {
            name: self.cleaned_data[name]
            for name in settings_only
            if getattr(stored, name) != self.cleaned_data[name]
        }
        for field, (name, store) in IMAGE_FIELDS.items():
            if uploaded := self.cleaned_data.get(field):
                found[name] = store(uploaded, actor)
            elif self.cleaned_data.get(f"{name}_remove"):
                found[name] = None
        return found


def icon_html(site: Site) -> SafeString:
    """Return the icon of the site as <img>, or an empty string."""
    url = branding.icon_url(site, 32)
    return format_html('<img src="{}" alt="" width="32" height="32">', url) if url else SafeString("")


def explain_accent(color: str) -> list[str]:
    """Return a sentence for each theme in which the colour would be hard to read and another one is used."""
    if not color:
        return []
    found = accent.palette(color)
    themes = [
        (found.light.accent, token_colors().light["paper"], _("the light theme")),
        (found.dark.accent, token_colors().dark["paper"], _("the dark theme")),
    ]
    return [
        _(
            "In %(theme)s, %(color)s has a contrast of %(ratio)s:1 with the page, and text needs %(least)s:1 "
            "on every background: %(used)s is used there."
        )
        % {
            "theme": theme,
            "color": color,
            "ratio": f"{accent.contrast(color, paper):.1f}",
            "least": accent.MIN_CONTRAST,
            "used": used,
        }
        for used, paper, theme in themes
        if used != color
    ]


def _fieldset_helper(*fields: Fieldset) -> FormHelper:
    helper = FormHelper()
    helper.form_tag, helper.disable_csrf = False, True
    helper.layout = Layout(*fields)
    return helper


def _fingerprint(site: Site) -> str:
    values = repr([getattr(site, name) for name in (*SiteForm.Meta.fields, "logo_id", "icon_id")])
    return blake2b(values.encode(), digest_size=9).hexdigest()
