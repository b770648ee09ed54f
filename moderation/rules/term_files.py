"""A list of terms as a file: one a line, in UTF-8."""

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

# It comes back with the form that saves it: settings.DATA_UPLOAD_MAX_MEMORY_SIZE.
MAX_FILE_BYTES = 4 * 1024 * 1024
MAX_TERMS = 200_000
MAX_TERM_LENGTH = 200  # characters


@dataclass(frozen=True)
class TermFile:
    terms: list[str]  # as they were written, each once
    told: list[str]  # sentences about what was left out and what looks wrong


def check_size(size: int) -> None:
    """Raises ValidationError for a file that is too large to be read at all."""
    if size > MAX_FILE_BYTES:
        raise ValidationError(
            _("This file has %(size)s MB; %(most)s MB is the most for a list of terms.")
            % {"size": f"{size / 1024 / 1024:.1f}", "most": MAX_FILE_BYTES // 1024 // 1024},
            code="size",
        )


def read_terms(data: bytes) -> TermFile:
    """Empty lines, remarks (# and a space) and what is there twice are left out, and told.

    Raises ValidationError with the line: not UTF-8, a term that is too long, a zero byte; and
    for a file without a term, or with too many.
    """
    check_size(len(data))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = data.count(b"\n", 0, error.start) + 1
        raise ValidationError(
            _("Line %(line)s is not in UTF-8. Save the file as UTF-8 text and send it again.")
            % {"line": f"{place:,}"},
            code="encoding",
        ) from None
    lines = [line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    for number, line in enumerate(lines, 1):
        if "\x00" in line:
            raise ValidationError(
                _("Line %(line)s has a zero byte: this is no text file.") % {"line": f"{number:,}"},
                code="zero",
            )
        if len(line) > MAX_TERM_LENGTH:
            raise ValidationError(
                _("Line %(line)s has %(count)s characters; %(most)s are the most for a term.")
                % {"line": f"{number:,}", "count": f"{len(line):,}", "most": MAX_TERM_LENGTH},
                code="length",
            )
    filled = [line for line in lines if line]
    kept = [line for line in filled if not line.startswith("# ")]
    terms = list(dict.fromkeys(kept))
    if not terms:
        raise ValidationError(_("There is no term in this file: it needs one a line."), code="empty")
    if len(terms) > MAX_TERMS:
        raise ValidationError(
            _("This file has %(count)s terms; %(most)s are the most for a list.")
            % {"count": f"{len(terms):,}", "most": f"{MAX_TERMS:,}"},
            code="many",
        )
    return TermFile(terms, _notices(lines, filled, kept, terms))


def _notices(lines: list[str], filled: list[str], kept: list[str], terms: list[str]) -> list[str]:
    told = []
    if empty := len(lines) - len(filled) - (not lines[-1]):  # a last line ends with its line feed
        told.append(
            ngettext("%(n)s empty line was left out.", "%(n)s empty lines were left out.", empty)
            % {"n": f"{empty:,}"}
        )
    if remarks := len(filled) - len(kept):
        told.append(
            ngettext("%(n)s remark was left out.", "%(n)s remarks were left out.", remarks)
            % {"n": f"{remarks:,}"}
        )
    if twice := len(kept) - len(terms):
        told.append(
            ngettext(
                "%(n)s line was there already, and was left out.",
                "%(n)s lines were there already, and were left out.",
                twice,
            )
            % {"n": f"{twice:,}"}
        )
    if same := len(terms) - len({term.casefold() for term in terms}):
        told.append(
            ngettext(
                "%(n)s term differs from another only by capital letters.",
                "%(n)s terms differ from others only by capital letters.",
                same,
            )
            % {"n": f"{same:,}"}
        )
    if short := [term for term in terms if len(term) == 1]:
        told.append(
            ngettext(
                "%(n)s term is a single character, which many honest comments have: %(terms)s",
                "%(n)s terms are a single character, which many honest comments have: %(terms)s",
                len(short),
            )
            % {"n": f"{len(short):,}", "terms": " ".join(short[:20]) + (" …" if len(short) > 20 else "")}
        )
    return told
