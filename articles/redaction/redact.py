"""Redaction: permanently remove words from a document and all texts that belong to it.

Each character becomes a black square, so positions in the text stay the same. The erasure log
(core/erasure_log.py) is outside of the database. It records these positions in each revision and note, whose
texts never change, and no words. After an older backup is restored, the words are read from these positions
and redacted again, wherever they occur.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.text import slugify

from accounts.services import erase_from_admin_log
from articles.models import (
    Article,
    Autosave,
    Document,
    DocumentText,
    EditorNote,
    Newsletter,
    Redirect,
    Revision,
)
from articles.models.editing import document_key
from articles.services import lock_document, save_article, save_page
from articles.site.cached_pages import increment_site_version, invalidate_outage_copies
from core.erasure_log import Erasure, append_on_commit

REDACTED = "█"
CONTEXT_CHARACTERS = 40  # characters that are shown before and after a word
BATCH_SIZE = 1_000  # rows that are loaded at once

_SPACE = r"(?:[^\S\n]+|[^\S\n]*\n[^\S\n]*)"  # two words may be on two lines, but not in two paragraphs
_OTHER_FIELDS = ["byline", "unpublished_reason"]  # other texts that readers see, which have no revisions
_NEWSLETTER_FIELDS = ["subject", "introduction"]


class Occurrence(NamedTuple):
    """A word in a text, with the characters around it. `number` is that of the revision, if it is in one."""

    kind: str  # of the text: current, revision, autosave, note, correction or newsletter
    number: int | None
    before: str
    word: str
    after: str


def find_occurrences(document: Document, words: Sequence[str]) -> list[Occurrence]:
    """Return all occurrences of the words, those in the current text first."""
    pattern = _pattern(words)
    return [
        Occurrence(
            kind,
            number,
            text[max(0, match.start() - CONTEXT_CHARACTERS) : match.start()],
            match.group(),
            text[match.end() : match.end() + CONTEXT_CHARACTERS],
        )
        for kind, number, texts in _document_texts(document)
        for text in texts
        for match in pattern.finditer(text)
    ]


def urls_containing(document: Document, words: Sequence[str]) -> list[str]:
    """Return the current and old URLs of the document that contain one of the words. They do not change."""
    old = Redirect.objects.filter(**document_key(document)).order_by("old").values_list("old", flat=True)
    slugs = [slug for word in words if (slug := slugify(word, allow_unicode=True))]
    return [url for url in (document.get_absolute_url(), *old) if any(slug in url for slug in slugs)]


@transaction.atomic
def redact_words(*, document: Document, words: Sequence[str]) -> Counter[str]:
    """Redact whole words, in any case. This cannot be undone.

    Returns how many texts of each kind (as Occurrence.kind) contained one.
    """
    pattern, counts = _pattern(words), Counter[str]()
    document = lock_document(document)
    revisions = [
        row for row in document.revisions.iterator(20) if _redact_row(row, DocumentText._fields, pattern)
    ]
    counts["revision"] = len(revisions)
    for row in document.autosaves.select_for_update():
        counts["autosave"] += _redact_autosave(row, pattern)
    notes = []
    if isinstance(document, Article):
        notes = [note for note in document.notes.all() if _redact_row(note, ["body"], pattern)]
        counts["note"] = len(notes)
        for correction in document.corrections.all():
            counts["correction"] += _redact_row(correction, ["text"], pattern)
        for newsletter in document.newsletters.select_for_update():
            counts["newsletter"] += _redact_newsletter(newsletter, pattern)
    own = [name for name in (*DocumentText._fields, *_OTHER_FIELDS) if hasattr(document, name)]
    counts["current"] = int(_redact_row(document, own, pattern))
    if counts["current"] or counts["correction"]:
        _rerender(document)
    if counts["newsletter"]:  # after the images of an article are locked, as wherever a text is saved
        increment_site_version()
        invalidate_outage_copies()
    if counts["current"] or any(REDACTED in row.title for row in revisions):
        erase_from_admin_log(document)
        if discussion := getattr(document, "discussion", None):  # the log names it by the same title
            erase_from_admin_log(discussion)
    append_on_commit([*map(revision_erasure, revisions), *map(note_erasure, notes)])
    return +counts


def _rerender(document: Document) -> None:
    """Render the redacted text. This creates no revision, as the latest one has the same text by now."""
    if isinstance(document, Article):
        save_article(article=document)
    else:
        save_page(page=document)
    invalidate_outage_copies()


# Redaction after a restore


def revision_erasure(revision: Revision) -> Erasure:
    """Return the log entry with the redacted positions of a revision."""
    return Erasure(
        "version", revision.pk, revision.at.isoformat(), spans=_redacted_spans(_joined_text(revision))
    )


def note_erasure(note: EditorNote) -> Erasure:
    """Return the log entry with the redacted positions of a note."""
    return Erasure("note", note.pk, note.at.isoformat(), spans=_redacted_spans(note.body))


def redaction_erasures() -> Iterator[Erasure]:
    """Yield the log entries of all redacted revisions and notes."""
    is_redacted = Q(title__contains=REDACTED) | Q(standfirst__contains=REDACTED) | Q(body__contains=REDACTED)
    yield from map(revision_erasure, Revision.objects.filter(is_redacted).order_by("pk").iterator(20))
    yield from map(
        note_erasure, EditorNote.objects.filter(body__contains=REDACTED).order_by("pk").iterator(20)
    )


def replay_redactions(erasures: Sequence[Erasure]) -> int:
    """Replay the redactions among these erasures. Returns the number of changed revisions."""
    words: defaultdict[Document, set[str]] = defaultdict(set)
    revisions = Revision.objects.select_related("article", "page")
    revision_erasures = [erasure for erasure in erasures if erasure.kind == "version"]
    for erasure, revision in _stored_rows(revisions, revision_erasures):
        words[revision.document] |= _words_at(erasure.spans, _joined_text(revision))
    notes = EditorNote.objects.select_related("article")
    note_erasures = [erasure for erasure in erasures if erasure.kind == "note"]
    for erasure, note in _stored_rows(notes, note_erasures):
        words[note.article] |= _words_at(erasure.spans, note.body)
    count = 0
    documents = [document for document, found in words.items() if found]
    for document in sorted(documents, key=lambda document: document.pk):
        count += redact_words(document=document, words=sorted(words[document]))["revision"]
    return count


def _stored_rows(rows: QuerySet[Any], erasures: Sequence[Erasure]) -> Iterator[tuple[Erasure, Any]]:
    """Yield each erasure with the row that it is about, if that row still exists."""
    for start in range(0, len(erasures), BATCH_SIZE):
        batch = erasures[start : start + BATCH_SIZE]
        found = rows.in_bulk({erasure.id for erasure in batch})
        for erasure in batch:
            row = found.get(erasure.id)
            if row and datetime.fromisoformat(erasure.made) == row.at:
                yield erasure, row


def _redacted_spans(text: str) -> str:
    return " ".join(f"{match.start()}-{match.end()}" for match in re.finditer(f"{REDACTED}+", text))


def _words_at(spans: str, text: str) -> set[str]:
    """Return the texts at these positions that are not redacted yet."""
    positions = re.findall(r"(\d+)-(\d+)", spans)
    found = {text[int(start) : int(end)] for start, end in positions}
    return {word for word in found if REDACTED not in word and word.strip()}


def _joined_text(revision: Revision) -> str:
    return "\n".join(getattr(revision, name) for name in DocumentText._fields)


# Words in a text


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    """Return a pattern of the words, the longest first, so that a name matches before its first half."""
    whole = sorted({" ".join(word.split()) for word in words} - {""}, key=lambda word: (-len(word), word))
    return re.compile("|".join(_whole_word(word) for word in whole) or r"(?!)", re.IGNORECASE)


def _whole_word(word: str) -> str:
    before = r"(?<!\w)" if re.match(r"\w", word) else ""
    after = r"(?!\w)" if re.search(r"\w$", word) else ""
    return before + _SPACE.join(re.escape(part) for part in word.split(" ")) + after


def _redact_row(row: Any, names: Iterable[str], pattern: re.Pattern[str]) -> bool:
    """Redact fields of a row and store them. Returns whether any has changed."""
    changed = []
    for name in names:
        text = getattr(row, name)
        redacted = _redact_text(text, pattern)
        if redacted != text:
            setattr(row, name, redacted)
            changed.append(name)
    if changed:
        type(row).objects.filter(pk=row.pk).update(**{name: getattr(row, name) for name in changed})
    return bool(changed)


def _redact_newsletter(row: Newsletter, pattern: re.Pattern[str]) -> bool:
    if not _redact_row(row, _NEWSLETTER_FIELDS, pattern):
        return False
    Newsletter.objects.filter(pk=row.pk).update(version=F("version") + 1)
    erase_from_admin_log(row)  # the log names it by its subject
    return True


def _redact_autosave(row: Autosave, pattern: re.Pattern[str]) -> bool:
    fields = {name: [_redact_text(text, pattern) for text in texts] for name, texts in row.fields.items()}
    if fields == row.fields:
        return False
    Autosave.objects.filter(pk=row.pk).update(fields=fields)
    return True


def _redact_text(text: str, pattern: re.Pattern[str]) -> str:
    return pattern.sub(lambda match: REDACTED * len(match.group()), text)


def _document_texts(document: Document) -> Iterator[tuple[str, int | None, list[str]]]:
    yield (
        "current",
        None,
        [*DocumentText.of(document), *(getattr(document, name, "") for name in _OTHER_FIELDS)],
    )
    for revision in document.revisions.order_by("-number").iterator(20):
        yield "revision", revision.number, list(DocumentText.of(revision))
    for autosave in document.autosaves.all():
        yield "autosave", None, [text for texts in autosave.fields.values() for text in texts]
    if isinstance(document, Article):
        yield "note", None, list(document.notes.values_list("body", flat=True))
        yield "correction", None, list(document.corrections.values_list("text", flat=True))
        for texts in document.newsletters.values_list(*_NEWSLETTER_FIELDS):
            yield "newsletter", None, list(texts)
