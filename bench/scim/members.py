"""PATCH of a group: one member leaves or comes (Okta's shape), and a thousand come at once (Entra's)."""

from __future__ import annotations

import json
from itertools import cycle

from bench.figure import Figure, at_most
from bench.scim.contest import contest
from bench.scim.load import Round, Script, Turn, play
from bench.scim.servers import Server
from bench.scim.site import Site
from bench.scim.wire import Wire

_CLIENTS = 4
_MANY = 1_000
_AT_ONCE_A_ROUND = 5
_LEAVERS = 100  # a client
_SMALL_GROUP = 1_000


def leave_and_return(size: int, clients: int) -> Script:
    """Members of the group of ``size`` leave and come back, each client's own; the group is whole at the end."""

    def script(turn: Turn) -> None:
        filled, shapes, ask = turn.server.filled, turn.server.shapes, turn.wire.ask
        group = filled.groups[size]
        for member in cycle(filled.people[turn.client : size : clients]):
            if not turn.is_on:
                return
            ask("remove", shapes.remove_member(group, member), 204)
            ask("add", shapes.add_member(group, member), 204)

    return script


def add_many(turn: Turn) -> None:
    """A few times, a thousand people come into an empty group."""
    filled = turn.server.filled
    for _ in range(_AT_ONCE_A_ROUND):
        request = turn.server.shapes.add_members(next(turn.server.empty_groups), filled.people[:_MANY])
        turn.wire.ask("add", request, 204)


def measure(site: Site) -> list[Figure]:
    """One member beside the limit, in a large group beside a small one, four clients at one group, many at once."""
    kind, large, pace = site.store.kind, site.sizes.large, site.pace
    alone, together = leave_and_return(_SMALL_GROUP, 1), leave_and_return(_SMALL_GROUP, _CLIENTS)
    with site.bridge(large) as bridge, site.limit(large) as limit:
        one = contest((bridge, alone), (limit, alone), clients=1, pace=pace)
        grown = contest((bridge, leave_and_return(large, 1)), (bridge, alone), clients=1, pace=pace)
        four = contest((bridge, together), (limit, together), clients=_CLIENTS, pace=pace)
        many = contest((bridge, add_many), (limit, add_many), clients=1, pace=pace)
        lost = _lost(bridge)
    return [
        one.at_most(f"{kind}: PATCH of one member, p50 of the limit's", Round.p50_ms, 2, " ms"),
        grown.at_most(f"{kind}: PATCH of one member, p50 in a group of {large:,} of 1,000", Round.p50_ms, 1.3, " ms"),
        four.at_least(f"{kind}: PATCH of one member, {_CLIENTS} clients, req/s of the limit's", Round.rate, 0.6, "/s"),
        at_most(f"{kind}: PATCH of one member, {_CLIENTS} clients, updates lost", lost, 0),
        many.at_most(f"{kind}: PATCH of {_MANY:,} members, time of the limit's", Round.p50_ms, 6, " ms"),
    ]


def _lost(bridge: Server) -> int:
    """Clients take members out of one group side by side, then put them back: members too many, and missing."""
    filled = bridge.filled
    group, everybody = filled.groups[_SMALL_GROUP], set(filled.people[:_SMALL_GROUP])
    leavers = filled.people[: _CLIENTS * _LEAVERS]

    def remove(turn: Turn) -> None:
        for member in leavers[turn.client :: _CLIENTS]:
            turn.wire.ask("remove", bridge.shapes.remove_member(group, member), 204)

    def add(turn: Turn) -> None:
        for member in leavers[turn.client :: _CLIENTS]:
            turn.wire.ask("add", bridge.shapes.add_member(group, member), 204)

    play(bridge, remove, clients=_CLIENTS, seconds=0)
    lost = members_of(bridge, group) ^ (everybody - set(leavers))
    play(bridge, add, clients=_CLIENTS, seconds=0)
    return len(lost) + len(members_of(bridge, group) ^ everybody)


def members_of(bridge: Server, group: str) -> set[str]:
    """The members of a group, as the bridge shows them."""
    with Wire(bridge.port) as wire:
        shown = json.loads(wire.ask("read", bridge.shapes.get(f"/Groups/{group}"), 200))
    return {member["value"] for member in shown.get("members", [])}
