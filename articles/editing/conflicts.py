"""Two people in one article: what a page knew when it was opened, and what was saved since.

A form carries a digest of each field as it was read. What only a colleague has changed since stays as they
saved it; what both have changed is saved by nobody before a person has seen both.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import zip_longest
from typing import Any, NamedTuple

from django import forms
from django.core import signing
from django.core.files.base import File
from django.db.models import Model, QuerySet
from django.utils.datastructures import MultiValueDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts.models import User
from articles.editing.diff import Row, compare, merge
from articles.models import Revision, Text, Written
from articles.models.editing import of
from core.forms import leave_whole
from core.templatetags.dates import clock

READ_SALT = "articles.read"
UNDECIDED = "undecided"  # of the error that keeps a form from being saved


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


class Contested(NamedTuple):
    """A field that both have changed, not alike."""

    label: str
    name: str  # of the choice, as it is sent: "theirs" or "mine", and what theirs was when that was seen
    seen: str
    theirs: str
    mine: str
    chosen: str


@dataclass
class Conflict:
    """The text that a colleague has saved, beside the one that the form holds."""

    last: Revision  # of the colleague
    mine: Text
    base: int | None  # the number upon which mine was written
    texts: list[tuple[str, list[Row]]]  # by label, from theirs to mine
    both: Text | None  # the changes of both, where they do not touch


class WrittenForm(forms.ModelForm[Any]):
    """Saves nothing over what somebody else has saved since the page was read. Also a form of an inline."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        leave_whole(self)
        self.contested: list[Contested] = []
        self.taken_over: list[str] = []  # labels of what only somebody else has changed

    @cached_property
    def changed_data(self) -> list[str]:
        """Not what differs in the ends of its lines alone, of which browsers send two signs."""
        pairs = {name: (self[name].data, self[name].initial) for name in super().changed_data}
        return [
            name
            for name, pair in pairs.items()
            if not all(isinstance(each, str) for each in pair) or len(set(map(_plain, pair))) > 1
        ]

    @property
    def number(self) -> int:
        """Of the last version; 0 where there are none."""
        return 0

    def known(self) -> dict[str, str]:
        """What a page that shows this form knows of it."""
        return {self.add_prefix(name): digest for name, digest in self._digests().items()}

    def fill(self, typed: Mapping[str, list[str]]) -> None:
        """Show what was typed once, with a tick taken away also. What is no name there stays as it is."""
        data = MultiValueDict(typed)
        for name, entry in self.fields.items():
            key = self.add_prefix(name)
            if not entry.widget.is_hidden and any(each in typed for each in (key, f"{key}_0")):
                self.initial[name] = entry.widget.value_from_datadict(data, MultiValueDict(), key)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.instance._state.adding and (read := Read.of(self.data.get("read", ""))):
            self.settle(read)
        return cleaned

    def settle(self, read: Read) -> None:
        now = self._digests()
        for name in [name for name in now if name in self.cleaned_data]:
            known = read.fields.get(self.add_prefix(name), now[name])
            sent = self._digest(name, self.wanted(name))
            if now[name] == known or now[name] == sent:
                continue
            if sent == known:
                self.take_theirs(name)
                self.taken_over.append(str(self.fields[name].label))
            else:
                self.ask(name, now[name])

    def wanted(self, name: str) -> Any:
        """What the person would have there."""
        return self.cleaned_data[name]

    def take_theirs(self, name: str) -> None:
        self.cleaned_data[name] = self._stored(name)
        if name in self.changed_data:
            self.changed_data.remove(name)
        self._show_stored(name)

    def _show_stored(self, name: str) -> None:
        """If the form comes back: as though that had been sent."""
        entry, key = self.fields[name], self.add_prefix(name)
        widget: Any = getattr(entry.widget, "widget", entry.widget)  # the admin wraps some
        value = entry.prepare_value(self.get_initial_for_field(entry, name))
        parts = [(key, widget, value)]
        if isinstance(widget, forms.MultiWidget):
            pairs = zip_longest(widget.widgets, widget.decompress(value) or [])
            parts = [(f"{key}_{n}", *pair) for n, pair in enumerate(pairs)]
        data: Any = self.data
        data = data.copy()
        for key, widget, value in parts:
            is_tick = isinstance(widget, forms.CheckboxInput)
            sent = (value and "on") or None if is_tick else widget.format_value(value)
            data.setlist(key, sent if isinstance(sent, list) else [sent or ""])
            if is_tick and not sent:
                del data[key]
        self.data = data

    def ask(self, name: str, seen: str) -> None:
        """Both values are shown, and one is chosen; again, if theirs is another one by then."""
        choice = f"take-{self.add_prefix(name)}"
        side, _dot, of = self.data.get(choice, "").partition(".")
        chosen = side if of == seen else ""
        theirs, mine = (self._words(name, value) for value in (self._stored(name), self.wanted(name)))
        self.contested.append(Contested(str(self.fields[name].label), choice, seen, theirs, mine, chosen))
        if chosen == "theirs":
            self.take_theirs(name)
        elif chosen != "mine":
            self.stay_unsaved()

    def stay_unsaved(self) -> None:
        words = _("Somebody else has changed it meanwhile. Choose at the top of this page.")
        self.add_error(None, forms.ValidationError(words, code=UNDECIDED))

    def is_undecided(self) -> bool:
        """Whether nothing else is wrong."""
        errors = [error for each in self.errors.as_data().values() for error in each]
        return all(error.code == UNDECIDED for error in errors)

    def _digests(self) -> dict[str, str]:
        model = self._meta.model._meta
        columns = {column.name for column in (*model.fields, *model.many_to_many)}
        return {
            name: self._digest(name, self.get_initial_for_field(entry, name))
            for name, entry in self.fields.items()
            if not entry.widget.is_hidden and (name in columns or name in self.initial)
        }

    def _digest(self, name: str, value: Any) -> str:
        plain = _plain(value)
        if isinstance(self.fields[name], forms.ModelMultipleChoiceField):
            plain = ",".join(sorted(plain.split(",")))  # in no order
        return sha256(plain.encode()).hexdigest()[:16]

    def _stored(self, name: str) -> Any:
        """What the form would make of the stored value if that were sent."""
        entry = self.fields[name]
        value = self.get_initial_for_field(entry, name)
        if isinstance(entry, forms.MultiValueField):
            return entry.clean(entry.widget.decompress(value))
        if isinstance(entry, forms.FileField):
            return entry.clean(None, value)
        return entry.clean(entry.prepare_value(value))

    def _words(self, name: str, value: Any) -> str:
        entry = self.fields[name]
        if isinstance(value, datetime):
            return clock().moment(value)
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        if isinstance(entry, forms.ChoiceField) and not isinstance(value, Model | QuerySet):
            choices: Any = entry.choices
            return str(dict(choices).get(value, value) or "")
        if isinstance(value, Iterable) and not isinstance(value, str | File):
            return ", ".join(str(one) for one in value)
        return "" if value is None else str(value)


