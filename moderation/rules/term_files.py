"""Term files: lists of terms in UTF-8, one term per line."""

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.text import normalize_newlines
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

# The form sends the terms again when it saves them, so settings.DATA_UPLOAD_MAX_MEMORY_SIZE must allow this.
MAX_FILE_BYTES = 4 * 1024 * 1024
MAX_TERMS = 200_000
MAX_TERM_LENGTH = 200  # characters
COMMENT_START = "# "  # "#tag" is a term


@dataclass(frozen=True)
class TermFile:
    """The terms of a file."""

    terms: list[str]  # as written, without duplicates
    notices: list[str]  # sentences about lines that were left out or look wrong


def check_size(size: int) -> None:
    """Raise ValidationError if a file is too large to be read."""
    if size > MAX_FILE_BYTES:
        raise ValidationError(
            _("This file has %(size)s MB. A list of terms may have at most %(limit)s MB.")
            % {"size": f"{size / 1024 / 1024:.1f}", "limit": MAX_FILE_BYTES // 1024 // 1024},
            code="size",
        )


def read_terms(data: bytes) -> TermFile:
    """Return the terms of a file, without empty lines, comments and duplicates.

    A comment is a line that starts with # and a space. Raises ValidationError, with the line, for text that
    is not UTF-8, for a term that is too long and for a zero byte; also for a file without terms or with too
    many.
    """
    check_size(len(data))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = data.count(b"\n", 0, error.start) + 1
        raise ValidationError(
            _("Line %(line)s is not in UTF-8. Save the file as UTF-8 text and upload it again.")
            % {"line": f"{place:,}"},
            code="encoding",
        ) from None
    lines = [line.strip() for line in normalize_newlines(text).split("\n")]
    for number, line in enumerate(lines, 1):
        if "\x00" in line:
            raise ValidationError(
                _("Line %(line)s has a zero byte. This is not a text file.") % {"line": f"{number:,}"},
                code="zero",
            )
        if len(line) > MAX_TERM_LENGTH and not line.startswith(COMMENT_START):
            raise ValidationError(
                _("Line %(line)s has %(count)s characters. A term may have at most %(limit)s.")
                % {"line": f"{number:,}", "count": f"{len(line):,}", "limit": MAX_TERM_LENGTH},
                code="length",
            )
    nonempty = [line for line in lines if line]
    kept = [line for line in nonempty if not line.startswith(COMMENT_START)]
    terms = list(dict.fromkeys(kept))
    if not terms:
        raise ValidationError(_("This file has no terms. Put one term on each line."), code="empty")
    if len(terms) > MAX_TERMS:
        raise ValidationError(
            _("This file has %(count)s terms. A list may have at most %(limit)s.")
            % {"count": f"{len(terms):,}", "limit": f"{MAX_TERMS:,}"},
            code="many",
        )
    return TermFile(terms, _notices(lines, nonempty, kept, terms))


def _notices(lines: list[str], nonempty: list[str], kept: list[str], terms: list[str]) -> list[str]:
    """Return sentences about lines that were left out and terms that look wrong."""
    notices = []
    if empty := len(lines) - len(nonempty) - (not lines[-1]):  # a last line ends with its line feed
        notices.append(
            ngettext("%(n)s empty line was left out.", "%(n)s empty lines were left out.", empty)
            % {"n": f"{empty:,}"}
        )
    if remarks := len(nonempty) - len(kept):
        notices.append(
            ngettext(
                "%(n)s comment, which starts with # and a space, was left out.",
                "%(n)s comments, which start with # and a space, were left out.",
                remarks,
            )
            % {"n": f"{remarks:,}"}
        )
    if twice := len(kept) - len(terms):
        notices.append(
            ngettext(
                "%(n)s duplicate line was left out.",
                "%(n)s duplicate lines were left out.",
                twice,
            )
            % {"n": f"{twice:,}"}
        )
    if same := len(terms) - len({term.casefold() for term in terms}):
        notices.append(
            ngettext(
                "%(n)s term differs from another only by capital letters.",
                "%(n)s terms differ from others only by capital letters.",
                same,
            )
            % {"n": f"{same:,}"}
        )
    if short := [term for term in terms if len(term) == 1]:
        notices.append(
            ngettext(
                "%(n)s term is a single character, which many good comments contain: %(terms)s",
                "%(n)s terms are a single character, which many good comments contain: %(terms)s",
                len(short),
            )
            % {"n": f"{len(short):,}", "terms": " ".join(short[:20]) + (" …" if len(short) > 20 else "")}
        )
    return notices
