"""Users and their roles, guests, sign-ups, wrong passwords and codes, and undeliverable e-mail addresses."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, Group, PermissionsMixin
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Lower, Now, Upper
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.database.sql import fetch_column

READER, MODERATOR, EDITOR, ADMINISTRATOR = "Reader", "Moderator", "Editor", "Administrator"
MAX_NEXT_URL_LENGTH = 500  # characters of the path that a sign-up returns to
ERASED_EMAIL = "@invalid"  # the end of the e-mail address of an erased account, which has to be unique
MAX_NAME_LENGTH = 80  # characters of a user's or guest's name
MAX_SERVER_RESPONSE_LENGTH = 500  # characters of a mail server's response
# The roles of a user. Each request of a member reads them, and Django takes longer to compose this than
# Postgres to execute it.
ROLES_SQL = """
SELECT g.name FROM accounts_user_groups m JOIN auth_group g ON g.id = m.group_id WHERE m.user_id = %s"""


def deleted_name() -> str:
    """Return the name that is shown in place of an erased one."""
    return gettext("Deleted account")


class UserQuerySet(models.QuerySet["User"]):
    """Filters by role that agree with the properties of User. Each person is returned once."""

    def administrators(self) -> Self:
        return self._with_role(ADMINISTRATOR)

    def moderators(self) -> Self:
        return self._with_role(MODERATOR, ADMINISTRATOR)

    def editors(self) -> Self:
        return self._with_role(EDITOR, ADMINISTRATOR)

    def staff(self) -> Self:
        return self._with_role(MODERATOR, EDITOR, ADMINISTRATOR)

    def active(self) -> Self:
        """Return the users who may log in."""
        return self.filter(is_active=True)

    def _with_role(self, *roles: str) -> Self:
        return self.filter(Exists(Group.objects.filter(user=OuterRef("pk"), name__in=roles)))


if TYPE_CHECKING:

    class _UserManager(BaseUserManager["User"]):
        """The type of the manager that from_queryset makes.

        mypy's plugin finds it by itself only with some orders of the modules.
        """

        def get_queryset(self) -> UserQuerySet: ...
        def filter(self, *args: Any, **kwargs: Any) -> UserQuerySet: ...
        def administrators(self) -> UserQuerySet: ...
        def moderators(self) -> UserQuerySet: ...
        def editors(self) -> UserQuerySet: ...
        def staff(self) -> UserQuerySet: ...
        def active(self) -> UserQuerySet: ...

else:
    _UserManager = BaseUserManager.from_queryset(UserQuerySet)


class UserManager(_UserManager):
    """The manager of users. It creates users and administrators."""

    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """Return an e-mail address in lower case, in which allauth looks up who has it."""
        return super().normalize_email(email).lower()

    def create_user(
        self, email: str, password: str | None = None, *, roles: tuple[str, ...] = (READER,), **fields: Any
    ) -> "User":
        """Create an account with these roles (names of groups). Raises IntegrityError for a taken e-mail."""
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        user.set_roles(roles)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, roles=(ADMINISTRATOR,), **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person with an account. They log in with the e-mail address; others see the name.

    Roles are groups and nothing else: `is_staff` and `is_superuser` follow from them.
    """

    email = models.EmailField(_("e-mail"), unique=True)  # normalize_email writes it in lower case
    name = models.CharField(_("name"), max_length=MAX_NAME_LENGTH, help_text=_("Shown beside your comments."))
    has_page = models.BooleanField(
        _("public page"),
        default=False,
        help_text=_("A page that lists your comments; search engines skip it."),
    )
    # Of pages and mails. Not `choices`: adding a translation must not need a migration.
    language = models.CharField(_("language"), max_length=12, blank=True, default="", db_default="")
    is_active = models.BooleanField(_("active"), default=True)
    # How often the person has logged out everywhere. It is part of the hash that each session contains.
    logout_count = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    date_joined = models.DateTimeField(_("joined"), default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        indexes = [models.Index(fields=["name"], name="user_name")]
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]

    def __str__(self) -> str:
        # Never the e-mail address, which not everybody who reads a list may see.
        return self.name or (deleted_name() if self.is_erased else gettext("Somebody"))

    def clean(self) -> None:
        super().clean()
        self.email = User.objects.normalize_email(self.email)

    @property
    def is_erased(self) -> bool:
        """Return whether the name and the e-mail address were erased (services.erase_account)."""
        return not self.name and self.email.endswith(ERASED_EMAIL)

    @cached_property
    def roles(self) -> frozenset[str]:
        """Return the names of the groups, read once for each instance."""
        return frozenset(fetch_column(ROLES_SQL, [self.pk])) if self.pk else frozenset()

    @property
    def is_administrator(self) -> bool:
        return ADMINISTRATOR in self.roles

    @property
    def is_moderator(self) -> bool:
        return bool(self.roles & {MODERATOR, ADMINISTRATOR})

    @property
    def is_editor(self) -> bool:
        return bool(self.roles & {EDITOR, ADMINISTRATOR})

    @property
    def can_be_invited(self) -> bool:
        """Return whether the account waits for its owner to choose a password.

        Accounts of people who log in with another service have none either, but were used.
        """
        return self.is_active and self.last_login is None and not self.has_usable_password()

    @property
    def can_view_email_addresses(self) -> bool:
        """Return whether the user may see others' e-mail addresses: moderators and administrators may."""
        return self.has_perm("accounts.view_user") and self.has_perm("accounts.view_guest")

    @property
    def is_staff(self) -> bool:
        """Return whether the user may open the admin. The permissions of the groups decide what they see."""
        return bool(self.roles & {MODERATOR, EDITOR, ADMINISTRATOR})

    if not TYPE_CHECKING:  # hides PermissionsMixin's column of the same name

        @property
        def is_superuser(self) -> bool:
            return self.is_administrator

    @transaction.atomic
    def set_roles(self, names: Iterable[str], *, actor: "User | None" = None) -> None:
        """Set the roles to exactly these, and log each change.

        The log is written first, because the database refuses a role without its log entry. `actor` is the
        user who makes the change, or None for the site itself. Raises ValueError for an unknown role.
        """
        names = set(names)
        had, given = set(self.groups.all()), set(Group.objects.filter(name__in=names))
        if unknown := names - {role.name for role in given}:
            raise ValueError(f"There is no role {', '.join(sorted(unknown))}.")
        RoleChange.objects.bulk_create(
            RoleChange(user=self, role=role, is_granted=role in given, actor=actor)
            for role in sorted(had ^ given, key=lambda role: role.pk)
        )
        self.groups.set(given)
        vars(self).pop("roles", None)  # the cached property is outdated

    def get_session_auth_hash(self) -> str:
        """Return the hash that a valid session contains. It changes with the password and logout_count."""
        return f"{super().get_session_auth_hash()}{self.logout_count or ''}"

    def get_full_name(self) -> str:
        return self.name