class TextForm(WrittenForm):
    """Of something whose text is kept in versions. It is asked about as a whole."""

    editor: User
    aside: Revision | None = None  # whose text was asked for, to be read before it is saved
    stored: Text
    conflict: Conflict | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = Text.of(self.instance)  # before what was sent is put into the instance

    @property
    def number(self) -> int:
        return last_number(self.instance) if self.instance.pk else 0

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for name in Text._fields:
            if isinstance(cleaned.get(name), str):
                cleaned[name] = cleaned[name].replace("\r\n", "\n")
        if self.aside and not self.conflict and self.fields.keys() & set(Text._fields) <= cleaned.keys():
            self.conflict = self._compare(self.aside.base, Text.of(self.aside), _text(cleaned))
            self.stay_unsaved()
        return cleaned

    def is_changed(self) -> bool:
        """Whether there is something for the verb to store."""
        return self.has_changed()

    def settle(self, read: Read) -> None:
        now = {name: digest for name, digest in self._digests().items() if name in Text._fields}
        super().settle(read)
        if not now.keys() <= self.cleaned_data.keys():
            return
        mine = _text(self.cleaned_data)
        if mine == self.stored or all(now[name] == read.fields.get(name, now[name]) for name in now):
            return
        self.conflict = self._compare(read.number, mine, mine)
        data: Any = self.data
        self.data = data = data.copy()
        data["read"] = Read(self.number, read.fields | now).token()
        self.stay_unsaved()

    def ask(self, name: str, seen: str) -> None:
        if name not in Text._fields:
            super().ask(name, seen)

    def _compare(self, number: int | None, mine: Text, held: Text) -> Conflict:
        """`mine` was written upon that number; `held` stands in the form now."""
        last = self.instance.revisions.saved().select_related("by").first()
        base = self.instance.revisions.saved().filter(number=number or 0).first()
        texts = []
        for name in Text._fields:
            old, new = getattr(self.stored, name), getattr(held, name)
            if old != new:  # a standing page has no standfirst, and never another one
                texts.append((str(self.fields[name].label), compare(old, new)))
        both = merge_texts(Text.of(base), mine, self.stored) if base else None
        theirs = last or Revision(**of(self.instance), at=self.instance.updated_at)
        return Conflict(theirs, mine, number, texts, both)


def _text(cleaned: dict[str, Any]) -> Text:
    return Text(*(cleaned.get(name, "").strip() for name in Text._fields))


def merge_texts(base: Text, mine: Text, theirs: Text) -> Text | None:
    merged = [merge(*three) for three in zip(base, mine, theirs, strict=True)]
    if None in merged:
        return None
    return Text(*(text or "" for text in merged))


def last_number(thing: Written) -> int:
    last = thing.revisions.saved().values_list("number", flat=True).first()
    return last or 0


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
