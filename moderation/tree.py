"""Who answers whom: a discussion as an indented tree in the admin, where a reply is dragged under its parent.

It stands here rather than beside the model because a drop is an act with a page to undo it. mptt draws the
tree and its script says what was dropped where; mptt never moves anything.
"""

from contextlib import suppress
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from mptt.admin import DraggableMPTTAdmin

from accounts.models import User
from comments.models import REMOVE_REASONS, Comment, Discussion, Reason, State, Transition
from comments.services import rename_author
from moderation.models import has_page
from moderation.services import move

TREE_LIMIT = 1_000  # comments that one page shows as a tree; a browser needs seconds for ten times as many
FIRST_LEVEL_PAGE = 100
LAST_DECISION = (
    Transition.objects.filter(comment=OuterRef("pk"), kind=Transition.Kind.STATE)
    .order_by("-pk")
    .values("pk")[:1]
)
INDENT_MAX = 8  # levels; css/admin-tree.css has a class for each


class FirstLevel(ChangeList):
    """The pages of a large discussion: its first level, or what was looked for, a link to each tree."""

    def get_results(self, request: HttpRequest) -> None:
        self.list_per_page = FIRST_LEVEL_PAGE
        super().get_results(request)


@admin.register(Comment)
class CommentTreeAdmin(DraggableMPTTAdmin):
    list_display = ["tree_actions", "indented_title", "state", "created_at", "links"]
    list_display_links = ["indented_title"]  # the script needs the <th>
    list_filter = ["state"]
    search_fields = ["author_name", "body"]
    list_select_related = ["discussion__article"]
    list_per_page = TREE_LIMIT  # a page break cuts a tree
    show_full_result_count = False
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
        context = {
            "title": _("Who answers whom"),
            "subtitle": discussion.article.title,
            "discussion": discussion,
            "is_nav_sidebar_enabled": False,  # a tree needs the width
        }
        context |= {"first_level": self._shows_first_level(request), **(extra_context or {})}
        if context["first_level"]:
            return super(DraggableMPTTAdmin, self).changelist_view(request, context)  # no tree, no script
        return super().changelist_view(request, context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Comment]:
        """Bounds the rows, the structure that the script is given, and what may be moved."""
        assert isinstance(request.user, User)
        rows = Comment.objects.moderated_by(request.user)
        rows = rows.annotate(last_decision=Subquery(LAST_DECISION))
        for field in ("discussion", "tree_id"):
            if (value := _number(request, field)) is not None:
                rows = rows.filter(**{field: value})
        is_looked_for = request.GET.get(SEARCH_VAR) or request.GET.get("state__exact")
        return rows.filter(parent=None) if self._shows_first_level(request) and not is_looked_for else rows

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Only what the page itself asks: any other filter in the URL would tell what editors may not read
        (an e-mail, a form's nonce), letter by letter."""
        asked = lookup.partition("__")[0] in {"discussion", "tree_id", "state"}
        return asked and super().lookup_allowed(lookup, value, request)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FirstLevel if self._shows_first_level(request) else super().get_changelist(request, **kwargs)

    def get_list_display(self, request: HttpRequest) -> Any:
        if self._shows_first_level(request):
            return ["indented_title", "state", "created_at", "replies", "links"]
        return super().get_list_display(request)

    def _discussion(self, request: HttpRequest) -> Discussion | None:
        """The one that the address names, if it is in this person's list of discussions."""
        rows = admin.site.get_model_admin(Discussion).get_queryset(request)
        return rows.select_related("article").filter(pk=_number(request, "discussion")).first()

    def _shows_first_level(self, request: HttpRequest) -> bool:
        """Whether the discussion is too large for one tree, and none of its trees was chosen: it is listed
        by the page, and until something is looked for only its first level."""
        if (known := getattr(request, "_first_level", None)) is None:
            discussion = _number(request, "discussion")
            known = (
                discussion is not None
                and _number(request, "tree_id") is None
                and Comment.objects.filter(discussion=discussion).count() > TREE_LIMIT
            )
            request._first_level = known  # type: ignore[attr-defined]
        return bool(known)

    def _tree_context(self, request: HttpRequest) -> dict[str, Any]:
        """With a name of its own for what was collapsed, else all discussions share one in the browser."""
        return super()._tree_context(request) | {"storageName": f"tree_{_number(request, 'discussion')}"}

    @admin.display(description=gettext_lazy("drag"))  # mptt leaves the head of the column empty
    def tree_actions(self, item: Comment) -> str:  # type: ignore[override]
        return super().tree_actions(item)

    @admin.display(description=gettext_lazy("comment"))
    def indented_title(self, item: Comment) -> str:
        return format_html(
            '<div class="tree-title level-{}">#{} <bdi>{}</bdi> <span dir="auto">{}</span></div>',
            min(item.level, INDENT_MAX),
            item.pk,
            item.author_name,
            _words(item),
        )

    @admin.display(description=gettext_lazy("replies"))
    def replies(self, item: Comment) -> str:
        url = f"?discussion={item.discussion_id}&tree_id={item.tree_id}"
        return format_html('<a href="{}">{}</a>', url, item.get_descendant_count())

    @admin.display(description=gettext_lazy("actions"))
    def links(self, item: Comment) -> str:
        """Approving is one press, sent by the list's own form; a removal needs a reason, on the own page."""
        links = [
            ("move", reverse("moderation:move", args=[item.pk]), _("Move…")),
        ]
        if has_page(item):
            links.append(("place", item.get_absolute_url(), _("In place")))
        if item.state in {State.PENDING, State.PUBLISHED}:
            links.append(("remove", reverse("admin:comments_comment_change", args=[item.pk]), _("Remove…")))
        shown = format_html_join(" ", '<a class="{}" href="{}">{}</a>', links)
        if item.state in {State.PUBLISHED, State.DELETED}:
            return shown
        seen = f"{item.pk}.{item.last_decision}"  # type: ignore[attr-defined]  # annotated above
        query = urlencode({"ids": item.pk, "seen": seen, "reason": Reason.APPROVED.value})
        approve = f"{reverse('moderation:decide')}?{query}"
        return format_html('{} <button formaction="{}">{}</button>', shown, approve, _("Approve"))

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
            messages.success(request, _with_undo(_("Moved."), batch.pk))
        else:
            messages.info(request, _("It stands there already; replies are in the order of their time."))
        return HttpResponse()

    # One comment

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["remove_reasons"] = [(reason.value, reason.label) for reason in REMOVE_REASONS]
        context["has_page"] = has_page(context["original"])
        context["earlier"] = context["original"].revisions.order_by("-revision")
        return super().render_change_form(request, context, *args, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Comment | None = None) -> Any:
        assert isinstance(request.user, User)
        private = ["author_email"] if request.user.is_moderator else []
        return [
            *("author_name", *private, "body", "state", "state_reason", "created_at", "discussion", "parent"),
            *("tree_id", "lft", "rght", "level", "reply_count", "source_id", "source_parent"),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Comment | None = None) -> list[str]:
        return [name for name in self.get_fields(request, obj) if name != "author_name"]

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


def _with_undo(sentence: str, act: UUID) -> str:
    url = reverse("moderation:batch", args=[act])
    return format_html('{} <a href="{}">{}</a>', sentence, url, _("Undo this action"))


def _words(comment: Comment) -> str:
    return Truncator(" ".join(comment.body.split())).chars(160) or comment.get_text_missing_display()
