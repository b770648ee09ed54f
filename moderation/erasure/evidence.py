"""The evidence file of a restricted comment: all that is known about it, in a form that can be verified.

Each entry of the audit log comes with the exact text that was hashed, so that SHA-256 alone is enough to
check the chain.
"""

import io
import json
import zipfile
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Guest, User
from articles.models import Article
from articles.site.current_site import read_site
from comments.models import Comment, replied_to_id
from moderation.erasure import restricted_content
from moderation.models import Finding, IllegalContentReport, Report, RestrictedText, Restriction

FORMAT = "soundoff-evidence-2"

# `hashed` is the text that the database function comments_transition_digest() hashes.
LOG_ENTRIES = """
SELECT t.seq, t.kind, t.at, t.actor_id, t.from_state, t.to_state, t.from_reason, t.reason, t.revision,
       t.batch,
       (SELECT b.hash FROM comments_transition b
        WHERE b.discussion_id = t.discussion_id AND b.seq = t.seq - 1) AS before,
       jsonb_build_array(
         t.kind, t.discussion_id, t.seq, t.comment_id, t.revision, t.actor_id, t.from_state, t.to_state,
         t.from_reason, t.reason, t.old_parent_id, t.new_parent_id, t.batch,
         (extract(epoch FROM t.at) * 1000000)::bigint)::text AS hashed,
       t.hash
FROM comments_transition t WHERE t.comment_id = %s ORDER BY t.id"""

LAST_LOG_ENTRY = (
    "SELECT seq, hash FROM comments_transition WHERE discussion_id = %s ORDER BY seq DESC LIMIT 1"
)


def build_evidence_file(*, restriction: Restriction, by: User) -> bytes:
    """Return a ZIP file with comment.json, one file for each version of the text, README.txt and SHA256SUMS.

    The export is logged as a reading of the texts.
    """
    name = f"comment-{restriction.comment_id}"
    texts = restricted_content.read_texts([restriction], by=by, is_export=True)
    files = {f"{name}/text-{text.revision}.txt": text.body.encode() for text in texts}
    data = json.dumps(_comment_data(restriction, texts, by), ensure_ascii=False, indent=1, default=str)
    files[f"{name}/comment.json"] = data.encode()
    files[f"{name}/README.txt"] = _readme(restriction).encode()
    sums = "".join(f"{sha256(content).hexdigest()}  {path}\n" for path, content in sorted(files.items()))
    files[f"{name}/SHA256SUMS"] = sums.encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in sorted(files.items()):
            archive.writestr(path, content)
    return out.getvalue()


def _comment_data(restriction: Restriction, texts: Sequence[RestrictedText], by: User) -> dict[str, Any]:
    """Return all that is known about the comment, for comment.json."""
    comment = Comment.objects.select_related("discussion__article", "author", "guest").get(
        pk=restriction.comment_id
    )
    return {
        "format": FORMAT,
        "made_at": timezone.now().isoformat(),
        "made_by": {"id": by.pk, "name": by.name},
        "site": {"name": read_site().name, "url": settings.SITE_URL},
        "comment": _post_data(comment),
        "story": _story_data(comment.discussion.article),
        "author": _author_data(comment)
        | {"comment_name": restriction.author_name, "comment_email": restriction.author_email},
        "origin": restriction.ip_hash and bytes(restriction.ip_hash).hex(),
        "texts": [_text_data(text) for text in texts],
        "findings": list(
            Finding.objects.filter(comment=comment)
            .order_by("id")
            .values(
                "revision",
                "check_name",
                "strength",
                "spans",
                "number",
                "rule__value",
                "at",
                twin_id=F("duplicate_of"),  # the key in evidence files made before
            )
        ),
        "reports": list(
            Report.objects.filter(comment=comment)
            .order_by("id")
            .values("why", "at", "user", "guest", words=F("details"))
        ),
        "illegal_content_reports": list(
            IllegalContentReport.objects.filter(comment=comment)
            .order_by("id")
            .values("receipt", "is_child_abuse", "why", "name", "email", "at")
        ),
        "restriction": _restriction_data(restriction),
        **_log_data(comment),
    }


