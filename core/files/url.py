"""FILES_URL: the URL of a bucket in an S3-compatible store."""

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

EXAMPLE = "s3://KEY:SECRET@s3.example.org/bucket"
LOCAL = ("127.0.0.1", "localhost", "::1")


def storage_of(url: str, *, is_quick: bool = False) -> dict[str, Any]:
    """Return the entry of STORAGES for a FILES_URL: without one, the data folder.

    `is_quick` chooses short time-outs. A URL that can't be read gives a bucket without a name, which
    refuses every file; the data folder would take them. config/system_checks.py explains the error.
    """
    if not url:
        return {"BACKEND": "core.files.folder.DataFolderStorage"}
    try:
        options = parse(url)
    except ValueError:
        options = {"bucket_name": ""}
    name = "QuickBucketStorage" if is_quick else "BucketStorage"
    return {"BACKEND": f"core.files.bucket.{name}", "OPTIONS": options}


def parse(url: str) -> dict[str, str]:
    """Return the options of django-storages for a URL such as EXAMPLE.

    `?scheme=http` or `https` chooses the protocol: by default https, or http for a store on this machine.
    `?region=` is needed by some stores. Raises ValueError, with a sentence that does not contain the secret.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:  # its text may contain the secret
        raise ValueError("FILES_URL is not a URL.") from error
    query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    bucket = parts.path.strip("/")
    if parts.scheme != "s3" or not host or not bucket or "/" in bucket or parts.fragment:
        raise ValueError("FILES_URL names no bucket of an S3-compatible store.")
    if not parts.username or not parts.password:
        raise ValueError("FILES_URL has no key or no secret.")
    if query.keys() - {"scheme", "region"} or query.get("scheme", "https") not in {"http", "https"}:
        raise ValueError("FILES_URL has an option that does not exist.")
    scheme = query.get("scheme", "http" if host in LOCAL else "https")
    host_in_url = f"[{host}]" if ":" in host else host
    return {
        "access_key": unquote(parts.username),
        "secret_key": unquote(parts.password),
        "bucket_name": bucket,
        "endpoint_url": f"{scheme}://{host_in_url}" + (f":{port}" if port else ""),
        "region_name": query.get("region", "us-east-1"),
    }
