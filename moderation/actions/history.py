"""The history of moderation actions: what each did, to which object, and whether it was undone.

Summaries of many actions take as many statements as that of one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Min
from django.utils.translation import gettext as _

from accounts.models import User
from articles.models import title_for
from comments.models import Comment, Transition
from core.database.sql import fetch_rows
from moderation import explanations
from moderation.actions import setting_changes
from moderation.models import Action, Restriction, Sanction, SettingChange


@dataclass(frozen=True)
class ActionSummary:
    """One action in the history."""

    action: Action
    description: str
    target: str  # the name of the one object it changed: a story, a rule, a comment; else ""
    count: int  # comments
    is_undone: bool  # undone, and not done again
    partly_undone: str  # "undone for 1 of 2" if it was undone for some of its comments only, else ""
    latest: UUID  # the last of the action and its undos, which is the one that can be undone now

    def last_undo(self) -> Action | None:
        """Return the last undo of the action or of its undo, with its actor, or None if there is none."""
        if self.latest == self.action.pk:
            return None
        return Action.objects.select_related("actor").get(pk=self.latest)


def is_undone_sql(alias: str) -> str:
    """Return an expression for SQL: whether an action is undone for the comment of a transition `t`.

    `alias` is that of the action's columns `root_id` and `undos`. Each undo reverts the transitions of
    the one before it, so the last undo of a comment counts. An undo skips comments with later decisions, and
    restrictions are lifted one comment at a time.
    """
    return f"""(
  SELECT mod(max(u.undos) - {alias}.undos, 2) = 1
  FROM moderation_batch u JOIN comments_transition l ON l.batch = u.id AND l.comment_id = t.comment_id
  WHERE u.root_id = {alias}.root_id)"""


# For each action, the id of the last of the action and its undos, and the number of its undos. Two undos that
# each lifted the restriction of another comment are independent of each other.
LATEST_UNDO = f"""
SELECT DISTINCT ON (b.id) b.id, u.id, u.undos - b.undos
FROM moderation_batch b
JOIN moderation_batch r ON r.id = b.root_id
JOIN moderation_batch u ON u.root_id = b.root_id AND u.undos >= b.undos
WHERE b.id = ANY(%s) AND (u.id = b.id OR r.kind <> '{Action.Kind.RESTRICTION}' OR EXISTS (
  SELECT FROM comments_transition t JOIN comments_transition l USING (comment_id)
  WHERE t.batch = b.id AND l.batch = u.id))
