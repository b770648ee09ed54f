"""The documented files of HAProxy (deploy/) at other addresses."""

import re
from collections.abc import Mapping
from pathlib import Path

from core.data_folder import PROJECT


def write_config(name: str, folder: Path, bind: str, servers: Mapping[str, str]) -> Path:
    """Write deploy/`name` into the folder, with this address to listen on and these addresses of servers.

    It speaks HTTP, without a certificate, and runs as the user who starts it. Its socket for commands is
    admin.sock in the folder.
    """
    text = (PROJECT / "deploy" / name).read_text()
    text = re.sub(r"^frontend plain\n(  .*\n)+|^  (user|group) .*\n", "", text, flags=re.MULTILINE)
    text, count = re.subn(r"^  bind .*", f"  bind {bind}", text, flags=re.MULTILINE)
    assert count == 1
    text = text.replace("/run/haproxy", str(folder)).replace(
        "X-Forwarded-Proto https", "X-Forwarded-Proto http"
    )
    lines = [line for line in text.splitlines() if not line.startswith("  server ")]
    lines += [f"  server {server} {address}" for server, address in servers.items()]
    file = folder / "haproxy.cfg"
    file.write_text("\n".join(lines) + "\n")
    return file
