"""The storage of the collected static files."""

from collections.abc import Iterable, Iterator

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Files with a hash in their name, compressed.

    Pages name these, except the fallback pages, which are read when nothing else works: for them the files
    stay under their plain names as well, but uncompressed. To compress both took most of the processor time
    of a first start.
    """

    def compress_files(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Compress those of these files that pages name. Yield their names and those of the compressed."""
        hashed = set(self.hashed_files.values())
        yield from super().compress_files([path for path in paths if path in hashed])
