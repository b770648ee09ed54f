"""Forms of accounts: the password of a sign-up, the member's language, and the first administrator."""

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Fieldset, Layout
from django import forms
from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import MAX_NAME_LENGTH, SignUp, User
from accounts.names import check_not_staff_name, clean_name
from core.forms import SubmitForm


class NameForm(forms.Form):
    """The part of a sign-up form that asks for a name, which may not look like that of a staff member."""

    name = forms.CharField(
        label=_("Name"),
        max_length=MAX_NAME_LENGTH,
        help_text=_("Shown beside your comments."),
    )

    def clean_name(self) -> str:
        name = clean_name(self.cleaned_data["name"])
        check_not_staff_name(name)
        return name


class PasswordForm(SubmitForm, forms.Form):
    """The form that asks for the password that was chosen at the sign-up."""

    submit = _("Confirm")

    password = forms.CharField(
        label=_("Password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        strip=False,
        help_text=_("The password that you chose when you signed up."),
    )

    def __init__(self, *args: Any, pending: SignUp, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pending = pending

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if not check_password(password, self.pending.password):
            raise ValidationError(
                _("This is not the password that you chose. If you forgot it, sign up again.")
            )
        return password


class LanguageForm(SubmitForm, forms.ModelForm[User]):
    """The form in which a member chooses the language of the interface. Empty is that of the site."""

    submit = _("Save changes")

    language = forms.ChoiceField(label=_("Language"), required=False)

    class Meta:
        model = User
        fields = ("language",)

    def __init__(self, *args: Any, site_language: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        languages = dict(settings.LANGUAGES)
        own = gettext("The site’s language (%(language)s)") % {"language": languages.get(site_language, "")}
        field: Any = self.fields["language"]
        field.choices = [("", own), *languages.items()]


class AdministratorForm(forms.ModelForm[User]):
    """The part of the set-up form that creates the first administrator."""

    password = forms.CharField(
        label=_("Password"),
        # The form shows it again after an error in another field; no cache stores the page.
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=True),
        strip=False,
        help_text=_("At least ten characters."),
    )

    class Meta:
        model = User
        fields = ("name", "email")
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
            "email": forms.EmailInput(attrs={"autocomplete": "username"}),
        }

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag, helper.disable_csrf = False, True
        helper.layout = Layout(Fieldset(_("Your administrator account"), "name", "email", "password"))
        return helper

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if password := self.cleaned_data.get("password"):
            try:
                validate_password(
                    password, User(**{k: v for k, v in self.cleaned_data.items() if k != "password"})
                )
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned
