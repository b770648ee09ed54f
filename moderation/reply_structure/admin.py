"""Who answers whom: a discussion as an indented tree in the admin, where a reply is dragged under its parent.

It stands here rather than beside the model because a drop is an act with a page to undo it. mptt draws the
tree and its script says what was dropped where; mptt never moves anything. Which comments a page shows is in
tree_page.py.

A page is named by its address: ?discussion=<article>, and of a large one &after=<comment> or &start=<comment>
of the first level; &branch=<comment> for one comment with its replies, &after=<comment> to go on in it; &q=
and &state__exact= for what is looked for.
"""

from contextlib import suppress
from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from mptt.admin import DraggableMPTTAdmin

from accounts.models import User
from articles.models import title_for
from comments import removal_reasons
from comments.admin import discussions_of
from comments.duplicates import fold
from comments.models import Comment, CommentQuerySet, Discussion, Transition
from comments.services import rename_author
from moderation.actions.decisions import move
from moderation.models import has_page
from moderation.reply_structure.pages import read_branch, read_found, read_trees

PLACE = ("branch", "after", "start")  # which part is shown: keys of the address that filter nothing
LAST_DECISION = (
    Transition.objects.filter(comment=OuterRef("pk"), kind=Transition.Kind.STATE)
    .order_by("-pk")
    .values("pk")[:1]
)
WORDS_MAX = 10  # of a search


class CommentTree(ChangeList):
    """The rows of one page, as a tree or as what was found. Nothing is counted, and no page has a number."""

    next_url: str | None
    start_url: str
    table: SafeString

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Comment]:
        for key in PLACE:
            self.params.pop(key, None)
            self.filter_params.pop(key, None)
        return super().get_queryset(request, exclude_parameters)

    def get_results(self, request: HttpRequest) -> None:
        discussion: Discussion = request.discussion  # type: ignore[attr-defined]  # set by changelist_view
        rows, after = cast(CommentQuerySet, self.queryset), _number(request, "after")
        if _is_search(request):
            page = read_found(rows, after=after)
        elif branch := _number(request, "branch"):
            page = read_branch(rows, discussion, branch=branch, after=after)
        else:
            page = read_trees(rows, discussion, after=after, start=_number(request, "start"))
        place = request.GET.copy()
        for key in ("after", "start"):
            place.pop(key, None)
        self.start_url = f"?{place.urlencode()}"
        self.next_url = f"{self.start_url}&after={page.next}" if page.next else None
        self.result_list = page.rows
        self.table = self._table(request, discussion)
        self.result_count, self.full_result_count = len(page.rows), None
        self.show_full_result_count = self.show_admin_actions = self.can_show_all = self.multi_page = False
        request.tree_rows = page.rows  # type: ignore[attr-defined]  # for _tree_context

    def _table(self, request: HttpRequest, discussion: Discussion) -> SafeString:
        """The rows as HTML, by the environment that writes hundreds of them at once."""
        context = {
            "rows": self.result_list,
            "is_search": _is_search(request),
            "discussion": discussion.pk,
            "slug": discussion.article.slug if discussion.has_pages else "",
            "back": self.preserved_filters,
            "decide": reverse("moderation:decide"),
        }
        html = render_to_string("admin/comments/comment/rows.jinja", context, using="jinja2")
        return mark_safe(html)  # noqa: S308  # Jinja2 has escaped what people wrote


