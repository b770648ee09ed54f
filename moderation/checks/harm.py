"""Checks for harm to people: slurs, threats, personal data and insults. They read English, and numbers.

A slur, a threat and personal data always open a case. They never make a comment pending: a word is no
proof, and a quotation is no threat. None of them counts as spam.

Addresses are those of streets; numbers are telephone numbers, bank accounts, payment cards and US social
security numbers. Numbers with check digits are verified, since other long numbers look the same.
"""

import re
from collections.abc import Iterable

from django.utils.translation import gettext_lazy

from comments.models import Reason
from moderation.checks.base import Check
from moderation.features.contacts import MIN_DIGITS, count_digits, personal_contacts
from moderation.features.signals.text import reply
from moderation.features.text_reading import ParsedComment, SignalResult

SLURS = re.compile(
    r"\b(?:n[i1]gg(?:er|a)s?|fagg?(?:ot)?s?|k[i1]kes?|sp[i1]cs?|ch[i1]nks?(?! in\b)|trann(?:y|ies)|retards?"
    r"|wetbacks?"
    r"|ragheads?|towelheads?|dykes?|coons?)\b"
)


def slur(comment: ParsedComment) -> SignalResult | None:
    """Find a slur in the body or the name."""
    found = list(SLURS.finditer(comment.plain))
    in_name = bool(SLURS.search(comment.name))
    return (
        SignalResult(1.0 if in_name else 0.9, comment.spans(found), len(found)) if found or in_name else None
    )


_VIOLENCE = r"(?:kill|murder|shoot|stab|strangle|lynch|rape|behead|hang|burn)"
_KILLED = r"(?:killed|murdered|shot|stabbed|strangled|lynched|raped|beheaded|hanged|hung|burned|executed)"
_FAMILY = r"(?:family|kids|children|wife|husband|mother)"
_VICTIM = rf"(?:you|u|him|her|them|(?:your|his|her|their) (?:whole )?{_FAMILY})"
THREATS = re.compile(
    r"\bi(?:'ll| will|'m going to| am going to|'m gonna| am gonna|'d love to| want to) (?:\w{1,20} ){0,2}?"
    rf"(?:{_VIOLENCE} {_VICTIM}(?! an? (?:e-?mail|message|text|note|line|link)\b)"
    rf"|beat {_VICTIM} (?:up|to death)|hunt {_VICTIM} down"
    rf"|break (?:your|his|her|their) (?:neck|legs|bones))\b"
    rf"|\b(?:someone|somebody|we) (?:should|ought to|must|needs? to|has to|have to) {_VIOLENCE} {_VICTIM}\b"
    rf"|\b(?:you|he|she|they) (?:all )?(?:deserves? to|should|ought to|must|needs? to) "
    rf"(?:die|be {_KILLED}|get {_KILLED})\b"
    rf"|\bi hope (?:you|he|she|they|someone|somebody) (?:all )?"
    rf"(?:dies?|gets? {_KILLED}|{_VIOLENCE}s? {_VICTIM})\b"
    r"|\bi know where (?:you|he|she|they) lives?\b|\bwatch your back\b|\byou(?:'re| are) (?:a )?dead m[ae]n\b"
)


def threat(comment: ParsedComment) -> SignalResult | None:
    """Find a threat, or a wish that somebody is killed or raped, in the body."""
    return comment.counted(THREATS.finditer(comment.plain), 0.9, 0)


# Searched for in the folded body, so in lower case, with its links.
SOCIAL_SECURITY_NUMBER = re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w-])")
# Of phrases like "12 Supreme Court rulings", "a 10 minute drive" and "a 500 GB hard drive".
_NOT_OF_A_STREET = (
    r"(?:the|an?|in|on|of|to|for|at|from|my|our|this|that|and|way|star|[kmgt]b|(?:giga|tera)bytes?|km"
    r"|(?:year|month|week|day|hour|minute|second|mile|yard|block)s?) "
    r"|(?:supreme|high|federal|district|circuit|appeals|criminal|family|tennis|basketball) court\b"
    r"|(?:hard|flash|thumb|disk|test) drive\b|wall street\b"
)
STREET_ADDRESS = re.compile(
    rf"(?<![\w.,/-])\d{{1,5}}[a-d]? (?:(?!{_NOT_OF_A_STREET})[a-z'.]{{1,20}} ){{1,3}}"
    r"(?:street|avenue|boulevard|lane|drive|court|terrace|crescent)\b"
)
CARD_NUMBER = re.compile(  # none begins with 20, as years do
    r"(?<![\w-])(?:3[47]\d\d[ -]?\d{6}[ -]?\d{5}|(?!20)[2456]\d{3}(?:[ -]?\d{4}){3})(?![\w-])"
)
IBAN = re.compile(r"(?<!\w)[a-z]{2}\d\d(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,3})?(?!\w)")


