"""Redirects of old URLs."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

MAX_OLD_PATH_LENGTH = 500  # characters, as an index entry has at most 2,700 bytes
MAX_PATH_SUFFIX_LENGTH = 200  # characters


class Redirect(models.Model):
    """A redirect from the path `old`. articles/redirects.py writes and reads them.

    The target is an article, a topic, a page or an author, whose URL is read when somebody follows the
    redirect, so there are no chains. Any other target is a path; chains are resolved when it is written.
    """

    old = models.CharField(
        _("old URL"),
        max_length=MAX_OLD_PATH_LENGTH,
        unique=True,
        help_text=_("Path and query, such as /2013/06/19/slug/ or /?p=12."),
    )
    article = models.ForeignKey(
        "articles.Article", on_delete=models.CASCADE, null=True, editable=False, related_name="redirects"
    )
    topic = models.ForeignKey("articles.Topic", on_delete=models.CASCADE, null=True, editable=False)
    page = models.ForeignKey("articles.StandingPage", on_delete=models.CASCADE, null=True, editable=False)
    author = models.ForeignKey("articles.Author", on_delete=models.CASCADE, null=True, editable=False)
    path = models.CharField(max_length=MAX_OLD_PATH_LENGTH, blank=True, editable=False)
    # Appended to the URL of the target.
    path_suffix = models.CharField(
        max_length=MAX_PATH_SUFFIX_LENGTH, blank=True, editable=False, db_column="rest"
    )
    created_at = models.DateTimeField(_("since"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("redirect")
        verbose_name_plural = _("redirects")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["path"], condition=~Q(path=""), name="redirect_path")]
        constraints = [
            models.CheckConstraint(
                name="redirect_leads_to_one",
                condition=(
                    Q(path="", article__isnull=False, topic=None, page=None, author=None)
                    | Q(path="", article=None, topic__isnull=False, page=None, author=None)
                    | Q(path="", article=None, topic=None, page__isnull=False, author=None)
                    | Q(path="", article=None, topic=None, page=None, author__isnull=False)
                    | (~Q(path="") & Q(article=None, topic=None, page=None, author=None))
                ),
            )
        ]

    def __str__(self) -> str:
        return self.old

    @property
    def target_url(self) -> str:
        """Return the URL of the target, even if readers may not see it."""
        target = self.article or self.topic or self.page or self.author
        return target.get_absolute_url() + self.path_suffix if target else self.path
