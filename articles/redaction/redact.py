"""Words that must not stand anywhere behind a story or a standing page, taken out for good: of its text and
all its versions, of what was typed and not saved, and of the notes and corrections beside it.

Each letter becomes a black square, so every place stays where it was. What is remembered outside of the
database (accounts/erasure_log.py) is those places in each version and note, as their texts never change, and
no word: upon an older backup the words stand there again, are read from it, and are blacked out once more,
wherever they are.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.text import slugify

from accounts.erasure_log import Erasure, remember
from accounts.services import forget_in_log
from articles.models import Article, Note, Redirect, Revision, Text, Unsaved, Written
from articles.models.editing import of
from articles.services import save_article, save_page
from articles.site.cached_pages import withhold

BLACK = "█"
AROUND = 40  # characters before and after a word that is shown where it was found
SOME = 1_000  # versions that are asked for at once

_SPACE = r"(?:[^\S\n]+|[^\S\n]*\n[^\S\n]*)"  # a line may break between two words, a paragraph not
_NAMES = list(Text._fields)
_BESIDE = ["byline", "taken_back_why"]  # what else readers are told, of which there are no versions


class Place(NamedTuple):
    """Where a word stands: in which kind of text, and what is around it. `number` is of a version."""

    where: str  # story (or standing page), version, unsaved, note, correction
    number: int | None
    before: str
    word: str
    after: str


def find(thing: Written, words: Sequence[str]) -> list[Place]:
    """Every place of them, the story's own first."""
    pattern = _pattern(words)
    return [
        Place(
            where,
            number,
            text[max(0, at.start() - AROUND) : at.start()],
            at.group(),
            text[at.end() : at.end() + AROUND],
        )
        for where, number, texts in _texts(thing)
        for text in texts
        for at in pattern.finditer(text)
    ]


def addresses(thing: Written, words: Sequence[str]) -> list[str]:
    """Its addresses, the present one and earlier ones, that say one of them; they are not changed."""
    old = Redirect.objects.filter(**of(thing)).order_by("old").values_list("old", flat=True)
    said = [slug for word in words if (slug := slugify(word, allow_unicode=True))]
    return [url for url in (thing.get_absolute_url(), *old) if any(slug in url for slug in said)]


@transaction.atomic
def black_out(*, thing: Written, words: Sequence[str]) -> Counter[str]:
    """Whole words, whatever their case. There is no way back. Returns by kind (as in Place) how many texts
    had one."""
    pattern, count = _pattern(words), Counter[str]()
    thing = type(thing)._default_manager.select_for_update(no_key=True).get(pk=thing.pk)
    versions = [row for row in thing.revisions.iterator(20) if _blacken(row, _NAMES, pattern)]
    count["version"] = len(versions)
    for row in thing.unsaved.select_for_update():
        count["unsaved"] += _blacken_typed(row, pattern)
    notes = []
    if isinstance(thing, Article):
        notes = [note for note in thing.notes.all() if _blacken(note, ["body"], pattern)]
        count["note"] = len(notes)
        for correction in thing.corrections.all():
            count["correction"] += _blacken(correction, ["text"], pattern)
    own = [name for name in (*_NAMES, *_BESIDE) if hasattr(thing, name)]
    count["story"] = int(_blacken(thing, own, pattern))
    if count["story"] or count["correction"]:
        _show(thing)
    if count["story"] or any(BLACK in row.title for row in versions):
        for logged in (thing, getattr(thing, "discussion", None)):  # which is called by the title, too
            if logged:
                forget_in_log(logged)
    remember([*map(of_version, versions), *map(of_note, notes)])
    return +count


def _show(thing: Written) -> None:
    """Its last version says the same by now, so this makes none."""
    if isinstance(thing, Article):
        save_article(article=thing)
    else:
        save_page(page=thing)
    withhold()


# Upon an older state of the site


def of_version(row: Revision) -> Erasure:
    """The places that are black in it."""
    return Erasure("version", row.pk, row.at.isoformat(), spans=_spans(_joined(row)))


def of_note(row: Note) -> Erasure:
    return Erasure("note", row.pk, row.at.isoformat(), spans=_spans(row.body))


