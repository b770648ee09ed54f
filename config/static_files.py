"""The storage of the collected static files."""

import mimetypes
import re
from collections.abc import Iterable, Iterator
from typing import Any

import rcssmin
import rjsmin
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.base import ContentFile
from django.http import FileResponse, Http404, HttpRequest
from django.views.decorators.http import require_safe
from whitenoise.storage import CompressedManifestStaticFilesStorage

_HASHED = re.compile(r"(.+)\.[0-9a-f]{12}(\.\w+)")
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


@require_safe
def file_of_another_version(request: HttpRequest, name: str) -> FileResponse:
    """Return our file for the name that another version of the program gave it. No cache keeps it.

    While the servers of a site are upgraded one after the other, the page may come from one and ask the other
    for its style sheets. WhiteNoise has answered all requests for our own names before.
    """
    hashed: dict[str, str] = getattr(staticfiles_storage, "hashed_files", {})  # tests have another storage
    match = _HASHED.fullmatch(name)
    ours = hashed.get(match[1] + match[2]) if match else None
    if ours is None:
        raise Http404
    kind = mimetypes.guess_type(ours)[0] or "application/octet-stream"
    return FileResponse(staticfiles_storage.open(ours), content_type=kind)
