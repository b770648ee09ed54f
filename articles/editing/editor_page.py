"""The page on which a story or a standing page is written, with what it keeps and tells while it is open."""

import json
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from accounts.models import User
from articles.editing import services
from articles.editing.concurrent_editing import SharedPages, number_of, user_of
from articles.editing.conflicts import Read, merge_texts
from articles.editing.services import Typed
from articles.models import Presence, Revision, Sheet, Text, Unsaved, Written
from core.fallback_pages import not_sent
from core.relative_time import ago, at_desk, time_of

PAGES = 0x50DC  # the first half of the advisory locks' keys; the second is of the page's nonce


class Offer(NamedTuple):
    """A text that was not saved."""

    nonce: UUID
    title: str
    at: str


class WritingPages(SharedPages):
    """What the admin does with a text beyond a form: it keeps what is typed, and tells who else is there."""

    change_form_template = "admin/articles/writing.html"
    change_list_template = "admin/articles/writing_list.html"

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view
        own = [
            path("unsaved/", _for_scripts(page(self.keep_view)), name=self.name_of("unsaved")),
            path("unsaved/<uuid:nonce>/throw/", page(self.throw_view), name=self.name_of("throw")),
        ]
        urls = super().get_urls()
        for url in urls:
            if url.name in {self.name_of("add"), self.name_of("change")}:
                url.callback = _keeping_what_was_sent(url.callback)
        return [*own, *urls]

    def name_of(self, page: str) -> str:
        """Of its URL."""
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def url_of(self, page: str, *args: Any) -> str:
        return reverse(f"admin:{self.name_of(page)}", args=args)

    def store(self, obj: Any, *, by: User, nonce: UUID) -> None:
        """By the verb."""
        raise NotImplementedError

    # The form

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
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
            # A form makes one article, however often its button is pressed: the second waits for the first.
            cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [PAGES, str(_nonce(request))])
            made = Revision.objects.filter(nonce=_nonce(request), number=1).first()
            if made is None or not isinstance(made.thing, self.model):
                return super().changeform_view(request, None, form_url, extra)
            if not self.get_queryset(request).filter(pk=made.thing.pk).exists():
                return self._get_obj_does_not_exist_redirect(request, self.opts, str(made.thing.pk))
            return self._again(request, made)

    def _again(self, request: HttpRequest, made: Revision) -> HttpResponse:
        """It was made already, by this form. What is sent now meets what was saved then."""
        thing, user, sheets = self._open(request, made.thing.pk), user_of(request), _sheets(request)
        is_same = Unsaved.objects.filter(nonce=sheets[-1].nonce, is_done=True, turn__gte=sheets[-1].turn)
        if _sent_text(request) != Text.of(thing) or (sheets[-1].turn and not is_same.exists()):
            kept = services.keep_unsaved(
                sheets=[*sheets, _new_sheet()],
                editor=user,
                kind=self.model,
                thing=thing,
                typed=_sent(request),
                read=request.POST.get("read", ""),
            )
            self.message_user(
                request, _("It is saved already. What you have changed since is below, unsaved.")
            )
            if kept:
                return redirect(f"{self.url_of('change', thing.pk)}?unsaved={kept.pk}")
        return self.response_change(request, thing)

    def _fill(self, request: HttpRequest, key: int) -> None:
        """Put the text that was chosen in a conflict into the form; it is seen there before it is saved."""
        thing = self._open(request, key)
        asides = thing.revisions.filter(is_aside=True, by=user_of(request), nonce=_nonce(request))
        aside = asides.first()
        if aside is None:
            return
        text: Text | None = Text.of(aside)
        if request.POST["_fill"] == "theirs":
            text = Text.of(thing)
        elif request.POST["_fill"] == "both":
            base = thing.revisions.saved().filter(number=aside.base or 0).first()
            text = merge_texts(Text.of(base), Text.of(aside), Text.of(thing)) if base else None
        data = request.POST.copy()
        for name, value in (text or Text.of(aside))._asdict().items():
            data[name] = value
        request.POST = data  # type: ignore[assignment]
        request.aside = aside  # type: ignore[attr-defined]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        user = user_of(request)
        if not change or form.is_changed():
            self.store(obj, by=user, nonce=_nonce(request))
        services.finish_sheets(sheets=_sheets(request), editor=user)

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        """What was written for one that is gone, or that others edit now, is kept for a new one."""
        if request.method == "POST" and any(_sent_text(request)) and self.has_add_permission(request):
            services.keep_unsaved(
                sheets=[*_sheets(request), _new_sheet()],
                editor=user_of(request),
                kind=self.model,
                thing=None,
                typed=_sent(request),
                read="",
            )
            told = _(
                "That %(what)s is not yours to edit any more. What you wrote is kept: it is offered here."
            )
            self.message_user(request, told % {"what": self.opts.verbose_name}, messages.WARNING)
            return redirect(self.url_of("add"))
        told = _("That %(what)s is gone, or has editors of its own: they can add you to them.")
        self.message_user(request, told % {"what": self.opts.verbose_name}, messages.WARNING)
        return redirect("admin:index")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        now: datetime = request.now  # type: ignore[attr-defined]
        user = user_of(request)
        placeless = set(Unsaved.objects.offered(user, self.model, None).values_list("pk", flat=True))
        offers = []
        for row in Unsaved.objects.of(user).filter(kind=self.opts.model_name):
            key = row.article_id or row.page_id
            place = self.url_of("add") if row.pk in placeless else self.url_of("change", key)
            offers.append((row.title, f"{place}?unsaved={row.nonce}", at_desk(row.at, now)))
        return super().changelist_view(request, {**(extra_context or {}), "offers": offers})

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        form = context["adminform"].form
        now: datetime = request.now  # type: ignore[attr-defined]
        if (conflict := getattr(form, "conflict", None)) and not form.aside:
            services.keep_aside(
                thing=form.instance,
                text=conflict.mine,
                by=user_of(request),
                base=conflict.base,
                nonce=_nonce(request),
            )
        unsaved = self._taken_up(request, obj)
        before = [Sheet(unsaved.nonce, unsaved.turn)] if unsaved else _sheets(request)
        context |= {
            "nonce": " ".join(f"{sheet.nonce}:{sheet.turn}" for sheet in [*before, _new_sheet()]),
            "offers": self._offers(request, obj, before),
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
                services.tell_presence(thing=obj, editor=user_of(request), typed=False)
            context["others"] = _others(obj, user_of(request), now)
        return super().render_change_form(request, context, add, change, form_url, obj)

    # What a page tells while somebody types on it

    def keep_view(self, request: HttpRequest) -> HttpResponse:
        """Keep what an open page holds (`typed`, the fields of its form as JSON; left out: nothing new), and
        answer who else has the same open (`key`)."""
        if request.method != "POST":
            raise Http404
        user = user_of(request)
        key = request.POST.get("key", "")
        if key:
            thing = self._open(request, number_of(key))
        elif self.has_add_permission(request):
            thing = None
        else:
            raise PermissionDenied
        now: datetime = request.now  # type: ignore[attr-defined]
        told: dict[str, Any] = {"kept": False, "at": at_desk(now, now)}
        typed = _typed(request)
        if typed is not None:
            try:
                unsaved = services.keep_unsaved(
                    sheets=_sheets(request) or [_new_sheet()],
                    editor=user,
                    kind=self.model,
                    thing=thing,
                    typed=typed,
                    read=request.POST.get("read", ""),
                )
            except PermissionError as error:
                raise PermissionDenied from error
            told["kept"] = unsaved is not None
        if thing:
            if "gone" in request.POST:
                services.leave(thing=thing, editor=user)
            else:
                services.tell_presence(thing=thing, editor=user, typed=typed is not None)
            told |= {"others": _others(thing, user, now), "newer": _newer(thing, request, now)}
        return JsonResponse(told)

    def throw_view(self, request: HttpRequest, nonce: UUID) -> HttpResponse:
        if request.method != "POST":
            raise Http404
        user = user_of(request)
        thrown = get_object_or_404(Unsaved.objects.of(user).filter(kind=self.opts.model_name), nonce=nonce)
        services.finish_sheets(sheets=[Sheet(nonce, thrown.turn)], editor=user)
        self.message_user(request, _("The unsaved text was thrown away."))
        key = thrown.article_id or thrown.page_id
        return redirect(self.url_of("change", key) if key else self.url_of("add"))

    def _offers(self, request: HttpRequest, thing: Written | None, here: list[Sheet]) -> list[Offer]:
        """What this person typed at it and did not save, the latest first, but for what is `here`."""
        now: datetime = request.now  # type: ignore[attr-defined]
        rows = Unsaved.objects.offered(user_of(request), self.model, thing)
        rows = rows.exclude(nonce__in=[sheet.nonce for sheet in here])
        return [Offer(row.nonce, row.title, at_desk(row.at, now)) for row in rows]

    def _taken_up(self, request: HttpRequest, thing: Written | None) -> Unsaved | None:
        if request.method != "GET" or "unsaved" not in request.GET:
            return None
        try:
            nonce = UUID(request.GET["unsaved"])
        except ValueError:
            return None
        return Unsaved.objects.offered(user_of(request), self.model, thing).filter(nonce=nonce).first()

    def _open(self, request: HttpRequest, key: int) -> Any:
        thing = get_object_or_404(self.get_queryset(request), pk=key)
        if not self.has_change_permission(request, thing):
            raise PermissionDenied
        return thing

    def _context(self, request: HttpRequest, thing: Written, title: str) -> dict[str, Any]:
        site = self.admin_site.each_context(request)
        return {**site, "opts": self.opts, "title": title, "subtitle": thing.title, "original": thing}


def _others(thing: Written, user: User, now: datetime) -> list[str]:
    """Who else has it open."""
    told = []
    for one in Presence.objects.others(thing, user, now):
        if one.typed_at:
            words = _("%(name)s has it open, last typed %(ago)s.")
            told.append(words % {"name": one.editor, "ago": ago(one.typed_at, now)})
        else:
            told.append(_("%(name)s has it open.") % {"name": one.editor})
    return told


def _newer(thing: Written, request: HttpRequest, now: datetime) -> str:
    """What was saved since the page was read, in a sentence."""
    read = Read.of(request.POST.get("read", ""))
    last = thing.revisions.saved().select_related("by").defer("body").first()
    if read is None or last is None or last.number <= read.number:
        return ""
    words = _("%(name)s saved it at %(at)s. When you save, you see both texts; nothing is lost.")
    return words % {"name": last.by or _("Somebody"), "at": at_desk(last.at, now)}


def _sent_text(request: HttpRequest) -> Text:
    return Text(*(request.POST.get(name, "").replace("\r\n", "\n").strip() for name in Text._fields))


def _sent(request: HttpRequest) -> Typed:
    """The fields of the form, as a browser sends them."""
    hidden = {"csrfmiddlewaretoken", "nonce", "read"}
    return _storable(
        {name: values for name, values in request.POST.lists() if name not in hidden and name[:1] != "_"}
    )


def _typed(request: HttpRequest) -> Typed | None:
    """As _sent, of what a script sends; None where that is nothing. Raises BadRequest."""
    if "typed" not in request.POST:
        return None
    try:
        return _storable(json.loads(request.POST["typed"]))
    except (ValueError, TypeError, AttributeError) as error:
        raise BadRequest from error


def _storable(typed: Typed) -> Typed:
    """Without what no text of the database can hold: zeros, and halves of signs."""

    def text(value: str) -> str:
        return value.replace("\x00", "").encode(errors="replace").decode()

    return {text(name): [text(value) for value in values] for name, values in typed.items()}


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
