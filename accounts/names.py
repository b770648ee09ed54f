"""Checks of the names that people sign with: their characters, and which two look alike."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from confusable_homoglyphs import confusables
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User

INVISIBLE_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and signs that leave nothing to see

# Beside what Unicode says of confusable letters (UTS 39, by the library): those that a glance takes for
# another one all the same, and digits and signs that are written for letters.
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
_TO_LETTER = str.maketrans({alike: letter for letter, some in _SIMILAR.items() for alike in some})
_I_OR_L = str.maketrans(dict.fromkeys("1|!ӏ", "\x00"))  # taken for an i, or for an l
_INNER_CAPITAL_I = re.compile(r"(?<=[^\W\d_A-Z])I")  # within small letters

_EMOJI_CATEGORIES = {"So", "Cn"}  # the second: of a Unicode that is newer than this Python
_JOINERS = "\u200c\u200d"
_VARIATION_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_HIDDEN = f"{INVISIBLE_LETTERS}\u034f\u17b4\u17b5\u180b\u180c\u180d"  # beside format and control characters
_FLAG, _KEYCAP = "\U0001f3f4", "\u20e3"
# Scripts in which a joiner changes what is seen.
_JOINING_SCRIPTS = ("ARABIC", "SYRIAC", "MANDAIC", "MONGOLIAN", "NKO")


def clean_name(name: str) -> str:
    """Return the name as others will read it, its spaces single. Raises ValidationError where nothing is
    seen, or where it holds characters that can't be seen."""
    name = " ".join(name.split())
    if not any(letter.isprintable() and letter not in f" {INVISIBLE_LETTERS}" for letter in name):
        raise ValidationError(_("Write your name, or one that you go by."), code="required")
    if any(_is_hidden(name, place) for place in range(len(name))):
        raise ValidationError(
            _(
                "There are characters in your name that nobody sees, or that turn the direction of writing. "
                "Type it again instead of pasting it."
            ),
            code="hidden",
        )
    return name


def check_staff(name: str, *, but: int | None = None) -> None:
    """Raise ValidationError where somebody who works here (`but`: another than this account) can be taken
    for whoever has this name."""
    staff = User.objects.staff().active().exclude(name="")
    if but is not None:
        staff = staff.exclude(pk=but)
    if is_like(name, staff.values_list("name", flat=True)):
        raise ValidationError(STAFF_NAME_TAKEN, code="staff")


STAFF_NAME_TAKEN = _(
    "Somebody who works here has this name, or one that looks like it. Choose another. If it is you, log in."
)


def is_like(name: str, others: Iterable[str]) -> bool:
    """Return whether this name can be taken for one of the others."""
    mine = skeletons(name)
    return any(mine & skeletons(other) for other in others)


@lru_cache(maxsize=4_096)
def skeletons(name: str) -> frozenset[str]:
    """Return the forms of a name without what a glance misses: two names that share one look alike.

    The letters a to z stand for themselves: Neil is not Nell, nor Marnie Mamie.
    """
    marked = _INNER_CAPITAL_I.sub("|", unicodedata.normalize("NFKC", name))
    found = set()
    for letters in (marked, plain(marked)):  # a capital may look like another letter than its small form
        alike = plain("".join(map(_prototype, letters))).translate(_I_OR_L).translate(_TO_LETTER)
        bare = re.sub(r"[^\w\0]|_", "", alike)
        found |= {bare.replace("\0", letter) for letter in "il"}
    return frozenset(found - {""})


def plain(name: str) -> str:
    """Return the name without case and accents."""
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    return "".join(c for c in parts if unicodedata.category(c) not in {"Mn", "Cf"})


@lru_cache(maxsize=4_096)
def _prototype(letter: str) -> str:
    """Return the letter that this one is compared as: one of ASCII that looks like it, else the only one."""
    if letter.isascii() or ord(letter) in _TO_LETTER or ord(letter) in _I_OR_L:
        return letter
    alike = [one["c"] for one in confusables.confusables_data.get(letter, ())]
    of_ascii = [one for one in alike if one.isascii() and one.isalnum()]
    if of_ascii:
        return str(of_ascii[0])
    return str(alike[0]) if len(alike) == 1 else letter


def _is_hidden(name: str, place: int) -> bool:
    """Return whether this character is not seen and its script does not need it there."""
    letter = name[place]
    before, behind = name[place - 1 : place] if place else "", name[place + 1 : place + 2]
    if letter in _JOINERS:
        return not (_joins_letters(before, behind) or (letter == "\u200d" and _joins_emoji(before, behind)))
    if _VARIATION_SELECTORS.match(letter):
        chosen = _category(before) in {"Sm", *_EMOJI_CATEGORIES}
        return not (chosen or behind == _KEYCAP or _unicode_name(before).startswith("CJK"))
    if "\U000e0020" <= letter <= "\U000e007f":  # of the flags of England, Scotland, Wales
        return not (before == _FLAG or "\U000e0020" <= before <= "\U000e007e")
    return letter in _HIDDEN or unicodedata.category(letter) in {"Cf", "Cc"}


def _joins_letters(before: str, behind: str) -> bool:
    """Return whether a joiner changes a letter's form here.

    It does behind or before the sign that drops the vowel of an Indic letter, and between letters that are
    written together.
    """
    if any(letter and unicodedata.combining(letter) == 9 for letter in (before, behind)):
        return True
    return _unicode_name(before).startswith(_JOINING_SCRIPTS) and _unicode_name(behind).startswith(
        _JOINING_SCRIPTS
    )


def _joins_emoji(before: str, behind: str) -> bool:
    """Return whether a joiner makes one emoji of two here."""
    is_first = bool(before) and (
        unicodedata.category(before) in _EMOJI_CATEGORIES
        or "\U0001f3fb" <= before <= "\U0001f3ff"
        or before == "\ufe0f"
    )
    return is_first and _category(behind) in _EMOJI_CATEGORIES


def _unicode_name(letter: str) -> str:
    return unicodedata.name(letter, "") if letter else ""


def _category(letter: str) -> str:
    return unicodedata.category(letter) if letter else ""
