"""Remove the second factors of an account whose owner has lost them."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import mails
from accounts.authentication.second_factors import remove_second_factors
from accounts.emails import find_user_by_email
from articles.site.current_site import read_site


class Command(BaseCommand):
    help = (
        "Remove the authenticator app, the security keys, the passkeys and the recovery codes of an account "
        "whose owner has lost them. The password alone then logs in; an owner without one resets the "
        "password first. The removal is logged in the database, and the owner gets a mail about it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the e-mail that the account logs in with")

    def handle(self, *, email: str, **options: Any) -> None:
        user = find_user_by_email(email)
        if user is None:
            raise CommandError(f"There is no account with the e-mail {email}.")
        if not remove_second_factors(user):
            raise CommandError(f"The account {email} has no second factors.")
        change = "second_factors_removed"
        mails.enqueue(mails.mail_security_change, read_site(), user.pk, change, user.email)
        if user.has_usable_password():
            next_step = "The password alone logs in."
        else:
            next_step = "The account has no password: to log in, its owner can reset the password."
        self.stdout.write(f"The second factors of {user} ({email}) are removed. {next_step}")
