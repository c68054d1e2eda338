"""The most memory that a serving process ever holds, among 100,000 users with a group of all of them."""

from __future__ import annotations

from bench.figure import Figure, at_most
from bench.machine import forget_peak, peak_mib
from bench.scim.day import day
from bench.scim.load import play
from bench.scim.members import add_many, leave_and_return, members_of
from bench.scim.servers import Server
from bench.scim.site import Site
from bench.scim.wire import Wire, WrongAnswer

_CLIENTS = 8
_MIB, _PUT_MIB = 150, 250
_LEAVERS = 1_000


def measure(site: Site) -> list[Figure]:
    """MiB after a day and PATCHes of the large group, and during a PUT of it; of the largest process."""
    kind, large = site.store.kind, site.sizes.large
    with site.bridge(large) as bridge:
        play(bridge, day, clients=_CLIENTS, seconds=5 * site.pace.seconds)
        play(bridge, leave_and_return(large, _CLIENTS), clients=_CLIENTS, seconds=5 * site.pace.seconds)
        play(bridge, add_many, clients=2, seconds=site.pace.seconds)
        used = _peak(bridge)
        for pid in bridge.workers():
            forget_peak(pid)
        took_s = _replace(bridge, large)
        return [
            at_most(f"{kind}: memory of a process at {large:,} users", used, _MIB, " MiB"),
            at_most(
                f"{kind}: memory during PUT of a group of {large:,}",
                _peak(bridge),
                _PUT_MIB,
                " MiB",
                note=f"it takes {took_s:.1f} s",
            ),
        ]


def _peak(bridge: Server) -> float:
    return max(peak_mib(pid) for pid in bridge.workers())


def _replace(bridge: Server, size: int) -> float:
    """PUT the group without its first thousand, then whole again; how long the second took, in seconds."""
    filled = bridge.filled
    group, everybody = filled.groups[size], filled.people[:size]
    with Wire(bridge.port) as wire:
        for members in (everybody[_LEAVERS:], everybody):
            request = bridge.shapes.replace_group(group, f"Group of {size}", members)
            wire.ask("put", request, 200, members[-1].encode())
            if members_of(bridge, group) != set(members):
                raise WrongAnswer(f"the group has not the {len(members):,} members that a PUT gave it")
        return wire.times_s["put"][-1]
