"""Networks in CIDR: one spelling, IPv4 however it is written, slips refused."""

from __future__ import annotations

import pytest

from scim_bridge.directory.networks import is_within, origin_of, read_networks
from scim_bridge.errors import InvalidInput


@pytest.mark.parametrize(
    ("texts", "read"),
    [
        (["10.0.0.0/8"], ["10.0.0.0/8"]),
        ([" 10.0.0.0/8 ", "10.0.0.0/255.0.0.0"], ["10.0.0.0/8"]),
        (["192.0.2.7"], ["192.0.2.7/32"]),
        (["2001:DB8::/32"], ["2001:db8::/32"]),
        (["::ffff:10.0.0.0/104"], ["10.0.0.0/8"]),
        (["::/0", "0.0.0.0/0"], ["::/0", "0.0.0.0/0"]),
        ([], []),
    ],
)
def test_read(texts: list[str], read: list[str]) -> None:
    assert read_networks(texts) == read


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10.1.2.3/8", '"10.1.2.3/8" is no network; did you mean 10.0.0.0/8?'),
        ("acme.example", '"acme.example" is no network; write it as 203.0.113.0/24 or 2001:db8::/32'),
        ("10.0.0.0/33", '"10.0.0.0/33" is no network; write it as 203.0.113.0/24 or 2001:db8::/32'),
        ("", '"" is no network; write it as 203.0.113.0/24 or 2001:db8::/32'),
    ],
)
def test_slips_are_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_networks([text])
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("address", "is_in"),
    [
        ("10.255.0.1", True),
        ("::ffff:10.0.0.1", True),
        ("11.0.0.1", False),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("fe80::1%eth0", False),
        ("", False),
        ("unix:", False),
    ],
)
def test_within(address: str, is_in: bool) -> None:
    assert is_within(address, ("10.0.0.0/8", "2001:db8::/32")) is is_in


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
    ],
)
def test_origin(address: str, origin: str) -> None:
    assert origin_of(address) == origin
