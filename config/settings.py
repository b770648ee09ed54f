"""Settings, read from the environment at start. config/system_checks.py reports contradictions."""

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
import dj_email_url
import django_stubs_ext
from csp.constants import NONE, SELF

from config.hosts import Network, allowed_hosts, parse_networks
from config.server import postgres
from core.data_folder import StartupError, data_folder, make_data_folder
from core.files import url as files_url

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = data_folder()
make_data_folder(HOME)  # before anything that writes into it creates it with another mode


def env_flag(name: str, *, default: bool = False) -> bool:
    """Return True for 1/true/yes/on, False for 0/false/no/off. Raises StartupError for others."""
    value = os.environ.get(name, "").strip().lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    if not value:
        return default
    raise StartupError(f"{name} is {value!r}: write 1 or 0.")


def env_number(name: str, default: int, minimum: int, maximum: int) -> int:
    """Return a whole number within the bounds. Raises StartupError for anything else."""
    value = os.environ.get(name, "").strip() or str(default)
    if not value.isdecimal() or not minimum <= int(value) <= maximum:
        raise StartupError(f"{name} is {value!r}: write a whole number from {minimum} to {maximum}.")
    return int(value)


def env_proxies(name: str) -> tuple[Network, ...]:
    """Return the networks whose requests come from a proxy; all for 1. Raises StartupError."""
    value = os.environ.get(name, "").strip()
    try:
        return parse_networks("0.0.0.0/0 ::/0" if env_flag(name) else "")
    except StartupError:
        with suppress(ValueError):
            return parse_networks(value)
    raise StartupError(
        f"{name} is {value!r}: write 1, 0, or the IP addresses or networks of the proxies, such as "
        "'10.0.0.5 10.0.1.0/24'. Names are not looked up."
    )


def database(url: str) -> dict[str, Any]:
    """Return Django's settings for the database of a URL. Raises StartupError, without the password."""
    wrong = StartupError(
        "DATABASE_URL is no URL of a Postgres database: write postgres://user:password@host:5432/name, "
        "with special characters of the password escaped (%40 for @)."
    )
    if not url.startswith(("postgres://", "postgresql://")):
        raise wrong
    try:
        found = dj_database_url.parse(url, engine="core.database", conn_max_age=600, conn_health_checks=True)
    except ValueError:
        raise wrong from None
    if not found.get("NAME") and "service" not in found.get("OPTIONS", {}):
        raise wrong
    return {**found}


def oidc_variable(provider: str, name: str) -> str:
    """Return the name of an environment variable of an OpenID Connect provider, such as OIDC_WORK_URL."""
    return f"OIDC_{provider.upper().replace('-', '_')}_{name}"


def oidc_providers() -> list[dict[str, Any]]:
    """Return the OpenID Connect providers that $OIDC_PROVIDERS lists, as allauth expects them.

    config/system_checks.py explains what is missing or wrong.
    """
    ids = [word.strip() for word in os.environ.get("OIDC_PROVIDERS", "").split(",") if word.strip()]
    found = []
    for provider in ids:
        values = {
            name: os.environ.get(oidc_variable(provider, name), "").strip()
            for name in ("NAME", "URL", "CLIENT_ID", "CLIENT_SECRET")
        }
        found.append(
            {
                "provider_id": provider,
                "name": values["NAME"] or provider.capitalize(),
                "client_id": values["CLIENT_ID"],
                "secret": values["CLIENT_SECRET"],
                "settings": {"server_url": values["URL"].rstrip("/")},
            }
        )
    return found


def replica_urls() -> list[str]:
    """Return the URLs of $DATABASE_REPLICA_URLS. Commas or spaces separate them; a URL may contain commas."""
    return re.findall(r"[^\s,]\S*?(?=[\s,]+\w+://|[\s,]*$)", os.environ.get("DATABASE_REPLICA_URLS", ""))


def secret_key() -> str:
    """Return $SECRET_KEY, or the key that the first start stored in the data folder, for its owner only."""
    if key := os.environ.get("SECRET_KEY"):
        return key
    path = HOME / "secret_key"
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(handle, "w") as file:
        file.write(key := secrets.token_urlsafe(64))
    return key


