from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from articles.models import Site, Topic


def site(request: HttpRequest) -> dict[str, object]:
    """`site` (the one row) and `masthead_topics`; each is read only if a template names it."""
    return {
        # A URL that leads nowhere reaches no middleware's process_view.
        "site": getattr(request, "site", None) or SimpleLazyObject(lambda: Site.objects.get(pk=1)),
        "masthead_topics": Topic.objects.shown().with_stories()[:6],
    }
