"""The app of people: users, guests, sign-ups and log-ins."""

from django.apps import AppConfig
from django.core.validators import EmailValidator
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        """Set the message for a wrong e-mail, and disconnect allauth's receiver that stores a new session.

        LoginMiddleware stores it. The receiver would do so a second time, and reads all sessions of the user
        before that.
        """
        # The message is set on the class, since all forms share it. Django's message says "email address".
        EmailValidator.message = _("Enter a valid e-mail.")

        from allauth.account.signals import user_logged_in
        from allauth.usersessions.signals import on_user_logged_in

        user_logged_in.disconnect(on_user_logged_in)