ORDER BY b.id, u.undos DESC, u.at DESC"""

# For each action the number of its comments, and for how many of them it is undone.
UNDONE_COUNTS = f"""
SELECT b.id, count(*), count(*) FILTER (WHERE {is_undone_sql("b")})
FROM moderation_batch b JOIN comments_transition t ON t.batch = b.id
WHERE b.id = ANY(%s) GROUP BY 1"""


def summarize(actions: Sequence[Action], user: User | None) -> list[ActionSummary]:
    """Return summaries of these actions, with names as this person may read them."""
    transitions = Transition.objects.filter(action_id__in=[action.pk for action in actions]).order_by()
    counted = list(transitions.values_list("action_id").annotate(count=Count("pk"), one=Min("comment")))
    counts = {action_id: count for action_id, count, _one in counted}
    targets, changed = _targets(actions, {pk: one for pk, count, one in counted if count == 1}, user)
    latest_rows = fetch_rows(LATEST_UNDO, [[action.pk for action in actions]])
    latest = {action_id: (pk, undos % 2 == 1) for action_id, pk, undos in latest_rows}
    partly_undone = {}
    if with_undo := [action_id for action_id, (pk, _is_undone) in latest.items() if pk != action_id]:
        undone_counts = fetch_rows(UNDONE_COUNTS, [with_undo])
        numbers = [(pk, {"k": f"{k:,}", "n": f"{n:,}"}) for pk, n, k in undone_counts if 0 < k < n]
        partly_undone = {pk: _("undone for %(k)s of %(n)s") % values for pk, values in numbers}
    # Restrictions are lifted one by one: such an action counts as undone when its last one is lifted.
    if lifted := [b.pk for b in actions if b.kind == Action.Kind.RESTRICTION and latest[b.pk][0] != b.pk]:
        active = Restriction.objects.filter(action__in=lifted, lifted_at=None, comment__erased_at=None)
        latest |= {pk: (pk, False) for pk in active.order_by().values_list("action", flat=True)}
    return [
        ActionSummary(
            action=action,
            description=explanations.describe_action(action),
            target=targets.get(action.pk, ""),
            count=counts.get(action.pk, 0) or changed.get(action.pk, 0),
            is_undone=latest[action.pk][1],
            partly_undone=partly_undone.get(action.pk, ""),
            latest=latest[action.pk][0],
        )
        for action in actions
    ]


def _targets(
    actions: Sequence[Action], comments: Mapping[UUID, int], user: User | None
) -> tuple[dict[UUID, str], dict[UUID, int]]:
    """Return by action the name of the one object it changed, and the number of comments with a new setting.

    `comments` maps actions that changed the state of exactly one comment to that comment. Changes of the
    whole site are named by their description (explanations.describe_site_setting).
    """
    rows = SettingChange.objects.filter(action__in=actions).order_by().values_list("action", "target")
    found = rows.annotate(count=Count("target_id", distinct=True), one=Min("target_id"))
    changed, one_comment, single = dict[UUID, int](), dict[UUID, int](), dict[UUID, SettingChange]()
    for action_id, target_type, count, one in found:
        if target_type == SettingChange.Target.COMMENT:
            changed[action_id] = count
            if count == 1:
                one_comment[action_id] = one
        elif count == 1 and target_type != SettingChange.Target.SITE:
            single[action_id] = SettingChange(target=target_type, target_id=one)
    # Locking replies also locks all comments below; name the comment on which it was done.
    locks = [action for action in actions if action.kind == Action.Kind.COMMENT]
    locked = {action.pk: action.parameters["comment"] for action in locks if "comment" in action.parameters}
    targets = _comment_names(one_comment | dict(comments) | locked, user)
    names = setting_changes.target_names(single.values(), user)
    targets |= {pk: names.get((change.target, change.target_id), "") for pk, change in single.items()}
    targets |= _sanctioned_people(
        {pk: c.target_id for pk, c in single.items() if c.target == SettingChange.Target.SANCTION}
    )
    # An import does not store its story in the parameters.
    imports = [action.pk for action in actions if action.kind == Action.Kind.IMPORT]
    if imports:
        first = (
            Transition.objects.filter(action_id__in=imports).order_by("action_id", "id").distinct("action_id")
        )
        titles = first.values_list("action_id", title_for(user, "discussion__article__"))
        targets |= {action_id: title for action_id, title in titles if action_id}
    return targets, changed


def _comment_names(ids: Mapping[UUID, int], user: User | None) -> dict[UUID, str]:
    """Return by action its one comment, as its number and the title of its story."""
    if not ids:
        return {}
    rows = Comment.objects.filter(pk__in=ids.values())
    titles = dict(rows.values_list("pk", title_for(user, "discussion__article__")))
    return {action_id: f"#{pk}, “{titles[pk]}”" for action_id, pk in ids.items()}


def _sanctioned_people(sanctions: Mapping[UUID, int]) -> dict[UUID, str]:
    """Return by action the name of the person its sanction applies to.

    Actions store no names, because a name must be erasable in one place.
    """
    if not sanctions:
        return {}
    rows = Sanction.objects.filter(pk__in=sanctions.values()).select_related("user", "guest")
    names = {row.pk: str(row.user or row.guest) for row in rows}
    return {action_id: names[pk] for action_id, pk in sanctions.items()}
