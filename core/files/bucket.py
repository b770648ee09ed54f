"""A bucket of an S3-compatible store as Django storage.

Only STORAGES names this module, if FILES_URL is set: boto3 takes long to import, and much memory.
"""

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import File
from storages.backends.s3 import S3Storage

from core.files import NoAnswerError, StoredFile

MAX_MEMORY = 8 * 1024 * 1024  # bytes; a larger file is read by way of a temporary file


class BucketStorage(S3Storage):
    """A bucket. Every error of the store is an OSError, as of a disk.

    Files are written without an ACL, so they are private; many stores refuse any other.
    """

    is_shared = True
    default_acl = None
    file_overwrite = True
    session_profile = security_token = None  # never from variables that are meant for other programs
    transfer_config = TransferConfig(use_threads=False)
    client_config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"},  # the only one of a store that is named by its host
        connect_timeout=2,
        read_timeout=10,
        retries={"total_max_attempts": 2, "mode": "standard"},
        # By default boto3 sends checksums that only newer stores understand.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )

    @cached_property
    def connection(self) -> Any:
        """Return one connection for all threads: its client is safe to share, and expensive to make."""
        return self._create_session().resource(
            "s3", region_name=self.region_name, endpoint_url=self.endpoint_url, config=self.client_config
        )

    def _open(self, name: str, mode: str = "rb") -> "File[Any]":
        """Read a file in one request; the package's own method takes three."""
        with _os_errors(name):
            answer = self.connection.meta.client.get_object(Bucket=self.bucket_name, Key=name)
            file = tempfile.SpooledTemporaryFile(MAX_MEMORY)  # noqa: SIM115
            shutil.copyfileobj(answer["Body"], file)
        file.seek(0)
        return File(file, name)

    def _save(self, name: str, content: Any) -> str:
        with _os_errors(name):
            return str(super()._save(name, content))

    def exists(self, name: str) -> bool:
        with _os_errors(name):
            return bool(super().exists(name))

    def delete(self, name: str) -> None:
        with _os_errors(name):
            super().delete(name)

    def size(self, name: str) -> int:
        with _os_errors(name):
            return int(super().size(name))

    def path(self, name: str) -> str:
        raise NotImplementedError("A file in a bucket has no path.")

    def list_files(self, folder: str) -> Iterator[StoredFile]:
        """Yield all files below the folder, sorted by name, a thousand with each request."""
        with _os_errors(folder):
            pages = self.connection.meta.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket_name, Prefix=f"{folder}/"
            )
            for page in pages:
                for entry in page.get("Contents", ()):
                    yield StoredFile(entry["Key"], entry["Size"], entry["LastModified"])

    def delete_folder(self, folder: str) -> None:
        """Delete all files below the folder."""
        for file in list(self.list_files(folder)):
            self.delete(file.name)

    @contextmanager
    def write(self, name: str) -> Iterator[Path]:
        """Yield an empty temporary file, and store it at the end if the block succeeds."""
        with tempfile.NamedTemporaryFile(suffix=".part") as part:
            yield Path(part.name)
            with Path(part.name).open("rb") as file:
                self.save(name, File(file))

    def describe_location(self, name: str) -> str:
        """Return the s3:// URL of a file or folder, without the key."""
        return f"s3://{self.bucket_name}/{name}"


class QuickBucketStorage(BucketStorage):
    """The same bucket for requests of a page: one attempt, of about three seconds."""

    client_config = BucketStorage.client_config.merge(
        Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1, "mode": "standard"})
    )


@contextmanager
def _os_errors(name: str) -> Iterator[None]:
    """Raise OSError for every error of the store: FileNotFoundError if there is no such file."""
    try:
        yield
    except ClientError as error:
        answer = error.response.get("Error", {})
        number = errno.EIO
        if answer.get("Code") in {"404", "NoSuchKey"}:
            number = errno.ENOENT
        elif answer.get("Code") in {"403", "AccessDenied"}:
            number = errno.EACCES
        why = answer.get("Message") or answer.get("Code") or "unknown error"
        raise OSError(number, f"the store of the files says “{why}”", name) from error
    except (BotoCoreError, Boto3Error) as error:
        raise NoAnswerError(errno.EIO, f"the store of the files does not work: {error}", name) from error
