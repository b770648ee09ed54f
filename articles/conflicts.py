"""Two people in one article: what a page knew when it was opened, and what was saved since.

A form carries a digest of each field as it was read. What only a colleague has changed since stays as they
saved it; what both have changed is saved by nobody before a person has seen both.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from django import forms
from django.core import signing
from django.core.files.base import File
from django.db.models import Model

from accounts.models import User
from articles.differences import Row, compare, merge
from articles.models import Article, Revision, Text

READ_SALT = "articles.read"
ORDERLESS = {column.name for column in Article._meta.many_to_many}
COLUMNS = {column.name for column in [*Article._meta.fields, *Article._meta.many_to_many]}


@dataclass(frozen=True)
class Read:
    """What a page knew: `number` of the revision that it showed, and a digest of each field."""

    number: int
    fields: dict[str, str]

    @classmethod
    def of(cls, token: str) -> "Read | None":
        """None for what this site did not sign."""
        try:
            return cls(*signing.loads(token, salt=READ_SALT))
        except (signing.BadSignature, TypeError):
            return None

    def token(self) -> str:
        return signing.dumps((self.number, self.fields), salt=READ_SALT, compress=True)


@dataclass
class Conflict:
    """What a colleague has saved, beside what the form holds."""

    last: Revision  # of the colleague
    mine: Text
    base: int | None  # the number upon which mine was written
    texts: list[tuple[str, list[Row]]]  # by label, from theirs to mine
    values: list[tuple[str, str, str]]  # of other fields: label, theirs, mine
    both: Text | None  # the changes of both, where they do not touch


class WrittenForm(forms.ModelForm[Article]):
    """Saves nothing over what somebody else has saved since the page was read."""

    editor: User
    aside: Revision | None = None  # whose text was asked for, to be read before it is saved
    stored: Text
    conflict: Conflict | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = Text.of(self.instance)  # before what was sent is put into the instance

    def read(self) -> Read:
        """What a page that shows this form knows."""
        return Read(last_number(self.instance) if self.instance.pk else 0, self._digests())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in Text._fields:
            if isinstance(cleaned.get(name), str):
                cleaned[name] = cleaned[name].replace("\r\n", "\n")
        if self.instance.pk and set(Text._fields) <= cleaned.keys():
            if read := Read.of(self.data.get("read", "")):
                self._settle(read, cleaned)
            if self.aside and not self.conflict:
                own = Text.of(self.aside)
                self.conflict = self._compare(self.aside.base, own, _text(cleaned), ())
                self.add_error(None, "")
        return cleaned

    def _settle(self, read: Read, cleaned: dict[str, Any]) -> None:
        now = self._digests()
        theirs = {name for name in now if now[name] != read.fields.get(name, now[name])}
        if not theirs:
            return
        sent = {name: _digest(name, cleaned.get(name)) for name in theirs}
        untouched = {name for name in theirs if sent[name] == read.fields[name]}
        for name in untouched & cleaned.keys():
            cleaned[name] = self._stored(name)
        contested = {name for name in (theirs - untouched) & cleaned.keys() if sent[name] != now[name]}
        mine = _text(cleaned)
        is_text_changed = theirs & set(Text._fields) and mine != self.stored
        if not contested and not is_text_changed:
            return
        self.conflict = self._compare(read.number, mine, mine, contested - set(Text._fields))
        data: Any = self.data
        self.data = data = data.copy()
        for name in untouched & set(Text._fields):
            data[name] = cleaned[name]
        # What was left alone is to be left alone the next time too.
        kept = {name: read.fields[name] for name in untouched - set(Text._fields)}
        data["read"] = Read(last_number(self.instance), now | kept).token()
        self.add_error(None, "")  # not saved; the page says why

    def _compare(self, number: int | None, mine: Text, held: Text, contested: Iterable[str]) -> Conflict:
        """`mine` was written upon that number; `held` stands in the form now."""
        last = self.instance.revisions.saved().select_related("by").first()
        base = self.instance.revisions.saved().filter(number=number or 0).first()
        texts = []
        for name in Text._fields:
            old, new = getattr(self.stored, name), getattr(held, name)
            if old != new:
                texts.append((str(self.fields[name].label), compare(old, new)))
        values = []
        for name in sorted(contested):
            label, initial = str(self.fields[name].label), self.initial.get(name)
            values.append((label, _words(initial), _words(self.cleaned_data[name])))
        both = merge_texts(Text.of(base), mine, self.stored) if base else None
        theirs = last or Revision(article=self.instance, at=self.instance.updated_at)
        return Conflict(theirs, mine, number, texts, values, both)

    def _digests(self) -> dict[str, str]:
        names = [name for name in self.fields if name in COLUMNS or name in self.initial]
        return {name: _digest(name, self.get_initial_for_field(self.fields[name], name)) for name in names}

    def _stored(self, name: str) -> Any:
        """What the form would make of the stored value if that were sent."""
        entry = self.fields[name]
        value = self.get_initial_for_field(entry, name)
        if isinstance(entry, forms.MultiValueField):
            return entry.clean(entry.widget.decompress(value))
        if isinstance(entry, forms.FileField):
            return entry.clean(None, value)
        return entry.clean(entry.prepare_value(value))


def _text(cleaned: dict[str, Any]) -> Text:
    return Text(*(cleaned[name].strip() for name in Text._fields))


def merge_texts(base: Text, mine: Text, theirs: Text) -> Text | None:
    merged = [merge(*three) for three in zip(base, mine, theirs, strict=True)]
    if None in merged:
        return None
    return Text(*(text or "" for text in merged))


def last_number(article: Article) -> int:
    last = article.revisions.saved().values_list("number", flat=True).first()
    return last or 0


def _digest(name: str, value: Any) -> str:
    plain = _plain(value)
    if name in ORDERLESS:
        plain = ",".join(sorted(plain.split(",")))
    return sha256(plain.encode()).hexdigest()[:16]


def _plain(value: Any) -> str:
    """The same for what a form was given and for what it makes of that once it is sent back."""
    match value:
        case File():
            return value.name or ""
        case None | False:
            return ""
        case Model():
            return str(value.pk)
        case datetime():
            return value.astimezone(UTC).isoformat()
        case str():
            return value.replace("\r\n", "\n").strip()
    if isinstance(value, Iterable):
        return ",".join(_plain(one) for one in value)
    return str(value)


def _words(value: Any) -> str:
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(str(one) for one in value)
    return "" if value is None else str(value)
