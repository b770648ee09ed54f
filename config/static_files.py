"""The storage of the collected static files."""

from collections.abc import Iterable, Iterator
from typing import Any

import rcssmin
import rjsmin
from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

_MINIFIERS = {".css": rcssmin.cssmin, ".js": rjsmin.jsmin}


class StaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Files with a hash in their name, minified and compressed.

    Pages name these, except the fallback pages, which are read when nothing else works: for them the files
    stay under their plain names as well, but uncompressed. To compress both took most of the processor time
    of a first start.
    """

    def compress_files(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Compress those of these files that pages name. Yield their names and those of the compressed."""
        hashed = set(self.hashed_files.values())
        yield from super().compress_files([path for path in paths if path in hashed])

    def _save(self, name: str, content: Any) -> str:
        content.seek(0)  # it was read for the hash in its name
        saved: str = super()._save(name, ContentFile(minify(name, content.read())))
        return saved


def minify(name: str, content: bytes) -> bytes:
    """Return a style sheet or a script without comments and white space; other files as they are.

    Files that come minified (`.min.js`) are left alone.
    """
    stem, dot, suffix = name.rpartition(".")
    minifier = None if stem.endswith(".min") else _MINIFIERS.get(dot + suffix)
    return str(minifier(content.decode())).encode() if minifier else content
