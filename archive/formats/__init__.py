"""Parsers of import formats. Each one is a pure function from bytes to a ParsedPage, without a database."""

from types import ModuleType

from archive.formats import soundoff
from archive.formats.page import ParsedPage, UnsupportedFormatError
from archive.formats.unsupported import identify

FORMATS: dict[str, ModuleType] = {"soundoff": soundoff}


def parse(data: bytes, name: str = "auto", *, finds_duplicates: bool = True) -> ParsedPage:
    """Return the page in `data`. With the name "auto", the format is recognised by the beginning of the file.

    Finding duplicates takes longer than everything else. Without it, the warnings lack duplicate_warnings.

    Raises UnsupportedFormatError, which names the kind of the file if it is known, and DamagedFileError, both
    with a sentence for a person. Raises KeyError for an unknown format name.
    """
    modules = list(FORMATS.values()) if name == "auto" else [FORMATS[name]]
    module = next((module for module in modules if module.recognises(data)), None)
    if module is None:
        if phrase := identify(data):
            raise UnsupportedFormatError(f"Line 1: the file is {phrase}.")
        module = modules[0]  # its parser raises the error that says what it expected
    page: ParsedPage = module.parse(data, finds_duplicates=finds_duplicates)
    return page
