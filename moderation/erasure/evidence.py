"""The evidence file of a sealed comment: all that is known of it, in a form that others can check.

Each line of the log is given with the very text over which its hash was made, so that nothing but SHA-256 is
needed to follow the chain.
"""

import io
import json
import zipfile
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Guest, User
from articles.models import Site
from comments.models import Comment
from moderation.erasure import restricted_content
from moderation.models import Finding, Notice, Report, Seal, SealedText

FORMAT = "soundoff-evidence-1"

# As comments_transition_digest() makes it.
LINES = """
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

HEAD = "SELECT seq, hash FROM comments_transition WHERE discussion_id = %s ORDER BY seq DESC LIMIT 1"


def pack(*, seal: Seal, by: User) -> bytes:
    """A zip: comment.json, each text as a file of its own, README.txt, and SHA256SUMS over the rest.

    That it is taken out is written down with the reading of the texts.
    """
    name = f"comment-{seal.comment_id}"
    texts = restricted_content.read_texts([seal], by=by, is_export=True)
    files = {f"{name}/text-{text.revision}.txt": text.body.encode() for text in texts}
    told = json.dumps(_tell(seal, texts, by), ensure_ascii=False, indent=1, default=str)
    files[f"{name}/comment.json"] = told.encode()
    files[f"{name}/README.txt"] = _readme(seal).encode()
    sums = "".join(f"{sha256(data).hexdigest()}  {path}\n" for path, data in sorted(files.items()))
    files[f"{name}/SHA256SUMS"] = sums.encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in sorted(files.items()):
            archive.writestr(path, data)
    return out.getvalue()


def _tell(seal: Seal, texts: Sequence[SealedText], by: User) -> dict[str, Any]:
    comment = Comment.objects.select_related("discussion__article", "author", "guest").get(pk=seal.comment_id)
    article, site = comment.discussion.article, Site.objects.first()
    return {
        "format": FORMAT,
        "made_at": timezone.now().isoformat(),
        "made_by": {"id": by.pk, "name": by.name},
        "site": {"name": site.name if site else "", "url": settings.SITE_URL},
        "comment": {
            "id": comment.pk,
            "url": settings.SITE_URL + comment.get_absolute_url(),
            "answers": comment.in_reply_to_id or comment.parent_id,
            "posted_at": comment.created_at.isoformat(),
            "edited_at": comment.edited_at and comment.edited_at.isoformat(),
            "text_missing": comment.text_missing,
            "source": comment.source,
            "source_id": comment.source_id,
        },
        "story": {
            "id": article.pk,
            "title": article.title,
            "url": settings.SITE_URL + article.get_absolute_url(),
            "published_at": article.published_at and article.published_at.isoformat(),
        },
        "writer": _writer(comment) | {"name_over_it": seal.author_name, "email_with_it": seal.author_email},
        "origin": seal.ip_hash and bytes(seal.ip_hash).hex(),
        "texts": [
            {
                "revision": text.revision,
                "text": text.body,
                "is_redacted": text.is_redacted,
                "replaced_at": text.replaced_at and text.replaced_at.isoformat(),
                "sha256": sha256(text.body.encode()).hexdigest(),
            }
            for text in texts
        ],
        "findings": list(
            Finding.objects.filter(comment=comment)
            .order_by("id")
            .values("revision", "check_name", "strength", "spans", "number", "twin_id", "rule__value", "at")
        ),
        "reports": list(
            Report.objects.filter(comment=comment)
            .order_by("id")
            .values("why", "words", "at", "user", "guest")
        ),
        "notices": list(
            Notice.objects.filter(comment=comment)
            .order_by("id")
            .values("receipt", "is_child_abuse", "why", "name", "email", "at")
        ),
        "seal": {
            "why": seal.why,
            "at": seal.at.isoformat(),
            "by": seal.batch.actor_id,
            "is_held": seal.is_held,
            "readings": list(seal.readings.order_by("id").values("by", "by__name", "at", "is_export")),
        },
        **_chain(comment),
    }


def _writer(comment: Comment) -> dict[str, Any]:
    """What is known of who wrote it besides what stood over the comment."""
    if isinstance(comment.author, User):
        return {"kind": "account", "id": comment.author.pk, "email": comment.author.email} | {
            "since": comment.author.date_joined.isoformat()
        }
    if isinstance(comment.guest, Guest):
        proved = comment.guest.confirmed_at
        return {
            "kind": "guest",
            "id": comment.guest.pk,
            "since": comment.guest.created_at.isoformat(),
            "email_confirmed_at": proved and proved.isoformat(),
        }
    return {"kind": "source"}


def _chain(comment: Comment) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(LINES, [comment.pk])
        names = [column.name for column in cursor.description]
        lines = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        cursor.execute(HEAD, [comment.discussion_id])
        head = cursor.fetchone()
    for line in lines:
        for key in ("before", "hash"):
            line[key] = bytes(line[key]).hex() if line[key] else ""
    return {"log": lines, "log_ends_with": {"seq": head[0], "hash": bytes(head[1]).hex()} if head else None}


def _readme(seal: Seal) -> str:
    return _(
        "Comment #%(number)s as it was stored, taken out of Soundoff.\n\n"
        "comment.json  all that is known of it, in UTF-8; times are in UTC unless they say otherwise\n"
        "text-N.txt    what it said in its version N; comment.json tells until when, and which of them\n"
        "              a moderator had blacked out\n"
        "SHA256SUMS    check with: sha256sum -c SHA256SUMS, in the folder above\n\n"
        "“origin” is a keyed hash of the IP address from which it was sent, or nothing. The IP address\n"
        "itself is not stored; with the site's secret key, a known one can be compared.\n\n"
        "Each line of “log” can be checked: SHA-256 over the bytes of “before” (from hexadecimal), followed\n"
        "by “hashed” in UTF-8, is “hash”. “before” is the hash of the line before it in its discussion.\n"
    ) % {"number": seal.comment_id}
