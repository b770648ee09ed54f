from django.http import HttpRequest

from articles.models import Topic


def masthead(request: HttpRequest) -> dict[str, object]:
    """`masthead_topics`, read only if a template names them."""
    return {"masthead_topics": Topic.objects.shown().with_stories()[:6]}