class RoleChange(models.Model):
    """One entry of the role log: a role that was given to a user or taken away. Append-only."""

    user = models.ForeignKey(User, models.PROTECT, related_name="role_changes", db_index=False)
    role = models.ForeignKey(Group, models.PROTECT, related_name="+", db_index=False)
    is_granted = models.BooleanField()
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("change of a role")
        verbose_name_plural = _("changes of roles")
        indexes = [models.Index(fields=["user", "role", "id"], name="rolechange_last")]

    def __str__(self) -> str:
        return f"{self.user_id}: {'+' if self.is_granted else '-'}{self.role_id}"


class SecondFactorRemoval(models.Model):
    """One entry of a log: the command on the server removed all second factors of a user. Append-only."""

    user = models.ForeignKey(User, models.PROTECT, related_name="second_factor_removals")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("removal of second factors")
        verbose_name_plural = _("removals of second factors")

    def __str__(self) -> str:
        return f"{self.user_id}, {self.at}"


class GuestQuerySet(models.QuerySet["Guest"]):
    """Filters of guests."""

    def confirmed(self) -> Self:
        return self.filter(confirmed_at__isnull=False)

    def reachable(self) -> Self:
        """Return those who get mails: with a confirmed e-mail, and not to be erased."""
        return self.confirmed().filter(is_active=True).exclude(email="")


