"""Phone numbers and e-mail addresses of a text. Pure functions."""

import re
from collections.abc import Iterator

EMAIL_ADDRESS = re.compile(
    r"(?<![\w.+-])\w[\w.+-]{0,63}@(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,24}\b", re.ASCII | re.IGNORECASE
)
# Digits with a country code, brackets, spaces, dots, slashes or dashes, as people write a phone number.
_DIGITS = re.compile(r"(?<!\w)\+?\(?\d(?:[ ()/.-]{0,2}\d)+(?!\w)", re.ASCII)
_DATE = re.compile(r"(?:19|20)\d\d([/.-])\d\d?\1\d\d?|\d\d?([/.-])\d\d?\2(?:19|20)\d\d")
_IP_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
# A number that is written like nothing else but a phone number, and is no toll-free one.
_CERTAIN_NUMBER = re.compile(
    r"(?<![\w+./-])"
    r"(?:\+[1-9]\d{0,2}[ ./-]?(?:\(0?\d{1,5}\)[ ./-]?)?(?:\d{2,5}[ ./-]?){2,5}"  # +44 (0)20 7946 0018
    r"|(?:1[ .-])?(?!\(?8(?:00|33|44|55|66|77|88)\b)"
    r"(?:\(\d{3}\) ?|\d{3}[.-])\d{3}[.-]\d{4})(?![\w/-])"  # (555) 010-9999
)
MIN_DIGITS, MAX_DIGITS = 9, 15  # of a phone number
COMPARED_DIGITS = 9  # the last ones, because the same number may have a country code or not


def find_contacts(text: str) -> frozenset[str]:
    """Return the phone numbers and e-mail addresses in a text without links, in a form to compare them."""
    addresses = (m[0].casefold() for m in (EMAIL_ADDRESS.finditer(text) if "@" in text else ()))
    return frozenset([*addresses, *(_digits(m[0])[-COMPARED_DIGITS:] for m in _phone_numbers(text))])


def personal_contacts(text: str) -> Iterator[re.Match[str]]:
    """Yield the e-mail addresses and the phone numbers that can be nothing else and may be a person's."""
    if "@" in text:
        yield from EMAIL_ADDRESS.finditer(text)
    for candidate in _phone_numbers(text):
        number = _CERTAIN_NUMBER.match(text, candidate.start())
        if number and len(_digits(number[0])) >= MIN_DIGITS:
            yield number


def _phone_numbers(text: str) -> Iterator[re.Match[str]]:
    """Yield digits that may be a phone number: no date, IP address, version or round figure."""
    for m in _DIGITS.finditer(text) if _count_ascii_digits(text) >= MIN_DIGITS else ():
        digits = _digits(m[0])
        if (
            MIN_DIGITS <= len(digits) <= MAX_DIGITS
            and len(set(digits)) > 3
            and not _DATE.match(m[0])
            and not _IP_ADDRESS.fullmatch(m[0])
            and not any(len(part) == 1 for part in m[0].split(".")[1:])
        ):
            yield m


def count_digits(text: str) -> int:
    """Return the number of digits in a text, of any script."""
    return _count_ascii_digits(text) if text.isascii() else sum(map(str.isdecimal, text))


def _count_ascii_digits(text: str) -> int:
    return sum(map(text.count, "0123456789"))


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)
