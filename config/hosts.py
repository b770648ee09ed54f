"""Names of hosts. It reads no settings: config/settings.py asks it."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a server that listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def allowed_hosts(site: str, listening: str) -> list[str]:
    """Return the hosts whose requests are answered: the site's own, and on a site for this machine alone each
    of the machine's own names.

    Elsewhere the names of loopback are refused: whoever sends one could else have links made for it.
    """
    if not is_loopback(site):
        return [f"[{site}]" if ":" in site else site]
    return sorted({"localhost", "127.0.0.1", "[::1]", listening, site})