class Guest(models.Model):
    """A commenter without an account, who gave a name and an e-mail address, recognised by a cookie.

    The e-mail address is confirmed only once the link that was mailed to it has been opened. Until then two
    browsers that gave the same address are two guests, and neither inherits the other's reputation.
    """

    name = models.CharField(_("name"), max_length=MAX_NAME_LENGTH)
    email = models.EmailField(_("e-mail"))
    created_at = models.DateTimeField(_("first seen"), default=timezone.now, editable=False)
    confirmed_at = models.DateTimeField(_("e-mail confirmed"), null=True, blank=True, editable=False)
    # False once the guest has requested erasure; the cookie is then rejected.
    is_active = models.BooleanField(default=True, db_default=True, editable=False)

    objects = GuestQuerySet.as_manager()

    class Meta:
        verbose_name = _("guest")
        verbose_name_plural = _("guests")
        indexes = [
            models.Index(Lower("email"), name="guest_email"),
            models.Index(fields=["name"], name="guest_name"),
            models.Index(Upper("name"), name="guest_name_upper"),  # a lookup in any case (iexact)
        ]

    def __str__(self) -> str:
        return self.name


def one_person_constraint(*, name: str) -> models.CheckConstraint:
    """Return a constraint by which a row belongs either to a user or to a guest."""
    return models.CheckConstraint(
        condition=Q(user=None, guest__isnull=False) | Q(user__isnull=False, guest=None), name=name
    )


class SignUp(models.Model):
    """A request for an account whose e-mail is not confirmed yet.

    The mailed link turns it into an account; after a week it is deleted. Creating it looks up no account, so
    it does not reveal whether the e-mail address has one.
    """

    name = models.CharField(max_length=MAX_NAME_LENGTH)
    email = models.EmailField()
    password = models.CharField(max_length=128)  # hashed
    next_url = models.CharField(max_length=MAX_NEXT_URL_LENGTH, blank=True)  # the page that they came from
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(Lower("email"), name="signup_email")]

    def __str__(self) -> str:
        return self.name


class FailedLoginCount(models.Model):
    """The number of wrong passwords for one account from one origin within a day.

    An attempt is counted as wrong when it starts, and the row is deleted if the password is right. The row
    with an empty `origin_hash` counts those of all origins since `at`. An origin is a device that has logged
    in before, or else an IP address. Wrong codes of second factors have rows of their own.
    accounts/authentication/login_throttling.py reads and writes them.
    """

    # Keyed hashes: of the e-mail address (another one for codes), and of the device or the IP address.
    account_hash = models.BinaryField(max_length=32, db_column="account")
    origin_hash = models.BinaryField(max_length=32, db_column="origin")
    count = models.PositiveIntegerField(db_column="wrong")
    at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "accounts_loginattempts"
        constraints = [
            models.UniqueConstraint(fields=["account_hash", "origin_hash"], name="loginattempts_place")
        ]

    def __str__(self) -> str:
        return f"{self.count} wrong, {self.at}"


class UndeliverableEmail(models.Model):
    """An e-mail address whose mail server answered that it does not exist or accepts nothing.

    Newsletters and mails about followed discussions are not sent to it, until its owner asks for them again
    or confirms a subscription.
    """

    email = models.EmailField(unique=True)  # in lower case
    server_response = models.CharField(max_length=MAX_SERVER_RESPONSE_LENGTH, db_column="answer")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("undeliverable e-mail")
        verbose_name_plural = _("undeliverable e-mails")
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="undeliverableemail_lower_case")
        ]

    def __str__(self) -> str:
        return f"{self.at}: {self.server_response}"
