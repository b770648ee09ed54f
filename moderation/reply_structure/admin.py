"""Reply structure: a discussion as a tree in the admin, where a reply can be dragged under another comment.

It is part of moderation, not of comments, because a drop is an action with an undo. mptt draws the tree and
its script reports what was dropped where, but mptt never moves a comment. pages.py selects the comments of a
page.

The query string of a page: ?discussion=<article>; in a large one &after=<comment> or &start=<comment> of the
top level; &branch=<comment> for one comment with its replies and &after=<comment> for the next page of these;
&q= and &state__exact= for a search.
"""

from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms.widgets import Script
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from mptt.admin import DraggableMPTTAdmin

from accounts.requests import request_user
from articles.models import title_for
from comments import removal_reasons
from comments.admin import discussions_of
from comments.models import Comment, CommentQuerySet, Discussion, InferredParent, Reason
from comments.services.moves import find_obstacle
from comments.services.states import rename_author
from core.query_forms import NumberField, QueryForm, parse_whole_number
from moderation.actions.decisions import move
from moderation.actions.request_helpers import DoneQuery, just_done_summary
from moderation.actions.state_history import last_transition_id
from moderation.models import Action
from moderation.reply_structure.candidates import find_warnings, search_condition
from moderation.reply_structure.pages import read_branch, read_found, read_trees

PAGE_KEYS = ("branch", "after", "start")  # query keys that select the page and are no filters


class TreeQuery(QueryForm):
    """The query string of a page, without the parameters of the search."""

    discussion = NumberField(digits=9)
    branch = NumberField(digits=9)
    after = NumberField(digits=9)
    start = NumberField(digits=9)


class TreeRequest(HttpRequest):
    """A request for the tree of a discussion, which changelist_view sets for CommentTree. A type only."""

    discussion: Discussion


class CommentTree(ChangeList):
    """The rows of one page, as a tree or as search results.

    They are not counted, and pages have no numbers.
    """

    next_url: str | None
    start_url: str
    table: SafeString

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Comment]:
        for key in PAGE_KEYS:
            self.params.pop(key, None)
            self.filter_params.pop(key, None)
        return super().get_queryset(request, exclude_parameters)

    def get_results(self, request: Any) -> None:
        discussion: Discussion = request.discussion  # set by changelist_view
        rows, parameters = cast(CommentQuerySet, self.queryset), TreeQuery.read(request.GET)
        if _is_search(request):
            page = read_found(rows, after=parameters["after"])
        elif branch := parameters["branch"]:
            page = read_branch(rows, discussion, branch=branch, after=parameters["after"])
        else:
            page = read_trees(rows, discussion, after=parameters["after"], start=parameters["start"])
        query = request.GET.copy()
        for key in ("after", "start"):
            query.pop(key, None)
        self.start_url = f"?{query.urlencode()}"
        self.next_url = f"{self.start_url}&after={page.next}" if page.next else None
        self.result_list = page.rows
        self.table = self._table(request, discussion)
        self.result_count, self.full_result_count = len(page.rows), None
        self.show_full_result_count = self.show_admin_actions = self.can_show_all = self.multi_page = False
        request.tree_rows = page.rows  # for _tree_context

    def _table(self, request: HttpRequest, discussion: Discussion) -> SafeString:
        """Return the rows as HTML. Jinja2 renders hundreds of them much faster than Django templates."""
        context = {
            "rows": self.result_list,
            "is_search": _is_search(request),
            "discussion": discussion.pk,
            "slug": discussion.article.slug if discussion.is_readable else "",
            "preserved_filters": self.preserved_filters,
            "page_url": request.get_full_path(),
            "decide_url": reverse("moderation:decide"),
            "Reason": Reason,
        }
        html = render_to_string("admin/comments/comment/rows.jinja", context, using="jinja2")
        return mark_safe(html)  # noqa: S308  # Jinja2 has escaped what people wrote