# URL and mode
HOST = os.environ.get("HOST", "127.0.0.1")
PORT = env_number("PORT", 8000, 0, 65_535)
WEB_PROCESSES = env_number("WEB_PROCESSES", 2, 1, 64)
SITE_URL = os.environ.get("SITE_URL", f"http://{HOST}:{PORT}").rstrip("/")
SITE_URL_IS_KNOWN = not {"SITE_URL", "PORT"}.isdisjoint(os.environ)  # else right in the server only
HTTPS = SITE_URL.startswith("https:")
PROXIES = env_proxies("BEHIND_PROXY")
BEHIND_PROXY = bool(PROXIES)
DEBUG = env_flag("DEBUG")
METRICS_TOKEN = os.environ.get("METRICS_TOKEN", "")  # for /metrics; empty: there is no such page
LOG_FORMAT = os.environ.get("LOG_FORMAT", "") or "text"  # or "json"
ACCESS_LOG = env_flag("ACCESS_LOG", default=LOG_FORMAT == "json")  # a line for each request
STRICT = DEBUG  # a cached page that sets a cookie is then an error; otherwise it is just not cached
SECRET_KEY = secret_key()
ALLOWED_HOSTS = allowed_hosts(urlsplit(SITE_URL).hostname or HOST, HOST)
CSRF_TRUSTED_ORIGINS = [SITE_URL]

INSTALLED_APPS = [
    "config.admin_app.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
    "mptt",
    "core",
    "config",
    "accounts",
    "articles",
    "comments",
    "moderation",
    "archive",
]

MIDDLEWARE = [
    "core.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.UrlNameMiddleware",
    "config.middleware.NoStoreMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "articles.site.middleware.SiteMiddleware",  # before those that answer with pages, which have a language
    "config.middleware.MastheadMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.LoginMiddleware",
    "accounts.middleware.GuestMiddleware",
    "accounts.middleware.StaffSecondFactorMiddleware",
    "config.middleware.FormUrlMiddleware",
]

ROOT_URLCONF = "config.urls"

# In Jinja templates these win over a view's own variables of the same name; in Django's the view wins.
CONTEXT_PROCESSORS = [
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
    "config.masthead.masthead",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "core.templating.template_loader.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "context_processors": ["django.template.context_processors.request", *CONTEXT_PROCESSORS],
        },
    },
    {  # public pages (docs/decisions.md)
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "NAME": "jinja2",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {"environment": "config.jinja.environment", "context_processors": CONTEXT_PROCESSORS},
    },
]

# Data
DATABASE_URL = os.environ.get("DATABASE_URL") or postgres.url("web")
DATABASES = {"default": database(DATABASE_URL)}
# Seconds, milliseconds for the last: after them a server that is cut off counts as lost. Without them a
# process would wait a quarter of an hour for it. DATABASE_URL may set others.
DATABASE_TIMEOUTS = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
DATABASES["default"]["OPTIONS"] = DATABASE_TIMEOUTS | DATABASES["default"].get("OPTIONS", {})
DATABASE_REPLICA_URLS = replica_urls()
# The login that the pages use. Migrations revoke rights from it that only the owner of a log may have.
# manage.py sets the variable for commands that connect as the owner.
DATABASE_WEB_USER = os.environ.get("DATABASE_WEB_USER") or DATABASES["default"].get("USER", "")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {  # such as rate limits of sign-ups and mailed links, shared by all machines
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "config_cacheentry",
        "OPTIONS": {"MAX_ENTRIES": 10_000},  # beyond them a third is deleted, and their counts are lost
    },
    "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

# People
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "accounts.authentication.passwords.LengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "after-login"
LOGOUT_REDIRECT_URL = "home"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_ADAPTER = "accounts.authentication.allauth_adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "add_email": "accounts.authentication.allauth_forms.AddEmailForm",
    "change_password": "accounts.authentication.allauth_forms.ChangePasswordForm",
    "login": "accounts.authentication.allauth_forms.LoginForm",
    "signup": "accounts.authentication.allauth_forms.SignUpForm",
    "reset_password": "accounts.authentication.allauth_forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.authentication.allauth_forms.ResetPasswordKeyForm",
}
# For further e-mails. A sign-up becomes an account only when it is confirmed.
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True  # so that the wait after wrong passwords ends
# allauth applies the first five before it reads the form. They would lock out everybody behind one IP
# address, including an owner with a mailed link. allauth_forms.py and login_throttling.py in
# accounts/authentication/ replace them.
ACCOUNT_RATE_LIMITS = {
    **dict.fromkeys(["login", "login_failed", "signup", "reset_password_from_key", "reset_password"]),
    "sign_up": "20/m/ip",
    "ask_reset": "20/m/ip",
    "reset_mail": "5/h/key",
    "newsletter": "20/m/ip",
    "newsletter_day": "100/d/ip",
    "newsletter_mail": "3/d/key",
}
ACCOUNT_SESSION_REMEMBER = True
# Before an e-mail is added, removed or made primary, and before a service is connected or removed (allauth
# uses it for SOCIALACCOUNT_REAUTHENTICATION_REQUIRED, too): each lets somebody log in or reset the password.
ACCOUNT_REAUTHENTICATION_REQUIRED = True
MFA_ADAPTER = "accounts.authentication.second_factor_adapter.SecondFactorAdapter"
MFA_FORMS = {
    "activate_totp": "accounts.authentication.second_factor_forms.ActivateTOTPForm",
    "add_webauthn": "accounts.authentication.second_factor_forms.AddWebAuthnForm",
    "authenticate": "accounts.authentication.second_factor_forms.AuthenticateForm",
    "edit_webauthn": "accounts.authentication.second_factor_forms.EditWebAuthnForm",
    "reauthenticate": "accounts.authentication.second_factor_forms.ReauthenticateForm",
}
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RATE_LIMITS = {"webauthn_login": "60/m/ip"}  # nothing can be guessed there
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
# A sign-up becomes an account only with a confirmed e-mail, so nobody can protect an account that is created
# with another person's e-mail. The first administrator's e-mail, which set-up does not confirm, is allowed.
MFA_ALLOW_UNVERIFIED_EMAIL = True
SOCIALACCOUNT_ADAPTER = "accounts.authentication.oidc.OIDCAdapter"
SOCIALACCOUNT_FORMS = {"signup": "accounts.authentication.oidc.OIDCSignUpForm"}
SOCIALACCOUNT_AUTO_SIGNUP = False  # the name that others will see is not taken from the provider unasked
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"  # the adapter accepts confirmed e-mails only
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": oidc_providers()}}
# The pages that are refused to staff without a second factor if the owner requires one
STAFF_PATHS = ("/admin/", "/moderation/", "/owner/")
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if BEHIND_PROXY else 0  # for the IP address in login throttling

