"""Admin of imports: the list of imports with their warnings, and the import form."""

from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from accounts.requests import request_user
from archive import pending_uploads
from archive.models import Import
from archive.services import MAX_MB, ArchiveImportError, ImportReport, check_size, import_page
from articles.models import Article, title_for
from comments.admin import discussions_of
from comments.models import InferredParent
from moderation.actions import history as action_history
from moderation.actions.request_helpers import get_action_or_404
from moderation.models import Action
from moderation.screening import import_jobs

UPLOAD_UNAVAILABLE = gettext_lazy(
    "The file of the preview is no longer kept: it was imported already, or a day has passed. "
    "Look at the list of imports, or choose the file again."
)


class ImportForm(forms.Form):
    """The form that imports a saved page. A refused file becomes an error of the file field.

    The file comes with the form, or a preview has stored it as a pending upload.
    """

    # The token of a pending upload. It comes before `file`, which may be empty if there is a token. Forms of
    # the previous version, open in a browser, send it by this name.
    kept = forms.CharField(required=False, widget=forms.HiddenInput)
    file = forms.FileField(
        label=gettext_lazy("File"),
        required=False,
        help_text=gettext_lazy("A story with its discussion, saved as text."),
    )
    source = forms.CharField(
        label=gettext_lazy("Source"),
        required=False,
        max_length=Article._meta.get_field("source_name").max_length,
        help_text=gettext_lazy("Who published the story. Leave empty to use the name in the file."),
    )
    url = forms.URLField(
        label=gettext_lazy("Source URL"),
        required=False,
        assume_scheme="https",
        max_length=Article._meta.get_field("source_url").max_length,
    )

    def __init__(self, *args: Any, actor: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor = actor
        # The file of a preview. It stays if the form is refused, so that nobody has to choose it again to
        # correct another field.
        self.pending_upload: pending_uploads.PendingUpload | None = None

    def clean_kept(self) -> str:
        token: str = self.cleaned_data["kept"]
        with suppress(pending_uploads.UploadUnavailableError):
            self.pending_upload = pending_uploads.find(token, owner=self.actor)
        return token

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file:
            check_size(file.size)
        elif not self.cleaned_data.get("kept"):
            raise forms.ValidationError(_("Choose a file."))
        elif not self.pending_upload:
            raise forms.ValidationError(UPLOAD_UNAVAILABLE)
        return file

    def store(self) -> pending_uploads.PendingUpload | None:
        """Store the file for a preview. Return it, or None if the form was refused."""
        if not self.is_valid():
            return None
        if file := self.cleaned_data["file"]:
            return pending_uploads.store(file.read(), filename=file.name, owner=self.actor)
        return self.pending_upload

    def save(self, *, dry_run: bool) -> ImportReport | None:
        """Import or preview the file. Return the report, or None if the form or the file was refused."""
        if not self.is_valid():
            return None
        file = self.cleaned_data["file"]
        pending = None if file else self.pending_upload
        try:
            report = import_page(
                data=pending.read() if pending else file.read(),
                filename=pending.filename if pending else file.name,
                source=self.cleaned_data["source"],
                url=self.cleaned_data["url"],
                actor=self.actor,
                dry_run=dry_run,
            )
        except pending_uploads.UploadUnavailableError:  # another request has imported it meanwhile
            self.pending_upload = None
            self.add_error("file", UPLOAD_UNAVAILABLE)
            return None
        except ArchiveImportError as error:
            self.add_error("file", error)
            return None
        if pending and not dry_run:
            pending.delete()
        return report


@admin.register(Import)
class ImportAdmin(admin.ModelAdmin[Import]):
    """The list of imports. Imports cannot be changed or deleted here."""

    list_display = (
        "filename",
        "at",
        "story",
        "found_count",
        "declared_count",
        "created_count",
        "warning_count",
        "actor",
        "status",
    )
    list_filter = ("format", "at")
    list_select_related = ("actor",)
    search_fields = ("filename", "story", "article__source_name")
    date_hierarchy = "at"
    fields = (
        "story",
        "filename",
        "format",
        "at",
        "actor",
        "found_count",
        "declared_count",
        "created_count",
        "screened_count",
        "warning_table",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Import]:
        undos = Action.objects.filter(root=OuterRef("action")).order_by("-undos").values("undos")[:1]
        imports = super().get_queryset(request)
        return imports.annotate(story=title_for(request_user(request), "article__"), undos=Subquery(undos))

    @admin.display(description=gettext_lazy("story"))
    def story(self, obj: Any) -> str:
        title: str = obj.story
        return title

    @admin.display(description=gettext_lazy("status"))
    def status(self, obj: Any) -> str:
        """Return whether the import is undone. An undo can be undone in turn."""
        return _("Undone") if obj.undos % 2 else _("Imported")

    @admin.display(description=gettext_lazy("checked comments"))
    def screened_count(self, obj: Import) -> str:
        """Return the number of new comments that are checked. Those of a small import are checked at once."""
        if (screening := obj.unfinished_screening) is None:
            return _("all")
        text = _("%(done)s of %(all)s; the rest follows in the background")
        if import_jobs.has_failed(screening):
            text = _("%(done)s of %(all)s; the job failed, and starts again within ten minutes")
        return text % {"done": f"{screening.screened_count:,}", "all": f"{screening.comment_count:,}"}

    @admin.display(description=gettext_lazy("warnings"))
    def warning_count(self, obj: Import) -> int:
        return len(obj.warnings)

    @admin.display(description=gettext_lazy("warnings"))
    def warning_table(self, obj: Import) -> SafeString | str:
        if not obj.warnings:
            return "–"
        return format_html(
            '<table class="warnings"><thead><tr><th>{}</th><th>{}</th></tr></thead><tbody>{}</tbody></table>',
            _("Line"),
            _("Warning"),
            format_html_join(
                "", "<tr><td>{}</td><td>{}</td></tr>", ((w["line"], w["text"]) for w in obj.warnings)
            ),
        )

    def has_change_permission(self, request: HttpRequest, obj: Import | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Import | None = None) -> bool:
        return False

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show a link to the page that undoes the import, or who undid it, and where its story is.

        A link to the page of an action is for those who may open it.
        """
        user = request_user(request)
        summary = action_history.summarize([context["original"].action], user)[0]
        last_undo, action_url = summary.last_undo(), ""
        with suppress(Http404):
            opened = get_action_or_404(user, (last_undo or summary.action).pk)
            action_url = reverse("moderation:action", args=[opened.pk])
        article = context["original"].article
        # Proposals are counted only if the person may open their page: the count is a link to it.
        discussions = discussions_of(user).filter(pk=article.pk)
        proposals = InferredParent.objects.filter(discussion__in=discussions)
        context |= {
            "summary": summary,
            "last_undo": last_undo,
            "action_url": action_url,
            "article": article,
            "may_edit": article.can_be_edited_by(user),
            "proposal_count": proposals.open().count(),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show and handle the import form instead of the admin's own: only an import writes these rows.

        Both buttons redirect, so that Back and a reload send nothing again: an import to its page, a preview
        to a URL with the token of its file and the fields. Only a GET of that URL makes the preview.
        """
        if not self.has_add_permission(request):
            raise PermissionDenied
        is_post = request.method == "POST"
        previewed = request.GET if "kept" in request.GET else None
        # None instead of empty files: those would bind the form, which would then open with an error.
        sent = (request.POST, request.FILES) if is_post else (previewed, None)
        form = ImportForm(*sent, actor=request_user(request))
        report = None
        if "preview" in request.POST:
            if upload := form.store():
                fields = {name: form.cleaned_data[name] for name in ("source", "url")}
                return redirect(f"{request.path}?{urlencode({'kept': upload.token} | fields)}")
        else:
            report = form.save(dry_run=not is_post)
            if report and is_post:
                return self._show_result(request, report)
        return TemplateResponse(
            request,
            "admin/archive/import_form.html",
            {
                **self.admin_site.each_context(request),
                "title": _("Import a story"),
                "opts": self.opts,
                "form": form,
                "report": report,
                "pending": form.pending_upload,
                "max_mb": MAX_MB,
            },
        )

    def _show_result(self, request: HttpRequest, report: ImportReport) -> HttpResponse:
        """Redirect to the page of the import with messages that say what it did.

        If nothing was new, that is the page of the last import of the same story.
        """
        assert report.article
        for text in _result_sentences(report):
            messages.success(request, text)
        if report.redirect:
            add_message = messages.warning if report.redirect.refusal else messages.success
            add_message(request, report.redirect.text)
        pk = report.import_pk or Import.objects.filter(article=report.article).latest("at").pk
        return redirect("admin:archive_import_change", pk)


def _result_sentences(report: ImportReport) -> list[str]:
    """Return the sentences about an import that its page does not say."""
    if not report.has_changes:
        return [_("Nothing is new. The story and its comments exist already, and nothing was changed.")]
    counts = {"new": f"{report.created_count:,}", "existing": f"{report.skipped_count:,}"}
    sentences = [_("Comments imported: %(new)s. Existing: %(existing)s.") % counts]
    if report.is_screened_later:
        sentences.append(
            _(
                "Readers see the new comments now. Checks, search and proposed replies follow in the "
                "background."
            )
        )
    if report.is_new_article:
        closed = _("The discussion is closed: readers see it and cannot add comments.")
        url = reverse("moderation:discussions")
        sentences.append(format_html('{} <a href="{}">{}</a>', closed, url, _("Discussions")))
    if count := len(report.boilerplate):
        text = ngettext(
            "%(n)s line was left out: it belongs to the site and not to the story. To see it, choose the "
            "file again and press “Preview import”.",
            "%(n)s lines were left out: they belong to the site and not to the story. To see them, choose "
            "the file again and press “Preview import”.",
            count,
        )
        sentences.append(text % {"n": f"{count:,}"})
    return sentences
