"""People leave and come back: Okta's PATCH of ``active``, with all that it has to leave behind."""

from __future__ import annotations

from itertools import cycle

from bench.figure import Figure
from bench.scim.contest import contest
from bench.scim.load import Round, Turn
from bench.scim.site import Site
from bench.scim.wire import WrongAnswer

_CLIENTS = 4


def deactivate(turn: Turn) -> None:
    """Each client's own people, one after the other: out, and in again, so that every request changes something."""
    filled, shapes = turn.server.filled, turn.server.shapes
    for scim_id in cycle(filled.people[turn.client :: _CLIENTS]):
        for is_active in (False, True):
            if not turn.is_on and not is_active:
                return
            shown = turn.wire.ask("active", shapes.set_active(scim_id, is_active), 200, scim_id.encode())
            if (b"false" in shown) is is_active:  # nothing else about these people is false
                raise WrongAnswer(f"active was set to {is_active}, and the answer is {shown!r}")


def measure(site: Site) -> list[Figure]:
    """Throughput beside the limit, which updates one row."""
    with site.bridge(site.sizes.middle) as bridge, site.limit(site.sizes.middle) as limit:
        beside = contest((bridge, deactivate), (limit, deactivate), clients=_CLIENTS, pace=site.pace)
    name = f"{site.store.kind}: deactivate, {_CLIENTS} clients, req/s of the limit's"
    return [beside.at_least(name, Round.rate, 0.65, "/s")]
