"""Find: Okta asks by userName, in whatever case people type; Entra asks by externalId."""

from __future__ import annotations

import random
from collections.abc import Iterator

from bench.figure import Figure
from bench.scim.contest import contest
from bench.scim.load import Round, Turn
from bench.scim.shapes import external_id, user_name
from bench.scim.site import Site

_CLIENTS = 4


def by_name(turn: Turn) -> None:
    """Somebody by userName: as stored, in lower case, in upper case, in turns."""
    for number in _anybody(turn):
        name = user_name(number)
        asked = (name, name.lower(), name.upper())[number % 3]
        turn.wire.ask("name", turn.server.shapes.by_name(asked), 200, b'"totalResults":1', f'"{name}"'.encode())


def by_external_id(turn: Turn) -> None:
    """Somebody by externalId."""
    for number in _anybody(turn):
        value = external_id(number)
        turn.wire.ask("id", turn.server.shapes.by_external_id(value), 200, b'"totalResults":1', f'"{value}"'.encode())


def _anybody(turn: Turn) -> Iterator[int]:
    """Somebody else each time, by chance; the same people at each server."""
    chance = random.Random(turn.client)
    people = len(turn.server.filled.people)
    while turn.is_on:
        yield chance.randrange(people)


def measure(site: Site) -> list[Figure]:
    """Throughput beside the limit, by either attribute, and what more people cost."""
    kind, small, large = site.store.kind, site.sizes.small, site.sizes.large
    figures: list[Figure] = []
    with site.bridge(small) as few, site.bridge(large) as many, site.limit(large) as limit:
        for what, script in (("userName", by_name), ("externalId", by_external_id)):
            beside = contest((many, script), (limit, script), clients=_CLIENTS, pace=site.pace)
            grown = contest((many, script), (few, script), clients=_CLIENTS, pace=site.pace)
            figures += [
                beside.at_least(f"{kind}: GET by {what}, req/s of the limit's", Round.rate, 0.85, "/s"),
                grown.at_most(f"{kind}: GET by {what}, p50 at {large:,} users of {small:,}", Round.p50_ms, 1.2, " ms"),
            ]
    return figures
