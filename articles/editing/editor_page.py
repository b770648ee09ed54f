"""The editor page of stories and pages: the form, autosave, and who else has it open."""

from collections.abc import Callable
from datetime import datetime
from functools import partial, wraps
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.requests import request_user
from articles.editing import autosaves, presence, revision_pages
from articles.editing.concurrent_editing import ConcurrentEditingAdmin
from articles.editing.conflicts import FormSnapshot, merge_texts
from articles.editing.drawer import DrawerRow, drawer_inlines, drawer_row
from articles.editing.posted_forms import (
    autosaved_fields,
    form_nonce,
    new_form,
    posted_fields,
    posted_forms,
)
from articles.models import Autosave, Document, DocumentText, OpenForm, Presence, Revision
from articles.site.branding import accent_url
from articles.site.cached_pages import increment_site_version, invalidate_outage_copies
from articles.site.requests import site_request
from core.database.sql import execute
from core.dates.formats import zone_label
from core.dates.relative_time import ago, time_or_date
from core.query_forms import QueryForm, parse_number_or_zero

FORM_LOCKS = 0x50DC  # first half of the advisory locks' keys; the second half is a hash of the form's nonce

# Rows of the text area without scripts, and its placeholder.
EDITOR_WIDGETS: dict[str, tuple[int, Any]] = {
    "title": (2, gettext_lazy("Title")),
    "standfirst": (2, gettext_lazy("Standfirst: what it is about, in a sentence or two")),
    "body": (24, gettext_lazy("Write, or paste from a word processor")),
}


class AutosaveOffer(NamedTuple):
    """Unsaved changes that the person can continue."""

    nonce: UUID
    title: str
    at: str


class EditorQuery(QueryForm):
    """The query string of the editor page: the autosave to continue, the nonce of a new document's form."""

    unsaved = forms.UUIDField(required=False)
    form = forms.UUIDField(required=False)