def _post_data(comment: Comment) -> dict[str, Any]:
    """Return the place and the time of the comment, without its text and author."""
    replied_to = Comment.objects.filter(pk=comment.pk).values_list(replied_to_id(), flat=True).get()
    return {
        "id": comment.pk,
        "url": settings.SITE_URL + comment.get_absolute_url(),
        "replies_to": replied_to,
        "posted_at": comment.created_at.isoformat(),
        "edited_at": comment.edited_at and comment.edited_at.isoformat(),
        "text_missing": comment.text_missing,
        "source": comment.source,
        "source_id": comment.source_id,
    }


def _story_data(article: Article) -> dict[str, Any]:
    return {
        "id": article.pk,
        "title": article.title,
        "url": settings.SITE_URL + article.get_absolute_url(),
        "published_at": article.published_at and article.published_at.isoformat(),
    }


def _author_data(comment: Comment) -> dict[str, Any]:
    """Return the facts about the author's account or guest."""
    if isinstance(comment.author, User):
        return {"kind": "account", "id": comment.author.pk, "email": comment.author.email} | {
            "since": comment.author.date_joined.isoformat()
        }
    if isinstance(comment.guest, Guest):
        confirmed = comment.guest.confirmed_at
        return {
            "kind": "guest",
            "id": comment.guest.pk,
            "since": comment.guest.created_at.isoformat(),
            "email_confirmed_at": confirmed and confirmed.isoformat(),
        }
    return {"kind": "source"}


def _text_data(text: RestrictedText) -> dict[str, Any]:
    """Return one version of the text, with its hash."""
    return {
        "revision": text.revision,
        "text": text.body,
        "is_redacted": text.is_redacted,
        "replaced_at": text.replaced_at and text.replaced_at.isoformat(),
        "sha256": sha256(text.body.encode()).hexdigest(),
    }


def _restriction_data(restriction: Restriction) -> dict[str, Any]:
    """Return the reason of the restriction, and the readers of the texts since."""
    return {
        "why": restriction.why,
        "at": restriction.at.isoformat(),
        "by": restriction.action.actor_id,
        "legal_hold": restriction.is_legal_hold,
        "readings": list(restriction.readings.order_by("id").values("by", "by__name", "at", "is_export")),
    }


def _log_data(comment: Comment) -> dict[str, Any]:
    """Return the entries of the transition log about the comment, and the last entry of its discussion."""
    with connection.cursor() as cursor:
        cursor.execute(LOG_ENTRIES, [comment.pk])
        names = [column.name for column in cursor.description]
        entries = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        cursor.execute(LAST_LOG_ENTRY, [comment.discussion_id])
        last = cursor.fetchone()
    for entry in entries:
        for key in ("before", "hash"):
            entry[key] = bytes(entry[key]).hex() if entry[key] else ""
    return {"log": entries, "log_ends_with": {"seq": last[0], "hash": bytes(last[1]).hex()} if last else None}


def _readme(restriction: Restriction) -> str:
    return _(
        "Comment #%(number)s as it was stored, exported from Soundoff.\n\n"
        "comment.json  everything that is known about it, in UTF-8; times are in UTC unless noted\n"
        "text-N.txt    the text of its version N; comment.json says when each version was replaced and\n"
        "              which ones a moderator had redacted\n"
        "SHA256SUMS    to verify the files, run: sha256sum -c SHA256SUMS, in the folder above\n\n"
        "“origin” is a keyed hash of the IP address from which it was sent, if it is known. The IP address\n"
        "itself is not stored; with the site’s secret key, the hash of a known address can be compared.\n\n"
        "Each entry of “log” can be verified: SHA-256 over the bytes of “before” (from hexadecimal) and\n"
        "“hashed” in UTF-8 is “hash”. “before” is the hash of the previous entry of its discussion.\n"
    ) % {"number": restriction.comment_id}
