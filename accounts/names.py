"""Checks of display names: invisible characters, and names that look alike."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import chain

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User

INVISIBLE_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and signs that show as blank

# In addition to Unicode's confusable letters (UTS 39, from the library): letters that look similar enough to
# be mistaken, and digits and signs that are used in place of letters.
_SIMILAR = {
    "b": "вь",
    "e": "ε3",
    "g": "9",
    "h": "н",
    "k": "кκ",
    "m": "м",
    "n": "пη",
    "o": "ө0",
    "s": "5$",
    "t": "тτ",
    "w": "ω",
    "x": "χ",
    "z": "2",
}
_TO_LETTER = str.maketrans({char: letter for letter, similar in _SIMILAR.items() for char in similar})
_I_OR_L = str.maketrans(dict.fromkeys("1|!ӏ", "\x00"))  # look like an i, or like an l
_INNER_CAPITAL_I = re.compile(r"(?<=[^\W\d_A-Z])I")  # after a lowercase letter

_EMOJI_CATEGORIES = {"So", "Cn"}  # Cn: emoji of a Unicode version newer than this Python's
_JOINERS = "\u200c\u200d"
_VARIATION_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# In addition to format and control characters.
_HIDDEN = f"{INVISIBLE_LETTERS}\u034f\u17b4\u17b5\u180b\u180c\u180d"
_FLAG, _KEYCAP = "\U0001f3f4", "\u20e3"
# Scripts in which a joiner changes how letters are displayed.
_JOINING_SCRIPTS = ("ARABIC", "SYRIAC", "MANDAIC", "MONGOLIAN", "NKO")


def clean_name(name: str) -> str:
    """Return the name with single spaces. Raises ValidationError if it is blank or has hidden characters."""
    name = " ".join(name.split())
    if not any(char.isprintable() and char not in f" {INVISIBLE_LETTERS}" for char in name):
        raise ValidationError(_("Enter your name or a pseudonym."), code="required")
    if any(_is_hidden(name, index) for index in range(len(name))):
        raise ValidationError(
            _(
                "Your name contains hidden characters, or characters that change the direction of text. "
                "Type it instead of pasting it."
            ),
            code="hidden",
        )
    return name


def check_not_staff_name(name: str, *, except_user: int | None = None) -> None:
    """Raise ValidationError if the name looks like that of a staff member.

    `except_user` is the id of an account to leave out of the comparison.
    """
    staff = User.objects.staff().active().exclude(name="")
    if except_user is not None:
        staff = staff.exclude(pk=except_user)
    if looks_like_any(name, staff.values_list("name", flat=True)):
        raise ValidationError(STAFF_NAME_TAKEN, code="staff")


STAFF_NAME_TAKEN = _(
    "A member of the staff has this name or a similar one. Choose another. If it is your name, log in."
)


def looks_like_any(name: str, others: Iterable[str]) -> bool:
    """Return whether this name can be mistaken for one of the others."""
    # Without a call for each name: a reply is compared with all names of its discussion.
    return not skeletons(name).isdisjoint(chain.from_iterable(map(skeletons, others)))


@lru_cache(maxsize=4_096)
def skeletons(name: str) -> frozenset[str]:
    """Return the simplified forms of a name. Two names that share a form look alike.

    The letters a to z stay distinct: Neil does not look like Nell, nor Marnie like Mamie.
    """
    normalized = _INNER_CAPITAL_I.sub("|", unicodedata.normalize("NFKC", name))
    forms = set()
    # A capital may look like another letter than its lowercase.
    for text in (normalized, strip_accents(normalized)):
        simplified = strip_accents("".join(map(_prototype, text))).translate(_I_OR_L).translate(_TO_LETTER)
        word_chars = re.sub(r"[^\w\0]|_", "", simplified)
        forms |= {word_chars.replace("\0", letter) for letter in "il"}
    return frozenset(forms - {""})


def strip_accents(name: str) -> str:
    """Return the name without case and accents."""
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    return "".join([c for c in parts if unicodedata.category(c) not in {"Mn", "Cf"}])


@lru_cache(maxsize=4_096)
def _prototype(char: str) -> str:
    """Return the character that stands for this one in comparisons.

    That is an ASCII letter that looks like it; else the only letter that looks like it; else itself.
    """
    if char.isascii() or ord(char) in _TO_LETTER or ord(char) in _I_OR_L:
        return char
    # Imported here, as few processes need its table, which takes 0.05 s of the start of each, and 12 MB.
    from confusable_homoglyphs import confusables

    similar = [confusable["c"] for confusable in confusables.confusables_data.get(char, ())]
    ascii_chars = [other for other in similar if other.isascii() and other.isalnum()]
    if ascii_chars:
        return str(ascii_chars[0])
    return str(similar[0]) if len(similar) == 1 else char


def _is_hidden(name: str, index: int) -> bool:
    """Return whether this character is invisible and its script does not need it at this index."""
    char = name[index]
    before, after = name[index - 1 : index] if index else "", name[index + 1 : index + 2]
    if char in _JOINERS:
        return not (_joins_letters(before, after) or (char == "\u200d" and _joins_emoji(before, after)))
    if _VARIATION_SELECTORS.match(char):
        has_variants = _category(before) in {"Sm", *_EMOJI_CATEGORIES}
        return not (has_variants or after == _KEYCAP or _unicode_name(before).startswith("CJK"))
    if "\U000e0020" <= char <= "\U000e007f":  # part of the flags of England, Scotland and Wales
        return not (before == _FLAG or "\U000e0020" <= before <= "\U000e007e")
    return char in _HIDDEN or unicodedata.category(char) in {"Cf", "Cc"}


def _joins_letters(before: str, after: str) -> bool:
    """Return whether a joiner between these two characters changes the form of a letter.

    It does next to a virama, which drops the vowel of an Indic letter, and between letters of a joining
    script.
    """
    if any(char and unicodedata.combining(char) == 9 for char in (before, after)):
        return True
    return _unicode_name(before).startswith(_JOINING_SCRIPTS) and _unicode_name(after).startswith(
        _JOINING_SCRIPTS
    )


def _joins_emoji(before: str, after: str) -> bool:
    """Return whether a joiner between these two characters makes one emoji of two."""
    is_first = bool(before) and (
        unicodedata.category(before) in _EMOJI_CATEGORIES
        or "\U0001f3fb" <= before <= "\U0001f3ff"
        or before == "\ufe0f"
    )
    return is_first and _category(after) in _EMOJI_CATEGORIES


def _unicode_name(char: str) -> str:
    return unicodedata.name(char, "") if char else ""


def _category(char: str) -> str:
    return unicodedata.category(char) if char else ""
