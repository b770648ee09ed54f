"""The storage of the site's files: the data folder, or a bucket in a real S3-compatible server."""

import os
import socket
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.config import Config
from django.utils import timezone

from core import files
from core.files import storage
from core.files import url as files_url
from core.files.bucket import QuickBucketStorage
from tests.conftest import use_store
from tests.helpers.data_folder import data_path
from tests.helpers.servers import buckets


@pytest.fixture(params=["own_folder", "bucket"])
def _storage(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(request.param)


@pytest.mark.usefixtures("_storage")
def test_files_are_written_read_listed_and_deleted() -> None:
    assert list(storage().list_files("media")) == []
    files.save("media/ab/one.jpg", b"one")
    files.save("media/ab/one.jpg", b"another one")
    files.save("media/ab/.mark", b"")
    files.save("mediator.txt", b"in no folder")
    with storage().write("media/cd/two.jpg") as path:
        path.write_bytes(b"two")
    assert files.read("media/ab/one.jpg") == b"another one"
    assert [(file.name, file.size) for file in storage().list_files("media")] == [
        ("media/ab/.mark", 0),
        ("media/ab/one.jpg", 11),
        ("media/cd/two.jpg", 3),
    ]
    age = timezone.now() - next(storage().list_files("media")).modified
    assert abs(age) < timedelta(minutes=2)
    assert storage().size("media/cd/two.jpg") == 3
    storage().delete("media/cd/two.jpg")
    storage().delete("media/cd/two.jpg")
    assert not storage().exists("media/cd/two.jpg")
    storage().delete_folder("media/ab")
    assert list(storage().list_files("media")) == []
    assert storage().exists("mediator.txt")


@pytest.mark.usefixtures("_storage")
def test_a_missing_file_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        files.read("media/gone.jpg")
    with pytest.raises(FileNotFoundError):
        storage().size("media/gone.jpg")


@pytest.mark.usefixtures("_storage")
def test_a_failed_block_stores_nothing() -> None:
    files.save("backups/site.zip", b"the old one")

    def fail() -> None:
        with storage().write("backups/site.zip") as path:
            path.write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert files.read("backups/site.zip") == b"the old one"
    assert [file.name for file in storage().list_files("backups")] == ["backups/site.zip"]


@pytest.mark.usefixtures("own_folder")
def test_the_data_folder_keeps_other_users_out() -> None:
    umask = os.umask(0o077)
    try:
        files.save("backups/last.json", b"{}")
        with storage().write("backups/nightly/site.zip") as path:
            path.write_bytes(b"zip")
    finally:
        os.umask(umask)
    modes = {
        name: data_path(name).stat().st_mode & 0o777
        for name in ("backups", "backups/last.json", "backups/nightly", "backups/nightly/site.zip")
    }
    assert modes == {
        "backups": 0o711,
        "backups/last.json": 0o644,
        "backups/nightly": 0o700,
        "backups/nightly/site.zip": 0o600,
    }


@pytest.mark.usefixtures("own_folder")
def test_a_link_in_the_data_folder_is_not_followed(tmp_path: Path) -> None:
    files.save("media/ab/one.jpg", b"one")
    (tmp_path / "secret_key").write_text("secret")
    data_path("media/ab/link.jpg").symlink_to(tmp_path / "secret_key")
    assert [file.is_regular for file in storage().list_files("media")] == [False, True]
    with pytest.raises(OSError, match="symbolic links"):
        files.read("media/ab/link.jpg")


def test_a_bucket_is_written_without_an_acl_and_has_no_path(bucket: str) -> None:
    files.save("media/ab/one.jpg", b"one")
    url = urlsplit(bucket)
    client = buckets.client(url.netloc.rpartition("@")[2])
    grants = client.get_object_acl(Bucket=url.path[1:], Key="media/ab/one.jpg")["Grants"]
    assert [grant["Grantee"]["Type"] for grant in grants] == ["CanonicalUser"]  # the owner, and nobody else
    assert storage().describe_location("media") == f"s3://{url.path[1:]}/media"
    with pytest.raises(NotImplementedError):
        storage().path("media/ab/one.jpg")


def test_more_files_than_one_answer_lists(bucket: str) -> None:
    count = 2 * buckets.LISTED + 3
    for n in range(count):
        files.save(f"erasures/{n:04}", b"")
    client, name = buckets.client(urlsplit(bucket).netloc.rpartition("@")[2]), urlsplit(bucket).path[1:]
    answer = client.list_objects_v2(Bucket=name)
    assert (answer["KeyCount"], answer["IsTruncated"]) == (buckets.LISTED, True)
    names = [file.name for file in storage().list_files("erasures")]
    assert names == [f"erasures/{n:04}" for n in range(count)]


def test_a_store_that_does_not_answer_is_an_os_error(settings: Any, bucket: str) -> None:
    address = urlsplit(bucket).netloc.rpartition("@")[2]
    for url in (bucket.replace(address, "127.0.0.1:9"), f"{bucket}-other", "s3://nothing"):
        use_store(settings, url)
        with pytest.raises(OSError, match="the store of the files") as raised:
            files.read("media/ab/one.jpg")
        assert not isinstance(raised.value, FileNotFoundError)
        with pytest.raises(OSError, match="the store of the files"):
            files.save("media/ab/one.jpg", b"one")
        with pytest.raises(OSError, match="the store of the files"):
            list(storage().list_files("media"))


def test_a_page_asks_a_store_that_hangs_once_in_a_while(
    settings: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(reason: str) -> None:
        with pytest.raises(OSError, match=reason) as raised:
            files.read_for_page("media/ab/one.jpg")
        assert not isinstance(raised.value, FileNotFoundError)

    def wait() -> None:
        assert files._retry_at > time.monotonic()
        monkeypatch.setattr(files, "_retry_at", time.monotonic())

    monkeypatch.setattr(files, "_retry_at", 0.0)
    quick = QuickBucketStorage.client_config.merge(Config(read_timeout=0.2))
    monkeypatch.setattr(QuickBucketStorage, "client_config", quick)
    files.save("media/ab/one.jpg", b"one")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.setblocking(False)
        use_store(settings, f"s3://k:s@127.0.0.1:{silent.getsockname()[1]}/bucket", is_quick=True)
        fail("the store of the files does not work")
        for _ in range(3):
            fail("the store of the files did not work a moment ago")
        wait()
        fail("the store of the files does not work")
        for _ in range(2):
            silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()
    use_store(settings, bucket)
    fail("a moment ago")
    wait()
    assert files.read_for_page("media/ab/one.jpg") == b"one"
    with pytest.raises(FileNotFoundError):
        files.read_for_page("media/ab/two.jpg")
    assert files.read_for_page("media/ab/one.jpg") == b"one"


def test_the_address_of_a_bucket() -> None:
    assert files_url.parse("s3://KEY:a%2Fb+c@127.0.0.1:9000/bucket") == {
        "access_key": "KEY",
        "secret_key": "a/b+c",
        "bucket_name": "bucket",
        "endpoint_url": "http://127.0.0.1:9000",
        "region_name": "us-east-1",
    }
    other = files_url.parse("s3://k:s@s3.example.org/bucket?region=eu-1")
    assert (other["endpoint_url"], other["region_name"]) == ("https://s3.example.org", "eu-1")
    assert files_url.parse("s3://k:s@[::1]:9/b?scheme=https")["endpoint_url"] == "https://[::1]:9"
    assert files_url.parse("s3://k:s@store.internal/b?scheme=http")["endpoint_url"] == "http://store.internal"


@pytest.mark.parametrize(
    "url",
    [
        "/srv/files",
        "https://k:sesame@s3.example.org/bucket",
        "s3://k:sesame@s3.example.org",
        "s3://k:sesame@s3.example.org/bucket/folder",
        "s3://k:ses/ame@s3.example.org/bucket",
        "s3://k@s3.example.org/bucket",
        "s3://s3.example.org/bucket",
        "s3://k:sesame@s3.example.org:many/bucket",
        "s3://k:sesame@[s3/bucket",
        "s3://k:sesame@s3.example.org/bucket?scheme=ftp",
        "s3://k:sesame@s3.example.org/bucket?regoin=eu-1",
    ],
)
def test_an_address_that_names_no_bucket_is_refused_without_its_secret(url: str) -> None:
    with pytest.raises(ValueError, match=r"^FILES_URL ") as raised:
        files_url.parse(url)
    assert "sesame" not in str(raised.value)
    assert files_url.storage_of(url)["OPTIONS"] == {
        "bucket_name": ""
    }  # the data folder is never used instead
