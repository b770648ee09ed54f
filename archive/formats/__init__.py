"""The formats that a file may come in: one pure parser each, from bytes to a page, without a database."""

from types import ModuleType

from archive.formats import soundoff
from archive.formats.page import NotThisFormat, ParsedPage
from archive.formats.unsupported import identify

FORMATS: dict[str, ModuleType] = {"soundoff": soundoff}


def parse(data: bytes, name: str = "auto") -> ParsedPage:
    """Return the page in `data`, read in the format of this name, or in the one whose pages begin like it.

    A file of another kind is named as what it is. Raises NotThisFormat and DamagedFile with a sentence for
    a person, KeyError for a name that no format has.
    """
    modules = list(FORMATS.values()) if name == "auto" else [FORMATS[name]]
    module = next((module for module in modules if module.recognises(data)), None)
    if module is None:
        if phrase := identify(data):
            raise NotThisFormat(f"Line 1: the file is {phrase}.")
        module = modules[0]  # which says what it expected
    page: ParsedPage = module.parse(data)
    return page