@admin.register(Comment)
class CommentTreeAdmin(DraggableMPTTAdmin):
    list_filter = ["state"]
    search_fields = ["author_name", "body"]  # by get_search_results
    show_facets = admin.ShowFacets.NEVER  # they count
    sortable_by = ()
    actions = None  # mptt's own would delete past the lock and the log
    expand_tree_by_default = True  # collapsing is quadratic in the browser

    class Media:
        css = {"all": ["css/admin-tree.css"]}

    # The list

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.POST.get("cmd") == "move_node":
            return self._move_node(request)
        if "done" in request.GET:
            return self._say_done(request)
        discussion = self._discussion(request)
        if discussion is None:
            messages.info(request, _("Choose a discussion: its comments are one tree."))
            return redirect("admin:comments_discussion_changelist")
        request.discussion = discussion  # type: ignore[attr-defined]
        context = {
            "title": _("Reply structure"),
            "subtitle": discussion.article.title,
            "discussion": discussion,
            "is_search": _is_search(request),
            "branch": _number(request, "branch"),
            "goes_on": bool(_number(request, "after") or _number(request, "start")),
            **(extra_context or {}),
        }
        if _is_search(request):
            return super(DraggableMPTTAdmin, self).changelist_view(request, context)  # no tree, no script
        return super().changelist_view(request, context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Comment]:
        """Bounds the rows and what may be moved. What is sealed is one of them, by its number alone: others
        may hang from it."""
        assert isinstance(request.user, User)
        rows = Comment.objects.in_care_of(request.user)
        rows = rows.annotate(last_decision=Subquery(LAST_DECISION))
        if request.resolver_match and "object_id" in request.resolver_match.kwargs:
            # The form of one shows them.
            rows = rows.select_related("discussion__article", "parent")
            rows = rows.annotate(title=title_for(request.user, "discussion__article__"))
        discussion = _number(request, "discussion")
        return rows if discussion is None else rows.filter(discussion=discussion)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Comment], search_term: str
    ) -> tuple[QuerySet[Comment], bool]:
        """Comments that have each word in their text or name, wherever in a word it stands; or #123 alone."""
        number = search_term.strip()
        if number[:1] == "#" and _is_id(number[1:]):
            return queryset.filter(pk=int(number[1:])), False
        found = Q()
        for word in search_term.split()[:WORDS_MAX]:
            found &= Q(author_name__icontains=word) | Q(text__folded__contains=fold(word))
        if _is_id(number):
            found |= Q(pk=int(number))
        return queryset.filter(found), False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Only what the page itself asks: any other filter in the URL would tell what editors may not read
        (an e-mail, a form's nonce), letter by letter."""
        asked = lookup.partition("__")[0] in {"discussion", "state"}
        return asked and super().lookup_allowed(lookup, value, request)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CommentTree

    def _discussion(self, request: HttpRequest) -> Discussion | None:
        """The one that the address names, if it is in this person's list of discussions."""
        assert isinstance(request.user, User)
        rows = discussions_of(request.user).select_related("article")
        rows = rows.defer("article__body", "article__body_html", "article__vector")
        return rows.filter(pk=_number(request, "discussion")).first()

    def _tree_context(self, request: HttpRequest) -> dict[str, Any]:
        """What the script may fold: the rows of the page. The browser keeps by discussion what was folded."""
        structure: dict[int | str, list[int]] = {}
        for row in request.tree_rows:  # type: ignore[attr-defined]  # set by CommentTree.get_results
            structure.setdefault(str(row.parent_id) if row.parent_id else 0, []).append(row.pk)
        return super()._tree_context(request) | {
            "storageName": f"tree_{_number(request, 'discussion')}",
            "treeStructure": structure,
        }

    def _build_tree_structure(self, queryset: QuerySet[Comment]) -> dict[int | str, list[int]]:
        """Not from all comments that get_queryset would give."""
        return {}

    def _say_done(self, request: HttpRequest) -> HttpResponse:
        """The desk came back here with an act: tell it, with the way to its page, and show the tree again."""
        query = request.GET.copy()
        done = query.pop("done")[-1]
        with suppress(ValueError):
            messages.success(request, _with_undo(_("Done."), UUID(str(done))))
        return redirect(f"{request.path}?{query.urlencode()}")

    # A drop

    def _move_node(self, request: HttpRequest) -> HttpResponse:
        """A drop says only who the new parent is: the order of replies is by time and not a person's to set.

        The script reloads the page whatever the answer, and the message is seen there.
        """
        rows = self.get_queryset(request)
        try:
            cut, on = rows.get(pk=request.POST["cut_item"]), rows.get(pk=request.POST["pasted_on"])
        except (KeyError, ValueError, Comment.DoesNotExist):
            messages.error(request, _("That comment is no longer here."))
            return HttpResponse(status=404)
        assert isinstance(request.user, User)
        if not self.has_change_permission(request, cut):
            return HttpResponse(status=403)
        parent = on if request.POST.get("position") == "last-child" else on.parent
        try:
            batch = move(comment=cut, parent=parent, actor=request.user)
        except ValidationError as error:
            messages.error(request, error.messages[0])
            return HttpResponse()
        if batch:
            place = f"{request.path}?discussion={cut.discussion_id}&branch={cut.pk}"
            shown = format_html('{} <a href="{}">{}</a>', _("Moved."), place, f"#{cut.pk}")
            messages.success(request, _with_undo(shown, batch.pk))
        else:
            messages.info(request, _("It stands there already; replies are in the order of their time."))
        return HttpResponse()

    # One comment

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["remove_reasons"] = removal_reasons.choices()
        context["has_page"] = has_page(context["original"])
        context["earlier"] = context["original"].revisions.order_by("-revision")
        return super().render_change_form(request, context, *args, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Comment | None = None) -> Any:
        assert isinstance(request.user, User)
        private = ["author_email"] if request.user.is_moderator else []
        return [
            *("author_name", *private, "body", "state", "state_reason", "created_at", "story", "parent"),
            *("tree_id", "lft", "rght", "level", "reply_count", "source_id", "source_parent"),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Comment | None = None) -> list[str]:
        return [name for name in self.get_fields(request, obj) if name != "author_name"]

    @admin.display(description=_("story"))
    def story(self, comment: Any) -> str:
        title: str = comment.title
        return title

    def save_model(self, request: HttpRequest, obj: Comment, form: Any, change: bool) -> None:
        rename_author(comment=obj, name=form.cleaned_data["author_name"])

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Comment | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or obj.can_be_moderated_by(request.user))

    def has_delete_permission(self, request: HttpRequest, obj: Comment | None = None) -> bool:
        return False


def _number(request: HttpRequest, key: str) -> int | None:
    value = request.GET.get(key, "")
    return int(value) if value.isdecimal() and len(value) < 10 else None


def _is_id(text: str) -> bool:
    return text.isdecimal() and len(text) < 19


def _is_search(request: HttpRequest) -> bool:
    return any(request.GET.get(key) for key in (SEARCH_VAR, "state__exact"))


def _with_undo(sentence: str, act: UUID) -> str:
    url = reverse("moderation:batch", args=[act])
    return format_html('{} <a href="{}">{}</a>', sentence, url, _("Undo this action"))
