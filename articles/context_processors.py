from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from articles.models import Site, Topic


def site(request: HttpRequest) -> dict[str, object]:
    """`site` (the one row) and `masthead_topics`; each is read only if a template names it."""
    return {
        "site": SimpleLazyObject(lambda: Site.objects.get(pk=1)),
        "masthead_topics": Topic.objects.shown()[:6],
    }
