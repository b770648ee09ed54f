"""The formats that a file may come in: one pure parser each, from bytes to a page, without a database."""

from types import ModuleType

from archive.formats import soundoff
from archive.formats.page import NotThisFormat

FORMATS: dict[str, ModuleType] = {"soundoff": soundoff}


def detect(data: bytes) -> ModuleType:
    """The format whose pages begin like `data`; else NotThisFormat, with a sentence for the person."""
    for module in FORMATS.values():
        if module.recognises(data):
            return module
    raise NotThisFormat(f"Line 1: the file does not begin like any format read here ({', '.join(FORMATS)}).")
