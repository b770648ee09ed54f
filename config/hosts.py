"""Host names: loopback, and the allowed hosts. No settings here: config/settings.py imports it."""

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
    """Return the hosts for ALLOWED_HOSTS: the site's own, and for a local site all names of the machine.

    A public site refuses the loopback names, because a request could otherwise get links that lead to them.
    """
    if not is_loopback(site):
        return [f"[{site}]" if ":" in site else site]
    return sorted({"localhost", "127.0.0.1", "[::1]", listening, site})
