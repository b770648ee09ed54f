"""Host names and addresses: loopback, allowed hosts, proxies.

No settings here: config/settings.py imports it.
"""

import ipaddress
from collections.abc import Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


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


def parse_networks(text: str) -> tuple[Network, ...]:
    """Return networks and addresses such as "10.0.0.5 fd00::/64". Raises ValueError.

    IPv4 that is written as IPv6 is refused, since `is_within` compares it as IPv4.
    """
    networks = tuple(ipaddress.ip_network(word) for word in text.replace(",", " ").split())
    if any(network.version == 6 and network.network_address.ipv4_mapped for network in networks):
        raise ValueError(text)
    return networks


def include_everybody(networks: Sequence[Network]) -> bool:
    """Return whether the networks together contain all IPv4 or all IPv6 addresses."""
    v4 = ipaddress.collapse_addresses(one for one in networks if isinstance(one, ipaddress.IPv4Network))
    v6 = ipaddress.collapse_addresses(one for one in networks if isinstance(one, ipaddress.IPv6Network))
    return any(one.prefixlen == 0 for one in v4) or any(one.prefixlen == 0 for one in v6)


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Return whether an IP address is in one of the networks, also IPv4 written as IPv6.

    Other text, such as the address of a Unix socket, is in a network of all addresses only.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return include_everybody(networks)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in networks)