# The moderation policy that comments/ uses: an object with the methods of comments.policy.Policy.
COMMENT_POLICY = "moderation.policy.ModerationPolicy"

# External services that score each comment; off unless set (moderation/spam_filter/external_scorers.py)
AKISMET_API_KEY = os.environ.get("AKISMET_API_KEY", "")
SCORER_URL = os.environ.get("SCORER_URL", "")

# Forms, jobs, mail
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"  # for an EMAIL_URL that a system check refuses
if email_url := os.environ.get("EMAIL_URL"):
    vars().update(dj_email_url.parse(email_url))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = HOME / "mail"
# Our backend counts the mails that MAIL_TRANSPORT sends.
MAIL_TRANSPORT, EMAIL_BACKEND = EMAIL_BACKEND, "config.mail_backend.Backend"
# Seconds. Without it, a mail server that does not answer blocks all jobs.
EMAIL_TIMEOUT = vars().get("EMAIL_TIMEOUT") or 10
_HOSTNAME = urlsplit(SITE_URL).hostname or ""
DEFAULT_FROM_EMAIL = SERVER_EMAIL = os.environ.get(
    # A mail address has IPv6 addresses in another form.
    "FROM_EMAIL",
    f"noreply@{'localhost' if not _HOSTNAME or ':' in _HOSTNAME else _HOSTNAME}",
)
# An e-mail address whose mails the mail server gives to `manage.py receive_mail`, also with +… before the @:
# replies to mails about new comments, and messages that they are undeliverable. Empty: there is none.
INCOMING_EMAIL = os.environ.get("INCOMING_EMAIL", "")

# Language and time
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ar", "العربية")]  # each by its own name
# Those of the newsroom, moderation and the owner's pages. In any other language these are in English.
STAFF_LANGUAGES = {"en"}
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "config.formats"
TIME_ZONE = "UTC"

# Files
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = HOME / "static"
# The URL of a bucket in an S3-compatible store, for a site with several servers. Empty: the data folder.
FILES_URL = os.environ.get("FILES_URL", "")
STORAGES = {
    "default": files_url.storage_of(FILES_URL),
    "quick": files_url.storage_of(FILES_URL, is_quick=True),
    "staticfiles": {"BACKEND": "config.static_files.StaticFilesStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# Security
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
CSRF_FAILURE_VIEW = "core.fallback_pages.form_refused"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = 60 * 60 * 24 * 60
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365 if HTTPS else 0
# Both affect other host names and can't be undone for a year, so the owner has to switch them on.
SECURE_HSTS_PRELOAD = HTTPS and env_flag("HSTS_PRELOAD")
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD or (HTTPS and env_flag("HSTS_SUBDOMAINS"))
SILENCED_SYSTEM_CHECKS = [
    "4_0.E001",  # of CSRF_TRUSTED_ORIGINS, which is SITE_URL: config.E004 says how to write it
    "security.W005",  # demands SECURE_HSTS_INCLUDE_SUBDOMAINS
    "security.W021",  # demands SECURE_HSTS_PRELOAD
    "fields.W161",  # takes a default time of day for "now" when the clock shows just that time
]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": "core.monitoring.logs.TextFormatter"},
        "json": {"()": "core.monitoring.logs.JSONFormatter"},
    },
    "filters": {"url_names": {"()": "core.monitoring.logs.UrlNameFilter"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["url_names"],
            "formatter": "json" if LOG_FORMAT == "json" else "text",
        },
    },
    "root": {"handlers": ["console"], "level": "INFO"},
}
