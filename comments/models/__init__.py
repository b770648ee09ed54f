"""Models of discussions and comments, of recommendations, and of the transition log.

A comment's parent is authoritative; lft, rght, tree_id and level are derived from it. Only comments/services/
and the jobs in comments/tasks.py write these tables: each change of a state or a parent needs the lock on
its Discussion, the counters and a Transition, all in one transaction.
"""

from comments.models.claims import CommentClaim
from comments.models.comments import (
    EDIT_WINDOW,
    MAX_BODY_LENGTH,
    MAX_DEPTH,
    MAX_IMPORTED_BODY_LENGTH,
    REPLIED_TO_ID,
    UNDO_WINDOW,
    Comment,
    CommentQuerySet,
    CommentRevision,
    CommentSearchText,
    check_body,
    moderatable_article_ids,
    replied_to_id,
)
from comments.models.discussions import Discussion, DiscussionDay
from comments.models.drafts import DRAFT_COLUMNS, DRAFT_JOIN, CommentDraft, LatestDraft
from comments.models.follows import DEFAULT_DELIVERY, IS_FOLLOWING, Follow, FollowQuerySet, LastUpdateSearch
from comments.models.inferred_parents import InferredParent
from comments.models.log import LAST_TRANSITION_ID, Transition
from comments.models.mutes import MUTED_AUTHOR, MUTED_COMMENTS, Mute
from comments.models.recommendations import Recommendation
from comments.models.states import (
    AUTHOR_DELETION_REASONS,
    AUTHOR_DELETION_REASONS_SQL,
    BUILT_IN_REASONS,
    REMOVED_BY_MODERATION,
    REMOVED_OR_DELETED,
    REMOVED_OR_DELETED_SQL,
    UNDONE_REASONS,
    UNDONE_REASONS_SQL,
    Reason,
    RemovalReason,
    State,
    state_label,
)
from comments.models.visits import Visit
