"""Servers for the tests of the HTTP client, closed at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from http_kit import Peer, Script


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    peers: list[Peer] = []

    def start(*scripts: Script) -> Peer:
        peers.append(Peer(*scripts))
        return peers[-1]

    yield start
    for one in peers:
        one.close()
