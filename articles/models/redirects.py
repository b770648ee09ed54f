from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

OLD_MAX = 500  # characters: an index takes no more than 2,700 bytes
REST_MAX = 200


class Redirect(models.Model):
    """Where what stood at `old` is found now. articles/redirects.py writes these and says how they are read.

    Of a story, a topic, a page or an author it names the row, so it leads to where that is by now and chains
    cannot come about. Anything else is a path, kept flat when it is written.
    """

    old = models.CharField(
        _("old address"),
        max_length=OLD_MAX,
        unique=True,
        help_text=_("Path and query, such as /2013/06/19/slug/ or /?p=12."),
    )
    article = models.ForeignKey(
        "articles.Article", on_delete=models.CASCADE, null=True, editable=False, related_name="redirects"
    )
    topic = models.ForeignKey("articles.Topic", on_delete=models.CASCADE, null=True, editable=False)
    page = models.ForeignKey("articles.StandingPage", on_delete=models.CASCADE, null=True, editable=False)
    author = models.ForeignKey("articles.Author", on_delete=models.CASCADE, null=True, editable=False)
    path = models.CharField(max_length=OLD_MAX, blank=True, editable=False)
    rest = models.CharField(
        max_length=REST_MAX, blank=True, editable=False
    )  # behind the URL of what is named
    created_at = models.DateTimeField(_("since"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("old address")
        verbose_name_plural = _("old addresses")
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
    def destination(self) -> str:
        """The path to which it leads by now; whether readers may see what is there is not asked."""
        thing = self.article or self.topic or self.page or self.author
        return thing.get_absolute_url() + self.rest if thing else self.path
