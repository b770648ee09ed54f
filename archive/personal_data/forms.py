"""The form that erases one's own account."""

from typing import Any

from allauth.account.adapter import get_adapter
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.authentication.second_factors import has_second_factor
from accounts.models import User

KEEP, DELETE = "keep", "delete"


class EraseForm(forms.Form):
    """The form that erases an account: what happens to the comments, and the password.

    An account with a second factor is asked for that instead, on its own page (views.erase). People
    without a password of their own get a link.
    """

    comments = forms.ChoiceField(
        label=gettext_lazy("Your comments"),
        choices=[
            (KEEP, gettext_lazy("They stay without your name, as “Deleted account”.")),
            (
                DELETE,
                gettext_lazy("They are deleted, too. A comment with replies is replaced by a placeholder."),
            ),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose what happens to your comments.")},
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": gettext_lazy("Enter your password.")},
    )

    def __init__(self, *args: Any, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.user = request, user
        if not has_password(user) or needs_second_factor(user):
            del self.fields["password"]

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_action = reverse("erase-account")
        gets_link = not has_password(self.user) and not needs_second_factor(self.user)
        label = _("Mail me a link to erase it") if gets_link else _("Erase my account")
        helper.add_input(Submit("", label, css_class="btn-danger last"))
        return helper

    @property
    def deletes_comments(self) -> bool:
        """Return whether the person has chosen to delete the comments."""
        return bool(self.cleaned_data["comments"] == DELETE)

    def clean_password(self) -> str:
        """Check the password, with the limit on wrong ones that the log-in has."""
        assert self.user
        password: str = self.cleaned_data["password"]
        found = get_adapter().authenticate(self.request, email=self.user.email, password=password)
        if found != self.user:
            raise ValidationError(_("The password is wrong."))
        return password


def has_password(user: User | None) -> bool:
    return user is not None and user.has_usable_password()


def needs_second_factor(user: User | None) -> bool:
    return user is not None and has_second_factor(user)
