"""Phone numbers and e-mail addresses of a text. Pure functions."""

import re

from moderation.features.links import blank, typed_hosts, typed_links

EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+", re.ASCII)
# Digits with a country code, brackets, spaces, dots, slashes or dashes, as people write a phone number.
DIGITS = re.compile(r"(?<!\w)\+?\(?\d(?:[ ()/.-]{0,2}\d)+(?!\w)", re.ASCII)
DATE = re.compile(r"(?:19|20)\d\d([/.-])\d\d?\1\d\d?|\d\d?([/.-])\d\d?\2(?:19|20)\d\d")
IP_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
MIN_PHONE_DIGITS, MAX_PHONE_DIGITS = 9, 15
COMPARED_DIGITS = 9  # the last ones, because the same number may have a country code or not


def typed_contacts(text: str) -> list[re.Match[str]]:
    """Return the phone numbers and e-mail addresses in a text, outside of its links."""
    if "@" not in text and sum(map(text.count, "0123456789")) < MIN_PHONE_DIGITS:
        return []
    text = blank(text, (m.span() for m in typed_links(text)))
    phones = [m for m in DIGITS.finditer(text) if _is_phone_number(m[0])]
    return sorted([*phones, *EMAIL.finditer(text)], key=lambda m: m.start())


def find_contacts(text: str) -> set[str]:
    """Return the hosts, phone numbers and e-mail addresses in a text in a form to compare them."""
    contacts = (m[0] for m in typed_contacts(text))
    keys = (c.casefold() if "@" in c else _digits(c)[-COMPARED_DIGITS:] for c in contacts)
    return {*typed_hosts(text), *keys}


def _is_phone_number(text: str) -> bool:
    """Return whether these digits are no date, IP address, version or round figure."""
    digits = _digits(text)
    return (
        MIN_PHONE_DIGITS <= len(digits) <= MAX_PHONE_DIGITS
        and len(set(digits)) > 3
        and not DATE.match(text)
        and not IP_ADDRESS.fullmatch(text)
        and not any(len(part) == 1 for part in text.split(".")[1:])
    )


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)
