"""An XML writer that stays valid with any text."""

import re
from typing import Any

from django.utils.xmlutils import SimplerXMLGenerator

_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class XmlWriter(SimplerXMLGenerator):
    """Write XML without the control characters that it forbids: one story must not break a whole feed."""

    def characters(self, content: str) -> None:
        super().characters(_FORBIDDEN.sub("", content))

    def startElement(self, name: str, attrs: Any) -> None:
        clean: Any = {key: _FORBIDDEN.sub("", str(value)) for key, value in attrs.items()}
        super().startElement(name, clean)  # Django sorts a dict, whatever its stubs say