@admin.register(Comment)
class CommentTreeAdmin(DraggableMPTTAdmin):
    list_filter = ["state"]
    search_fields = ["author_name", "body"]  # get_search_results does the search
    show_facets = admin.ShowFacets.NEVER  # facets need counts
    sortable_by = ()
    actions = None  # the delete action of mptt would bypass the lock and the audit log
    expand_tree_by_default = True  # collapsing takes quadratic time in the browser
    mptt_level_indent = 28  # pixels, as in admin-tree.css

    class Media:
        css = {"all": ["css/admin-tree.css"]}
        js = [Script("js/reply-structure.js", defer=True)]

    # The list

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.POST.get("cmd") == "move_node":
            return self._move_node(request)
        if "done" in request.GET:
            return self._report_done(request)
        discussion = self._discussion(request)
        if discussion is None:
            messages.info(request, _("Choose a discussion to see its reply structure."))
            return redirect("admin:comments_discussion_changelist")
        parameters = TreeQuery.read(request.GET)
        cast(TreeRequest, request).discussion = discussion
        proposals = InferredParent.objects.filter(discussion=discussion).open()
        context = {
            "title": _("Reply structure"),
            "subtitle": discussion.article.title,
            "discussion": discussion,
            "is_search": _is_search(request),
            "branch": parameters["branch"],
            "is_later_page": bool(parameters["after"] or parameters["start"]),
            "proposal_count": 0 if _is_search(request) else proposals.count(),
            **(extra_context or {}),
        }
        if _is_search(request):
            return super(DraggableMPTTAdmin, self).changelist_view(request, context)  # no tree, no script
        return super().changelist_view(request, context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Comment]:
        """Return the comments that the user may see and move.

        Restricted comments are among them, shown by number only, since they may have replies.
        """
        user = request_user(request)
        rows = Comment.objects.moderatable_by(user, include_restricted=True)
        rows = rows.annotate(last_transition_id=last_transition_id("pk"))
        if request.resolver_match and "object_id" in request.resolver_match.kwargs:
            # The form of one comment shows these.
            rows = rows.select_related("discussion__article", "parent")
            rows = rows.annotate(title=title_for(user, "discussion__article__"))
        discussion = TreeQuery.read(request.GET)["discussion"]
        return rows if discussion is None else rows.filter(discussion=discussion)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Comment], search_term: str
    ) -> tuple[QuerySet[Comment], bool]:
        """Find comments that contain each search word in their text or author name, or one by its number."""
        number = search_term.strip()
        if number[:1] == "#" and (pk := parse_whole_number(number[1:], any_script=True)) is not None:
            return queryset.filter(pk=pk), False
        return queryset.filter(search_condition(search_term)), False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Allow only the filters that the page uses.

        Other filters in the URL would reveal fields that editors may not read (an e-mail, a form's nonce),
        letter by letter.
        """
        is_used = lookup.partition("__")[0] in {"discussion", "state"}
        return is_used and super().lookup_allowed(lookup, value, request)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CommentTree

    def _discussion(self, request: HttpRequest) -> Discussion | None:
        """Return the discussion in the query string, if the user may see it."""
        rows = discussions_of(request_user(request)).select_related("article")
        rows = rows.defer("article__body", "article__body_html", "article__search_vector")
        return rows.filter(pk=TreeQuery.read(request.GET)["discussion"]).first()

    def _tree_context(self, request: Any) -> dict[str, Any]:
        """Return the tree of this page's rows for the script, which stores collapsed rows by discussion."""
        structure: dict[int | str, list[int]] = {}
        for row in request.tree_rows:  # set by CommentTree.get_results
            structure.setdefault(str(row.parent_id) if row.parent_id else 0, []).append(row.pk)
        return super()._tree_context(request) | {
            "storageName": f"tree_{TreeQuery.read(request.GET)['discussion']}",
            "treeStructure": structure,
            "messages": {
                "before": _("Reply to the same comment"),
                "child": _("Reply to this comment"),
                "after": _("Reply to the same comment"),
                "collapseTree": _("Collapse tree"),
                "expandTree": _("Expand tree"),
            },
        }

    def _build_tree_structure(self, queryset: QuerySet[Comment]) -> dict[int | str, list[int]]:
        """Return nothing: mptt would read all comments of get_queryset here."""
        return {}

    def _report_done(self, request: HttpRequest) -> HttpResponse:
        """Show a message about the action in ?done= with a link to undo it, and redirect to the same page."""
        query = request.GET.copy()
        del query["done"]
        done = DoneQuery.read(request.GET)["done"]
        if summary := just_done_summary(request_user(request), done):
            moved = Comment.objects.filter(transitions__action_id=summary.action.pk).first()
            if moved and summary.action.kind == Action.Kind.MOVE:
                message = self._moved_message(request, moved, summary.action.pk)
            else:
                message = _with_undo(f"{summary.description}.", summary.action.pk)
            messages.success(request, message)
        return redirect(f"{request.path}?{query.urlencode()}")

    def _moved_message(self, request: HttpRequest, comment: Comment, action_id: UUID) -> str:
        """Return the message about a move, with a link to the comment, which may be on another page now."""
        url = f"{request.path}?discussion={comment.discussion_id}&branch={comment.pk}"
        sentence = format_html('{} <a href="{}">{}</a>', _("Moved."), url, f"#{comment.pk}")
        return _with_undo(sentence, action_id)

    def _unconfirmed_message(
        self, request: HttpRequest, comment: Comment, parent: Comment, warnings: list[str]
    ) -> str:
        """Return the warnings about a drop that was not made, with a link to the page that makes it."""
        return_url = f"{request.get_full_path()}#comment-{comment.pk}"
        query = urlencode({"parent": str(parent.pk), "next": return_url})
        url = f"{reverse('moderation:move', args=[comment.pk])}?{query}"
        sentence = _("Not moved under #%(number)s yet.") % {"number": parent.pk}
        text = " ".join([f"#{comment.pk}:", sentence, *warnings])
        return format_html('{} <a href="{}">{}</a>', text, url, _("Move anyway…"))

    # A drop

    def _move_node(self, request: HttpRequest) -> HttpResponse:
        """Move a comment that was dropped. Only its new parent matters, since replies are ordered by time.

        A parent with warnings has to be confirmed first, on the page of the move, unless it is impossible.
        The script reloads the page after any response, and the page then shows the message.
        """
        rows = self.get_queryset(request)
        try:
            dragged, target = rows.get(pk=request.POST["cut_item"]), rows.get(pk=request.POST["pasted_on"])
        except (KeyError, ValueError, Comment.DoesNotExist):
            messages.error(request, _("That comment is no longer here."))
            return HttpResponse(status=404)
        if not self.has_change_permission(request, dragged):
            return HttpResponse(status=403)
        parent = target if request.POST.get("position") == "last-child" else target.parent
        warnings = find_warnings(dragged, parent)
        if parent and warnings and not find_obstacle(comment=dragged, parent=parent):
            messages.warning(request, self._unconfirmed_message(request, dragged, parent, warnings))
            return HttpResponse()
        try:
            action = move(comment=dragged, parent=parent, actor=request_user(request))
        except ValidationError as error:
            messages.error(request, error.messages[0])
            return HttpResponse()
        if action:
            messages.success(request, self._moved_message(request, dragged, action.pk))
        else:
            messages.info(request, _("Nothing changed: replies are ordered by time."))
        return HttpResponse()

    # One comment

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["remove_reasons"] = removal_reasons.choices()
        context["earlier_versions"] = context["original"].revisions.order_by("-revision")
        return super().render_change_form(request, context, *args, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Comment | None = None) -> Any:
        private = ["author_email"] if request_user(request).can_view_email_addresses else []
        return [
            *("author_name", *private, "body", "state", "state_reason", "created_at", "story", "parent"),
            *("reply_count", "source_id", "source_parent"),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Comment | None = None) -> list[str]:
        return [name for name in self.get_fields(request, obj) if name != "author_name"]

    @admin.display(description=_("story"))
    def story(self, comment: Any) -> str:
        return str(comment.title)

    def save_model(self, request: HttpRequest, obj: Comment, form: Any, change: bool) -> None:
        rename_author(comment=obj, name=form.cleaned_data["author_name"])

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Comment | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or obj.can_be_moderated_by(request.user))

    def has_delete_permission(self, request: HttpRequest, obj: Comment | None = None) -> bool:
        return False


def _is_search(request: HttpRequest) -> bool:
    return any(request.GET.get(key) for key in (SEARCH_VAR, "state__exact"))


def _with_undo(sentence: str, action_id: UUID) -> str:
    url = reverse("moderation:action", args=[action_id])
    return format_html('{} <a href="{}">{}</a>', sentence, url, _("Undo this action"))
