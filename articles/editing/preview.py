"""Live preview of the editor, and conversion of pasted HTML to Markdown. Nothing is stored."""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, JsonResponse
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.html import escape, format_html
from django.utils.text import normalize_newlines, slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.requests import require_editor
from articles.markup.markdown import count_words, reading_minutes, render_document
from articles.markup.paste_html import html_to_markdown
from articles.models import MAX_AUTHORS, MAX_BODY_LENGTH, Article, BylineAuthor, Image, StandingPage, Topic
from articles.site.requests import site_request
from core.forms import explain_length
from core.query_forms import parse_ids

PREVIEW_FIELDS = ("title", "standfirst", "byline", "body")


@require_POST
def preview_article(request: HttpRequest) -> JsonResponse:
    """Return an article as readers would see it, as JSON.

    The keys are `html`, `count` (such as "412 words, 2 minutes to read"), and `lang` and `dir`, those of the
    readers' page.
    """
    require_editor(request)
    fields = {name: request.POST.get(name, "") for name in PREVIEW_FIELDS}
    if refusal := _refuse_too_long(fields["body"]):
        return refusal
    article = Article(**fields, body_html=render_document(fields["body"]))
    authors = _chosen_authors(request)
    vars(article)["author_names"] = [author.name for author in authors]
    zone = str(timezone.get_current_timezone())
    topics = Topic.objects.shown().filter(pk__in=_chosen_ids(request, "topics"))
    article.lead_image = Image.objects.filter(pk__in=_chosen_ids(request, "lead_image")).first()
    context = {"article": article, "topics": topics, "authors": authors, "zone": zone}
    preview = _render("articles/_story.jinja", context, request)
    return JsonResponse({**preview, "count": _count_text(article.standfirst, article.body_html)})


@require_POST
def preview_page(request: HttpRequest) -> JsonResponse:
    """Return the same as preview_article for a page."""
    require_editor(request)
    fields = {name: request.POST.get(name, "") for name in ("title", "body")}
    if refusal := _refuse_too_long(fields["body"]):
        return refusal
    page = StandingPage(**fields, body_html=render_document(fields["body"]))
    preview = _render("articles/_page.jinja", {"page": page}, request)
    return JsonResponse({**preview, "count": _count_text("", page.body_html)})


def _render(template: str, context: dict[str, Any], request: HttpRequest) -> dict[str, str]:
    language = site_request(request).site.language
    with translation.override(language):
        html = render_to_string(template, context, request)
        return {"html": html, "lang": language, "dir": "rtl" if translation.get_language_bidi() else "ltr"}


@require_POST
def convert_pasted_html(request: HttpRequest) -> JsonResponse:
    """Convert the `html` of a clipboard and return {"markdown", "note": which images are missing, or ""}.

    If it cannot be converted, the answer is 422 with {"note"}.
    """
    require_editor(request)
    try:
        pasted = html_to_markdown(request.POST.get("html", ""))
    except ValidationError as error:
        return JsonResponse({"note": error.messages[0]}, status=422)
    missing = ngettext(
        "An image could not be pasted. Save it on this device (in Google Docs: File › Download › Web page; "
        "in Word: Save as Picture), then drop it here or press Image.",
        "%(n)s images could not be pasted. Save them on this device (in Google Docs: File › Download › Web "
        "page; in Word: Save as Picture), then drop them here or press Image.",
        pasted.images,
    ) % {"n": pasted.images}
    return JsonResponse({"markdown": pasted.markdown, "note": missing if pasted.images else ""})


def _count_text(standfirst: str, body_html: str) -> str:
    """Return the number of words and the reading time as text."""
    words, minutes = count_words(f"{escape(standfirst)} {body_html}"), reading_minutes(body_html)
    word_text = ngettext("%(n)s word", "%(n)s words", words) % {"n": f"{words:,}"}
    if not words:
        return word_text
    minute_text = ngettext("%(n)s minute to read", "%(n)s minutes to read", minutes) % {"n": minutes}
    return _("%(words)s, %(minutes)s") % {"words": word_text, "minutes": minute_text}


def _chosen_authors(request: HttpRequest) -> list[BylineAuthor]:
    """Return the authors chosen in the form. A new author gets a slug of their own when it is saved."""
    chosen = [request.POST.get(f"signed_{position}", "") for position in range(MAX_AUTHORS)]
    keys = parse_ids(chosen)
    possible = User.objects.staff() | User.objects.filter(author__isnull=False)
    people = possible.select_related("author").in_bulk(keys)
    users = [people[key] for key in dict.fromkeys(keys) if key in people]
    return [
        BylineAuthor(user.name, user.author.slug if hasattr(user, "author") else slugify(user.name) or "-")
        for user in users
    ]


def _chosen_ids(request: HttpRequest, name: str) -> list[int]:
    """Return the ids in this field, without values that are no ids."""
    return parse_ids(request.POST.getlist(name)[:50])


def _refuse_too_long(body: str) -> JsonResponse | None:
    """Answer with an error instead of the preview if the text is too long to be saved."""
    error = explain_length(normalize_newlines(body), MAX_BODY_LENGTH)
    return JsonResponse({"html": format_html("<p>{}</p>", error), "count": error}) if error else None
