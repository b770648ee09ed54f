"""What the site stores about a person's comments, and about their choices as a reader."""

from collections import defaultdict
from collections.abc import Iterator
from functools import cache

from django.utils.translation import gettext as _

from archive.personal_data.contents.sections import Record, Section, batches, comment_url, make_section
from comments import removal_reasons
from comments.models import (
    REMOVED_BY_MODERATION,
    CommentClaim,
    CommentDraft,
    CommentRevision,
    Follow,
    Mute,
    Recommendation,
    State,
    Visit,
    replied_to_id,
)
from moderation.notifications.decision_kinds import DecisionKind
from moderation.notifications.notices import render_notices
from moderation.people.data_subject import DataSubject


def sections_of_comments(subject: DataSubject) -> Iterator[Section]:
    """Yield comments, those that were claimed from a guest, and recommendations."""
    yield Section(
        "comments",
        _("Comments"),
        {
            "number": _("Number"),
            "url": _("URL"),
            "story": _("Story"),
            "replies_to": _("Replies to comment"),
            "name": _("Name"),
            "email": _("E-mail"),
            "posted_at": _("Posted"),
            "edited_at": _("Edited"),
            "state": _("State"),
            "reason": _("Reason"),
            "decision": _("Decision"),
            "is_pick": _("Editor’s pick"),
            "recommendations": _("Recommendations"),
            "ip_address_hash": _("Hash of the IP address"),
            "address_block_hash": _("Hash of the block of IP addresses"),
            "text": _("Text"),
            "earlier_texts": _("Earlier texts"),
            "replaced_at": _("Replaced"),
        },
        _read_comments(subject),
    )
    if subject.user:
        yield make_section(
            "claims",
            _("Comments of a guest that you made yours"),
            CommentClaim.objects.filter(user=subject.user).select_related("comment__discussion__article"),
            {
                "number": (_("Number"), "comment_id"),
                "url": (_("URL"), lambda row: comment_url(row.comment)),
                "at": (_("Time"), "at"),
            },
        )
    yield make_section(
        "recommendations",
        _("Comments that you recommended"),
        Recommendation.objects.filter(subject.condition()).select_related("comment__discussion__article"),
        {
            "number": (_("Number"), "comment_id"),
            "url": (_("URL"), lambda row: comment_url(row.comment)),
            "is_withdrawn": (_("Withdrawn"), lambda row: not row.is_given),
            "at": (_("Time"), "at"),
        },
    )


def sections_of_reading(subject: DataSubject) -> Iterator[Section]:
    """Yield the follows of the person, the people that they muted and the discussions that they opened."""
    yield make_section(
        "follows",
        _("What you follow"),
        Follow.objects.filter(subject.condition()).select_related("article", "topic"),
        {
            "what": (_("Updates"), lambda row: row.get_kind_display()),
            "of": (_("Of"), lambda row: row.article.title_for(None) if row.article else str(row.topic or "")),
            "notification": (_("Notification"), lambda row: row.get_delivery_display()),
            "since": (_("Since"), "created_at"),
        },
    )
    if subject.user:
        yield make_section(
            "mutes",
            _("People whom you muted"),
            Mute.objects.filter(user=subject.user).select_related(
                "muted_user", "muted_guest", "muted_comment"
            ),
            {"name": (_("Name"), "name"), "at": (_("Time"), "at")},
        )
        yield make_section(
            "drafts",
            _("Drafts of comments"),
            CommentDraft.objects.filter(user=subject.user).select_related("article"),
            {
                "of": (_("Of"), lambda row: row.article.title_for(None)),
                "replies_to": (_("Replies to comment"), "parent_id"),
                "text": (_("Text"), "body"),
                "at": (_("Last changed"), "at"),
            },
        )
        yield make_section(
            "visits",
            _("Discussions that you opened"),
            Visit.objects.filter(user=subject.user).select_related("article"),
            {"of": (_("Of"), lambda row: row.article.title_for(None)), "at": (_("Last opened"), "at")},
        )


def _read_comments(subject: DataSubject) -> Iterator[Record]:
    rows = subject.comments().with_story().annotate(replied_to_id=replied_to_id())
    rows = rows.select_related("author", "guest", "origin")
    reason_label = cache(removal_reasons.label)  # each call queries the site
    for comments in batches(rows):
        notices = render_notices(
            [row for row in comments if row.state in {State.PENDING, *REMOVED_BY_MODERATION}]
        )
        earlier: dict[int, list[Record]] = defaultdict(list)
        # The earlier texts of a redacted comment contain the removed words, so they are left out.
        shown = [comment.pk for comment in comments if not comment.is_redacted]
        revisions = CommentRevision.objects.filter(comment__in=shown, is_redacted=False)
        for revision in revisions.order_by("comment", "revision"):
            earlier[revision.comment_id].append({"text": revision.body, "replaced_at": revision.replaced_at})
        for comment in comments:
            notice = notices.get(comment.pk)
            origin = getattr(comment, "origin", None)
            yield {
                "number": comment.pk,
                "url": comment_url(comment),
                "story": comment.discussion.article.title_for(None),
                "replies_to": comment.replied_to_id,
                "name": comment.author_name,
                "email": comment.author_email,
                "posted_at": comment.created_at,
                "edited_at": comment.edited_at,
                "state": comment.state_label,
                "reason": reason_label(comment.state_reason),
                "decision": " ".join([notice.title + ".", *notice.sentences])
                if notice and notice.kind != DecisionKind.NONE
                else "",
                "is_pick": comment.is_pick,
                "recommendations": comment.recommend_count,
                "ip_address_hash": bytes(origin.ip_hash).hex() if origin else "",
                "address_block_hash": bytes(origin.block_hash or b"").hex() if origin else "",
                "text": comment.body,
                "earlier_texts": earlier[comment.pk],
            }