def personal_data(comment: ParsedComment) -> SignalResult | None:
    """Find an address or a number of a person in the body. `number`: how many."""
    text = comment.folded.text
    digits = count_digits(text)
    found = [*(STREET_ADDRESS.finditer(comment.plain) if digits else ()), *personal_contacts(text)]
    if digits >= MIN_DIGITS:
        found += _numbers(text)
    if not found:
        return None
    return SignalResult(0.8, comment.spans(sorted(found, key=re.Match.start)), len(found))


def _numbers(text: str) -> Iterable[re.Match[str]]:
    """Yield the numbers of persons in a folded text but for phone numbers."""
    yield from SOCIAL_SECURITY_NUMBER.finditer(text)
    for match in CARD_NUMBER.finditer(text):
        if _has_luhn_digit([int(c) for c in match[0] if c.isdecimal()]):
            yield match
    for match in IBAN.finditer(text):
        # Short words behind a number look like further groups of it.
        ends = [match.end(), *(match.start() + m.start() for m in re.finditer(" ", match[0]))]
        for end in ends:
            number = IBAN.fullmatch(text, match.start(), end)
            if number and _has_iban_digits(number[0].replace(" ", "")):
                yield number
                break


def _has_luhn_digit(digits: list[int]) -> bool:
    """Return whether the check digit of a payment card's number is right (ISO/IEC 7812-1)."""
    doubled = [2 * d - 9 * (d > 4) for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _has_iban_digits(iban: str) -> bool:
    """Return whether the check digits are right (ISO 13616)."""
    if not iban.isascii() or sum(map(str.isdecimal, iban)) < MIN_DIGITS:
        return False
    return int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 == 1


def insult(comment: ParsedComment) -> SignalResult | None:
    """Find an insult to the person who is answered."""
    if not reply(comment):
        return None
    return comment.counted(INSULTS.finditer(comment.plain), 0.5, 0.2)


INSULTS = re.compile(
    r"\b(?:you|u)(?:'re| are| r)? (?:(?:an?|all|such|just|really|fucking|f\*+ing|complete|total|utter"
    r"|so|the) )*"
    r"(?:idiots?|morons?|imbeciles?|fools?|losers?|stupid|dumb(?:ass)?|trash|scum|liars?|pathetic"
    r"|clowns?|trolls?"
    r"|bigots?|racists?|ass(?:hole)?s?|pigs?|disgusting|ignorant|retard(?:ed)?)\b"
    r"|\b(?:shut up|shut the|go to hell|fuck you|f\*+k you|screw you|drop dead|kill yourself)\b"
)

CHECKS = [
    Check(
        name="slur",
        label=gettext_lazy("a slur"),
        description=gettext_lazy("It contains a slur."),
        find_signal=slur,
        always_opens_case=True,
        priority=1,
        proposes_removal_for=[Reason.HATE],
    ),
    Check(
        name="threat",
        label=gettext_lazy("a threat"),
        description=gettext_lazy("It contains a threat."),
        find_signal=threat,
        always_opens_case=True,
        priority=1,
        proposes_removal_for=[Reason.THREAT],
    ),
    Check(
        name="personal_data",
        label=gettext_lazy("personal data"),
        description=gettext_lazy("It contains an address or a number of a person."),
        find_signal=personal_data,
        always_opens_case=True,
        priority=1,
        proposes_removal_for=[Reason.PERSONAL_INFORMATION],
    ),
    Check(
        name="insult",
        label=gettext_lazy("an insult"),
        description=gettext_lazy("It insults the person it replies to."),
        find_signal=insult,
        priority=1,
    ),
]
