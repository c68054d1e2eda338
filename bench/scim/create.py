"""Create: Okta's existence check, which finds nobody, and its POST."""

from __future__ import annotations

from bench.figure import Figure
from bench.scim.contest import contest
from bench.scim.load import Round, Turn
from bench.scim.shapes import user_name
from bench.scim.site import Site

_CLIENTS = 4
_MANY = 16


def create(turn: Turn) -> None:
    """One new person after the other; each answer names the person."""
    shapes = turn.server.shapes
    while turn.is_on:
        number = next(turn.server.numbers)
        name = user_name(number)
        turn.wire.ask("look", shapes.by_name(name), 200, b'"totalResults":0')
        turn.wire.ask("create", shapes.create(number), 201, f'"userName":"{name}"'.encode(), b'"id":"')


def measure(site: Site) -> list[Figure]:
    """Throughput and processor time beside the limit; what those who are there already cost; the slowest answers."""
    kind, large = site.store.kind, site.sizes.large
    with site.bridge(0) as bridge, site.limit(0) as limit:
        alone = contest((bridge, create), (limit, create), clients=_CLIENTS, pace=site.pace)
        crowd = contest((bridge, create), (limit, create), clients=_MANY, pace=site.pace)
    with site.bridge(large) as full, site.bridge(0) as empty:
        grown = contest((full, create), (empty, create), clients=_CLIENTS, pace=site.pace)
    return [
        alone.at_least(f"{kind}: create, req/s of the limit's", Round.rate, 0.75, "/s"),
        alone.at_most(f"{kind}: create, processor time of the limit's", Round.cpu_ms, 1.6, " ms"),
        grown.at_least(f"{kind}: create with {large:,} users, req/s of an empty one's", Round.rate, 0.9, "/s"),
        crowd.at_most(f"{kind}: create, {_MANY} clients, p99 of the limit's", Round.p99_ms, 1.5, " ms"),
    ]
