"""A day of an identity provider: it looks far more often than it writes (80 : 10 : 8 : 2)."""

from __future__ import annotations

import random

from bench.figure import Figure
from bench.scim.contest import contest
from bench.scim.load import Round, Turn
from bench.scim.shapes import user_name
from bench.scim.site import Site

_CLIENTS = 8
_GROUP = 1_000
_LOOK, _CHANGE, _MEMBER, _CREATE = 80, 10, 8, 2


def day(turn: Turn) -> None:
    """By chance, the same at each server: look, change a user, take a member out and back in, create a user."""
    chance = random.Random(turn.client)
    tasks = chance.choices((_look, _change, _member, _create), (_LOOK, _CHANGE, _MEMBER / 2, _CREATE), k=10_000)
    for task in tasks:
        if not turn.is_on:
            return
        task(turn, chance)


def _look(turn: Turn, chance: random.Random) -> None:
    name = user_name(chance.randrange(len(turn.server.filled.people)))
    turn.wire.ask("look", turn.server.shapes.by_name(name), 200, b'"totalResults":1', f'"{name}"'.encode())


def _change(turn: Turn, chance: random.Random) -> None:
    scim_id = chance.choice(turn.server.filled.people)
    title = f"Engineer {next(turn.server.numbers)}"  # never the one that is there: that would be no change
    request = turn.server.shapes.change_user(scim_id, {"title": title})
    turn.wire.ask("change", request, 200, scim_id.encode(), title.encode())


def _member(turn: Turn, chance: random.Random) -> None:
    """Two requests: the group is whole again, so there is always somebody to take out."""
    filled, shapes = turn.server.filled, turn.server.shapes
    member = chance.choice(filled.people[turn.client : _GROUP : _CLIENTS])
    turn.wire.ask("member", shapes.remove_member(filled.groups[_GROUP], member), 204)
    turn.wire.ask("member", shapes.add_member(filled.groups[_GROUP], member), 204)


def _create(turn: Turn, _chance: random.Random) -> None:
    number = next(turn.server.numbers)
    telling = f'"userName":"{user_name(number)}"'.encode()
    turn.wire.ask("create", turn.server.shapes.create(number), 201, telling)


def measure(site: Site) -> list[Figure]:
    """Throughput beside the limit in a middle company, and in a large one beside that."""
    kind, middle, large = site.store.kind, site.sizes.middle, site.sizes.large
    with site.bridge(middle) as bridge, site.limit(middle) as limit, site.bridge(large) as grown:
        beside = contest((bridge, day), (limit, day), clients=_CLIENTS, pace=site.pace)
        larger = contest((grown, day), (bridge, day), clients=_CLIENTS, pace=site.pace)
    return [
        beside.at_least(f"{kind}: a day, {middle:,} users, req/s of the limit's", Round.rate, 0.7, "/s"),
        larger.at_least(f"{kind}: a day, req/s at {large:,} users of {middle:,}", Round.rate, 0.9, "/s"),
    ]
