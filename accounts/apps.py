"""The app of people: users, guests, sign-ups and log-ins."""

from django.apps import AppConfig
from django.core.validators import EmailValidator
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        """Leave it to LoginMiddleware to store the session of a log-in.

        allauth's receiver would store it a second time, and reads all sessions of the user before that.
        """
        # Of the class, since all forms share it. Django's says "email address".
        EmailValidator.message = _("Enter a valid e-mail.")

        from allauth.account.signals import user_logged_in
        from allauth.usersessions.signals import on_user_logged_in

        user_logged_in.disconnect(on_user_logged_in)
