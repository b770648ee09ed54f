from typing import Any

from django.db import migrations
from django.db.models.functions import Lower


def lower_emails(apps: Any, schema_editor: Any) -> None:
    User = apps.get_model("accounts", "User")
    EmailAddress = apps.get_model("account", "EmailAddress")
    # Two accounts can't have the same e-mail in different cases: user_email_once.
    User.objects.exclude(email=Lower("email")).update(email=Lower("email"))
    for pk in list(EmailAddress.objects.exclude(email=Lower("email")).values_list("pk", flat=True)):
        address = EmailAddress.objects.filter(pk=pk).select_related("user").first()
        if address is None:  # merged with another one of the account
            continue
        others = EmailAddress.objects.filter(email__iexact=address.email).exclude(pk=pk)
        duplicates = others.filter(user=address.user)
        is_verified = address.verified or duplicates.filter(verified=True).exists()
        is_primary = address.primary or duplicates.filter(primary=True).exists()
        duplicates.delete()
        # Only one account may have confirmed an e-mail. It is the account whose own e-mail it is, if that has
        # confirmed it.
        verified_elsewhere = others.filter(verified=True)
        if is_verified and address.user.email.lower() == address.email.lower():
            verified_elsewhere.update(verified=False)
        elif verified_elsewhere.exists():
            is_verified = False
        EmailAddress.objects.filter(pk=pk).update(
            email=Lower("email"), verified=is_verified, primary=is_primary
        )


class Migration(migrations.Migration):
    """Store the e-mails of accounts in lower case, in which allauth looks them up.

    Administrators had typed those of their own account and of people whom they invited with capital letters.
    """

    dependencies = [
        ("accounts", "0013_guest_name_upper"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [migrations.RunPython(lower_emails, migrations.RunPython.noop)]
