"""The page on which an article is written: what stands there beside its form, and what it tells meanwhile."""

import json
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from articles import publication, writing
from articles.conflicts import Read, TextForm, merge_texts
from articles.models import PREVIEW_FOR, Article, Presence, Revision, Sheet, Text, Unsaved
from articles.models.writing import CORRECTION_MAX, NOTE_MAX
from articles.moments import ago, at_desk, time_of
from articles.services import save_article
from articles.shared_pages import SharedPages, number_of, user_of
from articles.writing import Typed
from config.away import not_sent
from config.forms import leave_whole

PAGES = 0x50DC  # the first half of the advisory locks' keys; the second is of the page's nonce
WORDS = {"new_note", "new_correction"}  # of the form, and of no column of the article


class WordsForm(TextForm):
    """With what is said beside the article: saved, and given back, together with it."""

    new_note = forms.CharField(
        label=gettext_lazy("A note to your colleagues"),
        max_length=NOTE_MAX,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    new_correction = forms.CharField(
        label=gettext_lazy("A correction that readers see"),
        max_length=CORRECTION_MAX,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("It stands with the story, dated now."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if stage := self.fields.get("stage"):
            stage.required = False  # left out, it stays
        leave_whole(self)

    def clean_stage(self) -> str:
        stage: str = self.cleaned_data["stage"] or self.instance.stage
        if stage == Article.Stage.PRIVATE and self.instance.published_at:
            raise forms.ValidationError(
                _("It is scheduled, and would appear. Take it off the schedule first.")
            )
        return stage


class Offer(NamedTuple):
    """A text that was not saved."""

    nonce: UUID
    title: str
    at: str


class WritingPages(SharedPages):
    """What the admin does with an article beyond a form: it keeps, compares, tells and publishes."""

    change_form_template = "admin/articles/article/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view
        name = "articles_article_{}".format
        own = [
            path("unsaved/", _for_scripts(page(self.keep_view)), name=name("unsaved")),
            path("unsaved/<uuid:nonce>/throw/", page(self.throw_view), name=name("throw")),
        ]
        urls = super().get_urls()
        for url in urls:
            if url.name in {name("add"), name("change")}:
                url.callback = _keeping_what_was_sent(url.callback)
        return [*own, *urls]

    # The form

    def get_form(
        self, request: HttpRequest, obj: Article | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.editor = request.user  # a class of this request alone
        form.aside = getattr(request, "aside", None)
        return form

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra: Any = None
    ) -> HttpResponse:
        if request.method == "POST" and "_fill" in request.POST and (key := number_of(object_id)):
            self._fill(request, key)
        if request.method != "POST" or object_id:
            return super().changeform_view(request, object_id, form_url, extra)
        with transaction.atomic(), connection.cursor() as cursor:
            # A page makes one article, however often its button is pressed: the second waits for the first.
            cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [PAGES, str(_nonce(request))])
            made = Revision.objects.filter(nonce=_nonce(request), number=1).select_related("article").first()
            return (
                self._again(request, made)
                if made
                else super().changeform_view(request, None, form_url, extra)
            )

    def _again(self, request: HttpRequest, made: Revision) -> HttpResponse:
        """The article was made already, by this page. What is sent now meets what was saved then."""
        article, user, sheets = self._open(request, made.article_id), user_of(request), _sheets(request)
        is_same = Unsaved.objects.filter(nonce=sheets[-1].nonce, is_done=True, turn__gte=sheets[-1].turn)
        if _sent_text(request) != Text.of(article) or (sheets[-1].turn and not is_same.exists()):
            kept = writing.keep_unsaved(
                sheets=[*sheets, _new_sheet()],
                editor=user,
                article=article,
                typed=_sent(request),
                read=request.POST.get("read", ""),
            )
            self.message_user(
                request, _("It is saved already. What you have changed since is below, unsaved.")
            )
            if kept:
                url = reverse("admin:articles_article_change", args=[article.pk])
                return redirect(f"{url}?unsaved={kept.pk}")
        return self._then(request, article) or redirect("admin:articles_article_changelist")

    def _fill(self, request: HttpRequest, key: int) -> None:
        """Put the text that was chosen in a conflict into the form; it is seen there before it is saved."""
        article = self._open(request, key)
        asides = article.revisions.filter(is_aside=True, by=user_of(request), nonce=_nonce(request))
        aside = asides.first()
        if aside is None:
            return
        text: Text | None = Text.of(aside)
        if request.POST["_fill"] == "theirs":
            text = Text.of(article)
        elif request.POST["_fill"] == "both":
            base = article.revisions.saved().filter(number=aside.base or 0).first()
            text = merge_texts(Text.of(base), Text.of(aside), Text.of(article)) if base else None
        data = request.POST.copy()
        for name, value in (text or Text.of(aside))._asdict().items():
            data[name] = value
        request.POST = data  # type: ignore[assignment]
        request.aside = aside  # type: ignore[attr-defined]

    def save_model(self, request: HttpRequest, obj: Article, form: Any, change: bool) -> None:
        user, nonce = user_of(request), _nonce(request)
        if not change or set(form.changed_data) - WORDS:
            save_article(article=obj, by=user, nonce=nonce)
        if note := form.cleaned_data.get("new_note"):
            writing.add_note(article=obj, by=user, body=note)
        if correction := form.cleaned_data.get("new_correction"):
            writing.correct(article=obj, by=user, text=correction)
        writing.finish_sheets(sheets=_sheets(request), editor=user)

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        """What was written for an article that is gone, or that others edit now, is kept for a new one."""
        if request.method == "POST" and any(_sent_text(request)) and self.has_add_permission(request):
            user, sheets = user_of(request), [*_sheets(request), _new_sheet()]
            writing.keep_unsaved(sheets=sheets, editor=user, article=None, typed=_sent(request), read="")
            told = _(
                "That article is not yours to edit any more. What you wrote is kept: it is offered here."
            )
            self.message_user(request, told, messages.WARNING)
            return redirect("admin:articles_article_add")
        response: HttpResponse = super()._get_obj_does_not_exist_redirect(  # type: ignore[misc]
            request, opts, object_id
        )
        return response

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        now: datetime = request.now  # type: ignore[attr-defined]
        user = user_of(request)
        placeless = set(Unsaved.objects.offered(user, None).values_list("pk", flat=True))
        offers = [
            (row.title, None if row.pk in placeless else row.article, row.nonce, at_desk(row.at, now))
            for row in Unsaved.objects.of(user).select_related("article")
        ]
        return super().changelist_view(request, {**(extra_context or {}), "offers": offers})

    def response_add(self, request: HttpRequest, obj: Article, post_url_continue: Any = None) -> HttpResponse:
        return self._then(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Article) -> HttpResponse:
        return self._then(request, obj) or super().response_change(request, obj)

    def _then(self, request: HttpRequest, obj: Article) -> HttpResponse | None:
        """Saved, and on to what was pressed besides."""
        act = request.POST.get("_then")
        return (
            redirect("admin:articles_article_publication", obj.pk, act) if act in publication.DOINGS else None
        )

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Article | None = None,
    ) -> HttpResponse:
        form = context["adminform"].form
        now: datetime = request.now  # type: ignore[attr-defined]
        if (conflict := getattr(form, "conflict", None)) and not form.aside:
            writing.keep_aside(
                article=form.instance,
                text=conflict.mine,
                by=user_of(request),
                base=conflict.base,
                nonce=_nonce(request),
            )
        unsaved = _taken_up(request, obj)
        before = [Sheet(unsaved.nonce, unsaved.turn)] if unsaved else _sheets(request)
        context |= {
            "nonce": " ".join(f"{sheet.nonce}:{sheet.turn}" for sheet in [*before, _new_sheet()]),
            "offers": _offers(user_of(request), obj, before, now),
            "conflict": conflict,
            "conflict_at": conflict and at_desk(conflict.last.at, now),
            "is_filled": bool(getattr(form, "aside", None)),
            "read": unsaved and unsaved.read,
            "typed": unsaved and unsaved.typed,
            "taken_up": unsaved and at_desk(unsaved.at, now),
            "zone_time": time_of(),
        }
        if obj:
            if request.method == "GET":
                writing.tell_presence(article=obj, editor=user_of(request), typed=False)
            context |= {
                "others": _others(obj, user_of(request), now),
                "state": publication.state(obj, now),
                "embargo_said": publication.embargo(obj, now),
                "acts": [(act, publication.DOINGS[act].label) for act in publication.acts(obj, now)],
                "preview_url": None if obj.is_published() else settings.SITE_URL + obj.preview_url(),
                "preview_until": at_desk(now + PREVIEW_FOR, now),
                "is_private": obj.stage == Article.Stage.PRIVATE,
                "notes_": obj.notes.select_related("by"),
                "corrections": obj.corrections.select_related("by"),
            }
        else:
            context["acts"] = [(act, publication.DOINGS[act].label) for act in ("publish", "schedule")]
        return super().render_change_form(request, context, add, change, form_url, obj)

    # What a page tells while somebody types on it

    def keep_view(self, request: HttpRequest) -> HttpResponse:
        """Keep what an open page holds (`typed`, the fields of its form as JSON; left out: nothing new), and
        answer who else has the article open."""
        if request.method != "POST":
            raise Http404
        user = user_of(request)
        key = request.POST.get("article", "")
        if key:
            article = self._open(request, number_of(key))
        elif self.has_add_permission(request):
            article = None
        else:
            raise PermissionDenied
        now: datetime = request.now  # type: ignore[attr-defined]
        told: dict[str, Any] = {"kept": False, "at": at_desk(now, now)}
        typed = _typed(request)
        if typed is not None:
            try:
                unsaved = writing.keep_unsaved(
                    sheets=_sheets(request) or [_new_sheet()],
                    editor=user,
                    article=article,
                    typed=typed,
                    read=request.POST.get("read", ""),
                )
            except PermissionError as error:
                raise PermissionDenied from error
            told["kept"] = unsaved is not None
        if article:
            if "gone" in request.POST:
                writing.leave(article=article, editor=user)
            else:
                writing.tell_presence(article=article, editor=user, typed=typed is not None)
            told |= {"others": _others(article, user, now), "newer": _newer(article, request, now)}
        return JsonResponse(told)

    def throw_view(self, request: HttpRequest, nonce: UUID) -> HttpResponse:
        if request.method != "POST":
            raise Http404
        user = user_of(request)
        thrown = get_object_or_404(Unsaved.objects.of(user), nonce=nonce)
        writing.finish_sheets(sheets=[Sheet(nonce, thrown.turn)], editor=user)
        self.message_user(request, _("The unsaved text was thrown away."))
        if thrown.article_id:
            return redirect("admin:articles_article_change", thrown.article_id)
        return redirect("admin:articles_article_add")

    def _open(self, request: HttpRequest, key: int) -> Article:
        article: Article = get_object_or_404(self.get_queryset(request), pk=key)
        if not self.has_change_permission(request, article):
            raise PermissionDenied
        return article

    def _context(self, request: HttpRequest, article: Article, title: str) -> dict[str, Any]:
        site = self.admin_site.each_context(request)
        return {**site, "opts": self.opts, "title": title, "subtitle": article.title, "article": article}


def _others(article: Article, user: User, now: datetime) -> list[str]:
    """Who else has it open."""
    told = []
    for one in Presence.objects.others(article, user, now):
        if one.typed_at:
            words = _("%(name)s has it open, last typed %(ago)s.")
            told.append(words % {"name": one.editor, "ago": ago(one.typed_at, now)})
        else:
            told.append(_("%(name)s has it open.") % {"name": one.editor})
    return told


def _newer(article: Article, request: HttpRequest, now: datetime) -> str:
    """What was saved since the page was read, in a sentence."""
    read = Read.of(request.POST.get("read", ""))
    last = article.revisions.saved().select_related("by").defer("body").first()
    if read is None or last is None or last.number <= read.number:
        return ""
    words = _("%(name)s saved it at %(at)s. When you save, you see both texts; nothing is lost.")
    return words % {"name": last.by or _("Somebody"), "at": at_desk(last.at, now)}


def _offers(user: User, article: Article | None, here: list[Sheet], now: datetime) -> list[Offer]:
    """What this person typed at this article and did not save, the latest first, but for what is `here`."""
    rows = Unsaved.objects.offered(user, article).exclude(nonce__in=[sheet.nonce for sheet in here])
    return [Offer(row.nonce, row.title, at_desk(row.at, now)) for row in rows]


def _taken_up(request: HttpRequest, article: Article | None) -> Unsaved | None:
    if request.method != "GET" or "unsaved" not in request.GET:
        return None
    try:
        nonce = UUID(request.GET["unsaved"])
    except ValueError:
        return None
    return Unsaved.objects.offered(user_of(request), article).filter(nonce=nonce).first()


def _sent_text(request: HttpRequest) -> Text:
    return Text(*(request.POST.get(name, "").replace("\r\n", "\n").strip() for name in Text._fields))


def _sent(request: HttpRequest) -> Typed:
    """The fields of the form, as a browser sends them."""
    hidden = {"csrfmiddlewaretoken", "nonce", "read"}
    return {name: values for name, values in request.POST.lists() if name[0] != "_" and name not in hidden}


def _typed(request: HttpRequest) -> Typed | None:
    """As _sent, of what a script sends; None where that is nothing. Raises BadRequest."""
    if "typed" not in request.POST:
        return None
    try:
        typed = json.loads(request.POST["typed"])
        return {name: [_storable(value) for value in values] for name, values in typed.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise BadRequest from error


def _storable(value: str) -> str:
    """Without what no text of the database can hold: zeros, and halves of signs."""
    return value.replace("\x00", "").encode(errors="replace").decode()


def _sheets(request: HttpRequest) -> list[Sheet]:
    """Those on which what was sent was written, one after the other; the last sent it."""
    found = []
    for word in request.POST.get("nonce", "").split():
        nonce, _colon, turn = word.partition(":")
        try:
            found.append(Sheet(UUID(nonce), number_of(turn)))
        except ValueError:
            return []
    return found


def _new_sheet() -> Sheet:
    return Sheet(uuid4(), 0)


def _nonce(request: HttpRequest) -> UUID:
    """The same through all that comes of one page, until it is saved."""
    return (_sheets(request) or [_new_sheet()])[0].nonce


def _for_scripts(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A script is told that nobody is logged in, and not sent to a page."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return JsonResponse({}, status=403)
        return view(request, *args, **kwargs)

    return answer


def _keeping_what_was_sent(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Who is logged out meanwhile gets the text back instead of an empty form to log in."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST" and not request.user.is_authenticated:
            return not_sent(request, is_logged_out=True)
        return view(request, *args, **kwargs)

    return answer
