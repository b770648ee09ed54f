"""Create accounts and guests, and set the site's settings."""

from dataclasses import dataclass
from pathlib import Path

from allauth.account.models import EmailAddress

from accounts.guests import confirm_guest
from accounts.models import EDITOR, MODERATOR, READER, Guest, User
from accounts.services import set_public_page
from articles.services import change_site
from comments.models import RemovalReason
from config.server import sample

ROLES = ("reader", "moderator", "editor", "administrator")


@dataclass
class People:
    ruth: User  # of the sample: reader, moderator, editor, administrator
    mona: User
    emil: User
    ada: User
    omar: User  # a second moderator
    edith: User  # a second editor
    rolf: User  # readers
    paula: User
    bert: User
    wanda: User
    rita: User
    kim: User
    greta: Guest
    gus: Guest
    ulla: Guest  # did not confirm the e-mail address


def create_account(name: str, *roles: str, verified: bool = True) -> User:
    user = User.objects.create_user(f"{name.lower()}@example.net", "golden-2026-word", name=name, roles=roles)
    EmailAddress.objects.create(user=user, email=user.email, verified=verified, primary=True)
    return user


def create_guest(name: str, *, confirmed: bool = True) -> Guest:
    guest = Guest.objects.create(name=name, email=f"{name.lower().replace(' ', '.')}@example.com")
    if confirmed:
        confirm_guest(guest)
    return guest


def create_people(home: Path) -> People:
    sample.create_sample_data(home, with_newspaper=False)
    users = [User.objects.get(email=f"{role}@example.org") for role in ROLES]
    for role, user in zip(ROLES, users, strict=True):
        user.set_password(f"golden-{role}-2026")
        user.name = user.name.split()[0]  # by which actions.txt calls them
        user.save()
    users += [create_account("Omar", MODERATOR), create_account("Edith", EDITOR)]
    users += [create_account(name, READER) for name in ("Rolf", "Paula", "Bert", "Wanda", "Rita", "Kim")]
    create_account("Newby", READER, verified=False)
    inactive = create_account("Olaf", READER)
    inactive.is_active = False
    inactive.save()
    set_public_page(user=User.objects.get(name="Rolf"), on=True)
    guests = create_guest("Greta"), create_guest("Gus"), create_guest("Unsure Ulla", confirmed=False)
    return People(*users, *guests)


def configure_site() -> None:
    change_site(
        name="The Golden Post",
        tagline="News of a harbour",
        time_zone="Europe/Oslo",
        contact_email="post@example.org",
        mail_name="The Golden Post",
        review_after_days=100,
        close_after_days=400,
        has_public_log=True,
        backs_up_nightly=True,
        backups_kept=3,
        rules_in_short="Be kind. Stay on the subject.",
        rules="# Rules\n\nBe kind, *always*.\n\n1. No advertising.\n2. No names of children.",
    )
    RemovalReason.objects.create(
        code="rude_tone", label="rude tone", message="Its tone was rude.", position=50
    )
    RemovalReason.objects.create(code="old_reason", label="an old reason", is_active=False)
