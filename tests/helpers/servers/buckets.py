"""A real S3-compatible server on this machine, and buckets in it."""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config

from tests.helpers.servers.ports import free_port
from tests.helpers.waiting import until

KEY, SECRET = "the-key", "a secret/with+signs"
LISTED = 20  # files in one answer; S3 lists 1,000, but these take seconds to store


@contextmanager
def server() -> Iterator[str]:
    """Run the server, and yield its host and port."""
    port = free_port()
    argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    env = os.environ | {"MOTO_S3_DEFAULT_MAX_KEYS": str(LISTED)}
    process = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: process.poll() is not None or _answers(port))
        assert process.poll() is None, "the S3 server ended at its start"
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def create(address: str) -> str:
    """Create a bucket, and return its FILES_URL."""
    name = f"site-{secrets.token_hex(6)}"
    client(address).create_bucket(Bucket=name)
    return f"s3://{KEY}:{SECRET.replace('/', '%2F')}@{address}/{name}"


def client(address: str) -> Any:
    """Return a client that is independent of the program's."""
    return boto3.Session(KEY, SECRET, region_name="us-east-1").client(
        "s3", endpoint_url=f"http://{address}", config=Config(s3={"addressing_style": "path"})
    )


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
