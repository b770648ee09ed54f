"""Uploaded images for tests that are not about decoding, whose process takes 0.3 s for each."""

from functools import cache
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from articles.images.uploads import DecodedImage, read_upload


def read_upload_once(file: Any) -> DecodedImage:
    """Return what `read_upload` returns for this file. Each content is decoded once in a run."""
    return _decode(file.read(), file.name)


@cache
def _decode(data: bytes, name: str) -> DecodedImage:
    return read_upload(SimpleUploadedFile(name, data))
