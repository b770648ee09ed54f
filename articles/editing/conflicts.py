"""Forms that find conflicts with changes that a colleague has saved since the page was loaded.

A page carries a snapshot with a digest of each field. A field that only the colleague has changed keeps the
colleague's value. If both have changed a field, nothing is saved before the person has seen both values.
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
from django.utils.text import normalize_newlines
from django.utils.translation import gettext as _

from accounts.models import User
from articles.editing.diff import DiffPassage, compare, merge
from articles.models import DocumentText, Revision
from articles.models.editing import document_key
from core.dates.formats import time_formatter
from core.forms import remove_maxlength

SNAPSHOT_SALT = "articles.read"
CHOICE_NEEDED = "undecided"  # code of the error that prevents saving


@dataclass(frozen=True)
class FormSnapshot:
    """The state that a page has loaded: the `number` of the current revision, and a digest of each field."""

    number: int
    fields: dict[str, str]

    @classmethod
    def from_token(cls, token: str) -> "FormSnapshot | None":
        """Return the snapshot in the token; None if this site did not sign it."""
        try:
            return cls(*signing.loads(token, salt=SNAPSHOT_SALT))
        except (signing.BadSignature, TypeError):
            return None

    def token(self) -> str:
        """Return the snapshot as signed text, for a hidden field of the page."""
        return signing.dumps((self.number, self.fields), salt=SNAPSHOT_SALT, compress=True)


class ConflictingField(NamedTuple):
    """A field that both have changed, to different values."""

    label: str
    name: str  # of the radio buttons, whose value is "theirs" or "mine", a dot, and `seen`
    seen: str  # digest of the colleague's value that the person has seen
    theirs: str
    mine: str
    chosen: str


@dataclass
class TextConflict:
    """The text that a colleague has saved, next to the one in the form."""

    latest: Revision  # by the colleague
    mine: DocumentText
    base_number: int | None  # of the revision on which `mine` is based
    diff: list[tuple[str, list[DiffPassage]]]  # by label of the field, from theirs to mine
    merged: DocumentText | None  # with the changes of both; None if the changes overlap


class ConflictAwareForm(forms.ModelForm[Any]):
    """A form that overwrites nothing that others saved since the page was loaded. Inlines use it, too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        remove_maxlength(self)
        self.conflicts: list[ConflictingField] = []
        self.fields_from_colleague: list[str] = []  # labels of the fields that only somebody else has changed

    @cached_property
    def changed_data(self) -> list[str]:
        """Return the names of changed fields. Line ends do not count, since browsers change them."""
        pairs = {name: (self[name].data, self[name].initial) for name in super().changed_data}
        return [
            name
            for name, pair in pairs.items()
            if not all(isinstance(value, str) for value in pair) or len(set(map(_normalize, pair))) > 1
        ]

    @property
    def revision_number(self) -> int:
        """Return the number of the latest revision; 0 where there are none."""
        return 0

    def prefixed_digests(self) -> dict[str, str]:
        """Return the digest of each field by its name on the page."""
        return {self.add_prefix(name): digest for name, digest in self._digests().items()}

    def fill_with_unsaved(self, unsaved_fields: Mapping[str, list[str]]) -> None:
        """Show unsaved values, unticked boxes too. A field that is not among them stays as it is."""
        data = MultiValueDict(unsaved_fields)
        for name, field in self.fields.items():
            key = self.add_prefix(name)
            if not field.widget.is_hidden and not unsaved_fields.keys().isdisjoint((key, f"{key}_0")):
                self.initial[name] = field.widget.value_from_datadict(data, MultiValueDict(), key)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        snapshot = FormSnapshot.from_token(self.data.get("read", ""))
        if snapshot and not self.instance._state.adding:
            self.find_conflicts(snapshot)
        return cleaned

    def find_conflicts(self, snapshot: FormSnapshot) -> None:
        """Compare each field as it was loaded, as it is stored now and as it was submitted."""
        stored = self._digests()
        for name in [name for name in stored if name in self.cleaned_data]:
            loaded = snapshot.fields.get(self.add_prefix(name), stored[name])
            submitted = self._digest(name, self.submitted_value(name))
            if stored[name] == loaded or stored[name] == submitted:
                continue
            if submitted == loaded:
                self.use_stored_value(name)
                self.fields_from_colleague.append(str(self.fields[name].label))
            else:
                self.require_choice(name, stored[name])

    def submitted_value(self, name: str) -> Any:
        """Return the value that the person wants to save in the field."""
        return self.cleaned_data[name]

    def use_stored_value(self, name: str) -> None:
        """Leave the field as a colleague has saved it."""
        self.cleaned_data[name] = self._stored(name)
        if name in self.changed_data:
            self.changed_data.remove(name)
        self._show_stored(name)

    def _show_stored(self, name: str) -> None:
        """Put the stored value into the submitted data, in case the form is shown again."""
        field, key = self.fields[name], self.add_prefix(name)
        widget: Any = getattr(field.widget, "widget", field.widget)  # the admin wraps some
        value = field.prepare_value(self.get_initial_for_field(field, name))
        parts = [(key, widget, value)]
        if isinstance(widget, forms.MultiWidget):
            pairs = zip_longest(widget.widgets, widget.decompress(value) or [])
            parts = [(f"{key}_{n}", *pair) for n, pair in enumerate(pairs)]
        data: Any = self.data
        data = data.copy()
        for key, widget, value in parts:
            is_checkbox = isinstance(widget, forms.CheckboxInput)
            formatted = (value and "on") or None if is_checkbox else widget.format_value(value)
            data.setlist(key, formatted if isinstance(formatted, list) else [formatted or ""])
            if is_checkbox and not formatted:
                del data[key]
        self.data = data

    def require_choice(self, name: str, seen: str) -> None:
        """Show both values and apply the choice.

        `seen` is the digest of the stored value. A choice that was made for another value does not count.
        """
        choice = f"take-{self.add_prefix(name)}"
        side, _dot, digest = self.data.get(choice, "").partition(".")
        chosen = side if digest == seen else ""
        values = (self._stored(name), self.submitted_value(name))
        theirs, mine = (self._value_text(name, value) for value in values)
        self.conflicts.append(
            ConflictingField(str(self.fields[name].label), choice, seen, theirs, mine, chosen)
        )
        if chosen == "theirs":
            self.use_stored_value(name)
        elif chosen != "mine":
            self.prevent_saving()

    def prevent_saving(self) -> None:
        """Add the error that asks for a choice."""
        message = _("Somebody else has changed this meanwhile. Choose a version at the top of this page.")
        self.add_error(None, forms.ValidationError(message, code=CHOICE_NEEDED))

    def only_needs_choices(self) -> bool:
        """Return whether the form has no other errors than those that ask for a choice."""
        errors = [error for errors_of_field in self.errors.as_data().values() for error in errors_of_field]
        return all(error.code == CHOICE_NEEDED for error in errors)

    def _digests(self) -> dict[str, str]:
        model = self._meta.model._meta
        model_fields = {field.name for field in (*model.fields, *model.many_to_many)}
        return {
            name: self._digest(name, self.get_initial_for_field(field, name))
            for name, field in self.fields.items()
            if not field.widget.is_hidden and (name in model_fields or name in self.initial)
        }

    def _digest(self, name: str, value: Any) -> str:
        plain = _normalize(value)
        if isinstance(self.fields[name], forms.ModelMultipleChoiceField):
            plain = ",".join(sorted(plain.split(",")))  # the order does not matter
        return sha256(plain.encode()).hexdigest()[:16]

    def _stored(self, name: str) -> Any:
        """Return the stored value as the form would clean it."""
        field = self.fields[name]
        value = self.get_initial_for_field(field, name)
        if isinstance(field, forms.MultiValueField):
            return field.clean(field.widget.decompress(value))
        if isinstance(field, forms.FileField):
            return field.clean(None, value)
        return field.clean(field.prepare_value(value))

    def _value_text(self, name: str, value: Any) -> str:
        field = self.fields[name]
        if isinstance(value, datetime):
            return time_formatter().moment(value)
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        if isinstance(field, forms.ChoiceField) and not isinstance(value, Model | QuerySet):
            choices: Any = field.choices
            return str(dict(choices).get(value, value) or "")
        if isinstance(value, Iterable) and not isinstance(value, str | File):
            return ", ".join(str(item) for item in value)
        return "" if value is None else str(value)


