"""Where a request comes from, and whether its source may come from there. Pure.

A socket that listens on both families shows IPv4 as IPv6 (``::ffff:10.0.0.1``); addresses and networks of
that kind are read as the IPv4 that they are, so that a rule holds however the machine listens.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    NetmaskValueError,
    ip_address,
    ip_network,
)

from scim_bridge.errors import InvalidInput

_MAPPED = IPv6Network("::ffff:0:0/96")
_ONE_SITE = 64  # bits: whoever has one IPv6 address has all of its /64


def read_networks(texts: Iterable[str]) -> list[str]:
    """CIDR networks in one spelling, each once, in their order. A plain address means itself alone.

    Raises InvalidInput, also where bits behind the mask are set: it is more often a slip than meant.
    """
    return list(dict.fromkeys(str(_read(text.strip())) for text in texts))


def _read(text: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(text)
    except (AddressValueError, NetmaskValueError, ValueError) as error:
        raise InvalidInput(f'"{text}" is no network', advice=_advice(text)) from error
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFF_FFFF, network.prefixlen - 96))
    return network


def _advice(text: str) -> str:
    try:
        return f"did you mean {ip_network(text, strict=False)}?"
    except ValueError:
        return "write it as 203.0.113.0/24 or 2001:db8::/32"


@lru_cache(maxsize=4096)  # asked at every request, mostly about the same few addresses
def is_within(address: str, networks: tuple[str, ...]) -> bool:
    """Whether ``address`` lies in one of ``networks`` (as ``read_networks`` writes them); no address does not."""
    found = _address(address)
    return found is not None and any(found in ip_network(each) for each in networks)


def origin_of(address: str) -> str:
    """What attempts are counted under: an IPv4 address, the /64 of an IPv6 one, or ``unknown``."""
    found = _address(address)
    if isinstance(found, IPv6Address):
        return str(IPv6Network((int(found), _ONE_SITE), strict=False))
    return str(found or "unknown")


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