class DocumentAdmin(ConcurrentEditingAdmin):
    """A ModelAdmin of documents with autosave and the presence of other editors."""

    change_form_template = "admin/articles/editor.html"
    change_list_template = "admin/articles/document_list.html"
    new_title: Any  # title of the editor page of a new document, and text of the links to it
    edit_title: Any  # title of the editor page of a stored document

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        autosave = _refuse_logged_out_script(view(self.autosave_view))
        autosave_urls = [
            path("unsaved/", autosave, name=self.url_name("autosave")),
            path("unsaved/<uuid:nonce>/throw/", view(self.discard_view)),  # of a page of the previous version
            path(
                "unsaved/<uuid:nonce>/discard/",
                view(self.discard_view),
                name=self.url_name("discard_autosave"),
            ),
        ]
        return [*autosave_urls, *revision_pages.urls(self), *super().get_urls()]

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return revision_pages.history_view(self, request, parse_number_or_zero(object_id))

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {} if obj else {"slug": ["title"]}

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        invalidate_outage_copies()
        increment_site_version()

    def url_name(self, page: str) -> str:
        """Return the name of the URL of a page ("change"), without the admin's namespace."""
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def url_of(self, page: str, *args: Any) -> str:
        """Return the URL of a page ("change")."""
        return reverse(f"admin:{self.url_name(page)}", args=args)

    def save_document(self, obj: Any, *, by: User, nonce: UUID) -> None:
        """Save the document with the function for its kind."""
        raise NotImplementedError

    # The form

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        for name, (rows, placeholder) in EDITOR_WIDGETS.items():
            if field := form.base_fields.get(name):
                attrs = {"rows": rows, "placeholder": placeholder, "dir": "auto"}
                attrs |= {"autofocus": True} if name == "title" and not obj else {}
                field.widget = forms.Textarea(attrs=attrs)
        if title := form.base_fields.get("title"):
            title.error_messages["required"] = _("Write a title.")
        form.editor = request.user  # the class is made for this request alone
        form.chosen_copy = getattr(request, "chosen_copy", None)
        return form

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        is_choice = request.method == "POST" and "_fill" in request.POST
        if is_choice and object_id and (answer := self._fill_with_choice(request, object_id)):
            return answer
        if object_id:
            return super().changeform_view(request, object_id, form_url, extra_context)
        if request.method != "POST":
            return self._redirect_new(request) or super().changeform_view(
                request, None, form_url, extra_context
            )
        with transaction.atomic():
            # One form creates one article, even if its button is pressed twice: the second request waits.
            execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [FORM_LOCKS, str(form_nonce(request))])
            created = self._get_created(form_nonce(request))
            if created is None:
                return super().changeform_view(request, None, form_url, extra_context)
            if not self.get_queryset(request).filter(pk=created.pk).exists():
                return self._get_obj_does_not_exist_redirect(request, self.opts, str(created.pk))
            return self._continue_after_creation(request, created.pk)

    def _redirect_new(self, request: HttpRequest) -> HttpResponse | None:
        """Redirect the URL of a new document to one with a nonce, or to the document created with that nonce.

        The nonce is in the URL because the browser's Back asks for that URL again: a nonce in the page alone
        would be a new one then, and the text, which browsers fill in again, would create a second document.
        """
        if not self.has_add_permission(request):
            raise PermissionDenied
        nonce = EditorQuery.read(request.GET)["form"]
        created = self._get_created(nonce) if nonce else None
        if created and self.get_queryset(request).filter(pk=created.pk).exists():
            return redirect(self.url_of("change", created.pk))
        if nonce and not created:
            return None
        query = request.GET.copy()
        query["form"] = str(uuid4())
        return redirect(f"{self.url_of('add')}?{query.urlencode()}")

    def _get_created(self, nonce: UUID) -> Document | None:
        """Return the document that the form with this nonce has created."""
        first = Revision.objects.filter(nonce=nonce, number=1).first()
        return first.document if first and isinstance(first.document, self.model) else None

    def _continue_after_creation(self, request: HttpRequest, key: int) -> HttpResponse:
        """Answer a form that has created its document already: later changes in it become an autosave."""
        document, last = self.get_editable(request, key), posted_forms(request)[-1]
        same_autosave = Autosave.objects.filter(
            nonce=last.nonce, is_done=True, change_number__gte=last.change_number
        )
        if DocumentText.from_fields(request.POST) != DocumentText.of(document) or (
            last.change_number and not same_autosave.exists()
        ):
            message = _(
                "It was saved before. Your later changes are in the form below and are not saved yet."
            )
            return self._show_unsaved(request, document, message)
        return self.response_change(request, document)

    def _show_unsaved(self, request: HttpRequest, document: Document, message: str) -> HttpResponse:
        """Store the sent form as unsaved changes, and redirect to the document with them in its form."""
        stored = autosaves.autosave(
            forms=[*posted_forms(request), new_form()],
            editor=request_user(request),
            kind=self.model,
            document=document,
            fields=posted_fields(request),
            snapshot=request.POST.get("read", ""),
        )
        assert stored, "A form with a nonce of its own and fields is always stored."
        self.message_user(request, message)
        return redirect(f"{self.url_of('change', document.pk)}?unsaved={stored.pk}")

    def _fill_with_choice(self, request: HttpRequest, object_id: str) -> HttpResponse | None:
        """Put the text that was chosen in a conflict into the form, where it is read before it is saved.

        Without the copy of the person's text nothing is chosen: the form is shown again with what was sent.
        """
        document = self.get_editable(request, parse_number_or_zero(object_id))
        copy = document.revisions.filter(
            is_conflicting_copy=True, by=request_user(request), nonce=form_nonce(request)
        ).first()
        if copy is None:
            message = _(
                "That conflict is no longer stored. Your text is in the form below and is not saved yet."
            )
            return self._show_unsaved(request, document, message)
        mine, theirs = DocumentText.of(copy), DocumentText.of(document)
        text: DocumentText | None = mine
        if request.POST["_fill"] == "theirs":
            text = theirs
        elif request.POST["_fill"] == "both":
            base = document.revisions.saved().filter(number=copy.base_number or 0).first()
            text = merge_texts(DocumentText.of(base), mine, theirs) if base else None
        data: Any = request.POST.copy()
        for name, value in (text or mine)._asdict().items():
            data[name] = value
        request.POST = data
        site_request(request).chosen_copy = copy  # for get_form
        return None

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        user = request_user(request)
        if not change or form.has_changed():
            self.save_document(obj, by=user, nonce=form_nonce(request))
        autosaves.discard_autosaves(forms=posted_forms(request), editor=user)

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        """Store a text as unsaved changes of a new document if its own was deleted or has other editors."""
        if (
            request.method == "POST"
            and any(DocumentText.from_fields(request.POST))
            and self.has_add_permission(request)
        ):
            autosaves.autosave(
                forms=[*posted_forms(request), new_form()],
                editor=request_user(request),
                kind=self.model,
                document=None,
                fields=posted_fields(request),
                snapshot="",
            )
            message = _(
                "You can no longer edit that %(what)s. "
                "Your text was kept; it is listed here as unsaved changes."
            )
            self.message_user(request, message % {"what": self.opts.verbose_name}, messages.WARNING)
            return redirect(self.url_of("add"))
        message = _("That %(what)s was deleted, or only its editors can edit it. They can add you.")
        self.message_user(request, message % {"what": self.opts.verbose_name}, messages.WARNING)
        return redirect("admin:index")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        now = site_request(request).now
        unsaved = autosaves.list_unsaved_changes(request_user(request), self.model)
        list_context = {
            "offers": [(title, url, time_or_date(at, now)) for title, url, at in unsaved],
            "new_title": self.new_title,
            "title": capfirst(self.opts.verbose_name_plural),
        }
        return super().changelist_view(request, {**(extra_context or {}), **list_context})

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        form, now = context["adminform"].form, site_request(request).now
        if (conflict := getattr(form, "conflict", None)) and not form.chosen_copy:
            autosaves.keep_conflicting_copy(
                document=form.instance,
                text=conflict.mine,
                by=request_user(request),
                base_number=conflict.base_number,
                nonce=form_nonce(request),
            )
        continued = self._get_continued_autosave(request, obj)
        earlier_forms = posted_forms(request)
        if not obj and (nonce := EditorQuery.read(request.GET)["form"]) and not earlier_forms:
            earlier_forms = [OpenForm(nonce, 0)]
        if continued:
            earlier_forms = [*earlier_forms, OpenForm(continued.nonce, continued.change_number)]
        text, *fieldsets = context["adminform"]
        context |= {
            "title": self.edit_title if obj else self.new_title,
            "text_fields": [field for line in text for field in line],
            # Called by the template: unsaved values are put into the form after this.
            "drawer_rows": partial(self.drawer_rows, fieldsets, obj),
            "drawer_inlines": partial(drawer_inlines, context["inline_admin_formsets"]),
            "saved_at": time_or_date(obj.updated_at, now) if obj else None,
            "nonce": " ".join(
                f"{open_form.nonce}:{open_form.change_number}" for open_form in [*earlier_forms, new_form()]
            ),
            "offers": self._offers(request, obj, earlier_forms),
            "conflict": conflict,
            "conflict_at": conflict and time_or_date(conflict.latest.at, now),
            "is_filled": bool(getattr(form, "chosen_copy", None)),
            "snapshot": continued and continued.snapshot,
            "unsaved_fields": continued and continued.fields,
            "unsaved_at": continued and time_or_date(continued.at, now),
            "zone_label": zone_label(),
            "accent_css": accent_url(site_request(request).site),
        }
        if obj:
            if request.method == "GET":
                presence.record_presence(document=obj, editor=request_user(request), has_typed=False)
            context["other_editors"] = _other_editors(obj, request_user(request), now)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def drawer_rows(self, fieldsets: list[Any], obj: Any) -> list[DrawerRow]:
        """Return the rows of the drawer from these fieldsets, which are all but that of the text."""
        return [drawer_row(fieldset, is_open=obj is None) for fieldset in fieldsets]

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        return self.response_change(request, obj)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Stay on the editor page."""
        self.message_user(request, _("Saved."), messages.SUCCESS)
        return redirect(self.url_of("change", obj.pk))

    # Requests of the script, while somebody types

    @method_decorator(require_POST)
    def autosave_view(self, request: HttpRequest) -> HttpResponse:
        """Store unsaved changes and answer with the other editors of the document (`key`).

        `typed` has the fields of the form as JSON; it is left out if nothing has changed.
        """
        user, key = request_user(request), request.POST.get("key", "")
        if key:
            document = self.get_editable(request, parse_number_or_zero(key))
        elif self.has_add_permission(request):
            document = None
        else:
            raise PermissionDenied
        now = site_request(request).now
        answer: dict[str, Any] = {"kept": False, "at": time_or_date(now, now)}
        fields = autosaved_fields(request)
        if fields is not None:
            try:
                stored = autosaves.autosave(
                    forms=posted_forms(request) or [new_form()],
                    editor=user,
                    kind=self.model,
                    document=document,
                    fields=fields,
                    snapshot=request.POST.get("read", ""),
                )
            except PermissionError as error:
                raise PermissionDenied from error
            answer["kept"] = stored is not None
        if document:
            if {"has_left", "gone"} & request.POST.keys():  # a page of the previous version sends the latter
                presence.remove_presence(document=document, editor=user)
            else:
                presence.record_presence(document=document, editor=user, has_typed=fields is not None)
            answer["others"] = _other_editors(document, user, now)
            answer["newer"] = _newer_revision_notice(document, request, now)
        return JsonResponse(answer)

    @method_decorator(require_POST)
    def discard_view(self, request: HttpRequest, nonce: UUID) -> HttpResponse:
        """Discard unsaved changes of this person."""
        user = request_user(request)
        row = get_object_or_404(Autosave.objects.of(user).filter(kind=self.opts.model_name), nonce=nonce)
        autosaves.discard_autosaves(forms=[OpenForm(nonce, row.change_number)], editor=user)
        self.message_user(request, _("Unsaved changes discarded."))
        key = row.article_id or row.page_id
        return redirect(self.url_of("change", key) if key else self.url_of("add"))

    def _offers(
        self, request: HttpRequest, document: Document | None, open_forms: list[OpenForm]
    ) -> list[AutosaveOffer]:
        """Return the offers to continue unsaved changes, without those of `open_forms`, latest first."""
        now, user = site_request(request).now, request_user(request)
        rows = Autosave.objects.offered(user, self.model, document)
        rows = rows.exclude(nonce__in=[form.nonce for form in open_forms])
        return [AutosaveOffer(row.nonce, row.title, time_or_date(row.at, now)) for row in rows]

    def _get_continued_autosave(self, request: HttpRequest, document: Document | None) -> Autosave | None:
        """Return the autosave that the link "Continue" has asked for."""
        if request.method != "GET" or not (nonce := EditorQuery.read(request.GET)["unsaved"]):
            return None
        offered = Autosave.objects.offered(request_user(request), self.model, document)
        return offered.filter(nonce=nonce).first()

    def has_unsaved(self, request: HttpRequest, document: Document | None, field: str) -> bool:
        """Return whether the autosave that the link "Continue" has asked for has a text in this field."""
        continued = self._get_continued_autosave(request, document)
        return continued is not None and any(text.strip() for text in continued.fields.get(field, []))

    def get_editable(self, request: HttpRequest, key: int) -> Any:
        """Return the document if this person may edit it; else 404 or 403."""
        document = get_object_or_404(self.get_queryset(request), pk=key)
        if not self.has_change_permission(request, document):
            raise PermissionDenied
        return document

    def page_context(self, request: HttpRequest, document: Document, title: str) -> dict[str, Any]:
        site = self.admin_site.each_context(request)
        return {**site, "opts": self.opts, "title": title, "subtitle": document.title, "original": document}


def _other_editors(document: Document, user: User, now: datetime) -> list[str]:
    """Return a sentence for each other editor who has the document open."""
    sentences = []
    for other in Presence.objects.others(document, user, now):
        if other.typed_at:
            text = _("%(name)s has this open and last typed %(ago)s.")
            sentences.append(text % {"name": other.editor, "ago": ago(other.typed_at, now)})
        else:
            sentences.append(_("%(name)s has this open.") % {"name": other.editor})
    return sentences


def _newer_revision_notice(document: Document, request: HttpRequest, now: datetime) -> str:
    """Return a sentence about a revision that was saved since the page was loaded; "" if there is none."""
    snapshot = FormSnapshot.from_token(request.POST.get("read", ""))
    latest = document.revisions.saved().select_related("by").defer("body").first()
    if snapshot is None or latest is None or latest.number <= snapshot.number:
        return ""
    text = _("%(name)s saved a newer version at %(at)s. When you save, you will see both; nothing is lost.")
    return text % {"name": latest.by or _("Somebody"), "at": time_or_date(latest.at, now)}


def _refuse_logged_out_script(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer a script with 403 if nobody is logged in, instead of a redirect to the log-in page."""

    @wraps(view)
    def wrapped_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return JsonResponse({}, status=403)
        return view(request, *args, **kwargs)

    return wrapped_view