def blackened() -> Iterator[Erasure]:
    """Every version and note in which something is black."""
    some = Q(title__contains=BLACK) | Q(standfirst__contains=BLACK) | Q(body__contains=BLACK)
    yield from map(of_version, Revision.objects.filter(some).order_by("pk").iterator(20))
    yield from map(of_note, Note.objects.filter(body__contains=BLACK).order_by("pk").iterator(20))


def black_out_again(known: Sequence[Erasure]) -> int:
    """Do what a list remembers. Returns in how many versions."""
    words: defaultdict[Written, set[str]] = defaultdict(set)
    versions = Revision.objects.select_related("article", "page")
    for one, version in _stored(versions, [one for one in known if one.what == "version"]):
        words[version.thing] |= _words_at(one.spans, _joined(version))
    notes = Note.objects.select_related("article")
    for one, note in _stored(notes, [one for one in known if one.what == "note"]):
        words[note.article] |= _words_at(one.spans, note.body)
    count = 0
    for thing in sorted((thing for thing, some in words.items() if some), key=lambda thing: thing.pk):
        count += black_out(thing=thing, words=sorted(words[thing]))["version"]
    return count


def _stored(rows: QuerySet[Any], known: Sequence[Erasure]) -> Iterator[tuple[Erasure, Any]]:
    for start in range(0, len(known), SOME):
        some = known[start : start + SOME]
        found = rows.in_bulk({one.id for one in some})
        for one in some:
            row = found.get(one.id)
            if row and datetime.fromisoformat(one.made) == row.at:
                yield one, row


def _spans(text: str) -> str:
    return " ".join(f"{at.start()}-{at.end()}" for at in re.finditer(f"{BLACK}+", text))


def _words_at(spans: str, text: str) -> set[str]:
    """What stands at those places and is not black yet."""
    places = re.findall(r"(\d+)-(\d+)", spans)
    found = {text[int(start) : int(end)] for start, end in places}
    return {word for word in found if BLACK not in word and word.strip()}


def _joined(row: Revision) -> str:
    return "\n".join(getattr(row, name) for name in _NAMES)


# Words in a text


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    """The longest first: of a name and its first half the whole is one place."""
    whole = sorted({" ".join(word.split()) for word in words} - {""}, key=lambda word: (-len(word), word))
    return re.compile("|".join(_whole(word) for word in whole) or r"(?!)", re.IGNORECASE)


def _whole(word: str) -> str:
    before = r"(?<!\w)" if re.match(r"\w", word) else ""
    after = r"(?!\w)" if re.search(r"\w$", word) else ""
    return before + _SPACE.join(re.escape(part) for part in word.split(" ")) + after


def _blacken(row: Any, names: list[str], pattern: re.Pattern[str]) -> bool:
    """Whether anything of it was: it is stored then."""
    changed = []
    for name in names:
        text = getattr(row, name)
        black = _black(text, pattern)
        if black != text:
            setattr(row, name, black)
            changed.append(name)
    if changed:
        type(row).objects.filter(pk=row.pk).update(**{name: getattr(row, name) for name in changed})
    return bool(changed)


def _blacken_typed(row: Unsaved, pattern: re.Pattern[str]) -> bool:
    typed = {name: [_black(text, pattern) for text in texts] for name, texts in row.typed.items()}
    if typed == row.typed:
        return False
    Unsaved.objects.filter(pk=row.pk).update(typed=typed)
    return True


def _black(text: str, pattern: re.Pattern[str]) -> str:
    return pattern.sub(lambda at: BLACK * len(at.group()), text)


def _texts(thing: Written) -> Iterator[tuple[str, int | None, list[str]]]:
    yield "story", None, [*Text.of(thing), *(getattr(thing, name, "") for name in _BESIDE)]
    for row in thing.revisions.order_by("-number").iterator(20):
        yield "version", row.number, list(Text.of(row))
    for unsaved in thing.unsaved.all():
        yield "unsaved", None, [text for texts in unsaved.typed.values() for text in texts]
    if isinstance(thing, Article):
        yield "note", None, list(thing.notes.values_list("body", flat=True))
        yield "correction", None, list(thing.corrections.values_list("text", flat=True))
