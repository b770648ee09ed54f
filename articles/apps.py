"""The app of stories: their pages, their editing and publication, images and newsletters."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ArticlesConfig(AppConfig):
    name = "articles"
    verbose_name = _("Content")

    def ready(self) -> None:
        """Let newsletters go to the new e-mail of an account that changes it."""
        from allauth.account.signals import email_changed

        from articles.newsletter.subscriptions import on_email_changed

        email_changed.connect(on_email_changed)