class DocumentForm(ConflictAwareForm):
    """A form of a document. A conflict of its text fields is shown as one, with a diff."""

    editor: User
    chosen_copy: Revision | None = None  # the conflicting copy whose text the person put into the form
    stored: DocumentText
    conflict: TextConflict | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = DocumentText.of(self.instance)  # before the instance gets the submitted values

    @property
    def revision_number(self) -> int:
        return self.instance.revisions.latest_number() if self.instance.pk else 0

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for name in DocumentText._fields:
            if isinstance(cleaned.get(name), str):
                cleaned[name] = normalize_newlines(cleaned[name])
        copy = self.chosen_copy
        if copy and not self.conflict and self.fields.keys() & set(DocumentText._fields) <= cleaned.keys():
            self.conflict = self._compare(
                copy.base_number, DocumentText.of(copy), DocumentText.from_fields(cleaned)
            )
            self.prevent_saving()
        return cleaned

    def clean_title(self) -> str:
        """Return the title in one line: its field wraps long ones, and so takes line ends as well."""
        return " ".join(str(self.cleaned_data["title"]).splitlines())

    def find_conflicts(self, snapshot: FormSnapshot) -> None:
        stored = {name: digest for name, digest in self._digests().items() if name in DocumentText._fields}
        super().find_conflicts(snapshot)
        if not stored.keys() <= self.cleaned_data.keys():
            return
        mine = DocumentText.from_fields(self.cleaned_data)
        is_unchanged = all(stored[name] == snapshot.fields.get(name, stored[name]) for name in stored)
        if mine == self.stored or is_unchanged:
            return
        self.conflict = self._compare(snapshot.number, mine, mine)
        data: Any = self.data
        self.data = data = data.copy()
        data["read"] = FormSnapshot(self.revision_number, snapshot.fields | stored).token()
        self.prevent_saving()

    def require_choice(self, name: str, seen: str) -> None:
        if name not in DocumentText._fields:
            super().require_choice(name, seen)

    def _compare(self, base_number: int | None, mine: DocumentText, in_form: DocumentText) -> TextConflict:
        """Compare the stored text with the one that is in the form now.

        `mine` is the person's own text, based on the revision with the number `base_number`.
        """
        latest = self.instance.revisions.saved().select_related("by").first()
        base = self.instance.revisions.saved().filter(number=base_number or 0).first()
        diff = []
        for name in DocumentText._fields:
            old, new = getattr(self.stored, name), getattr(in_form, name)
            if old != new:  # never of the standfirst of a page, which has none
                diff.append((str(self.fields[name].label), compare(old, new)))
        merged = merge_texts(DocumentText.of(base), mine, self.stored) if base else None
        latest = latest or Revision(**document_key(self.instance), at=self.instance.updated_at)
        return TextConflict(latest, mine, base_number, diff, merged)


def merge_texts(base: DocumentText, mine: DocumentText, theirs: DocumentText) -> DocumentText | None:
    """Return the text with the changes of both to `base`; None if the changes overlap."""
    merged = [merge(*texts) for texts in zip(base, mine, theirs, strict=True)]
    if None in merged:
        return None
    return DocumentText(*(text or "" for text in merged))


def _normalize(value: Any) -> str:
    """Return the same text for an initial value and for the value cleaned from its submission."""
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
            return normalize_newlines(value).strip()
    if isinstance(value, Iterable):
        return ",".join(_normalize(item) for item in value)
    return str(value)
