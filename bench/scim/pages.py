"""Lists in pages of a hundred: the first, a deep one, groups without members, and a whole walk while others write.

What a walk promises: whoever is there all the time is seen exactly once. By cursor (RFC 9865) that holds whatever
others do. By index it cannot hold when somebody early in the list is deleted, for then all others move up; there
the other client deletes only those whom it created.

Milliseconds are those of the least disturbed round: what else the machine does only ever adds to them. The note has
the median round.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from threading import Event
from typing import Any

from bench.figure import Figure, at_most, number
from bench.scim.contest import contest
from bench.scim.load import Round, Script, Turn
from bench.scim.servers import Server
from bench.scim.shapes import user_name
from bench.scim.site import Site
from bench.scim.wire import Wire

_COUNT = 100
_PAGE_MS = 10
_GROUPS_MS = 8


def read(path: str) -> Script:
    """One page again and again; it is a full one."""

    def script(turn: Turn) -> None:
        request = turn.server.shapes.get(path)
        while turn.is_on:
            turn.wire.ask("page", request, 200, b'"itemsPerPage":%d' % _COUNT)

    return script


def measure(site: Site) -> list[Figure]:
    """Milliseconds of a page, a deep page through the first, and people whom a walk missed or saw twice."""
    kind, large = site.store.kind, site.sizes.large
    first, deep = read(_by_index(1)), read(_by_index(large - _COUNT))
    groups = read(f"/Groups?excludedAttributes=members&startIndex=1&count={_COUNT}")
    with site.bridge(large) as bridge:
        depth = contest((bridge, deep), (bridge, first), clients=1, pace=site.pace)
        lists = contest((bridge, first), (bridge, groups), clients=1, pace=site.pace)
        figures = [
            _at_rest(f"{kind}: page of {_COUNT} of {large:,} users, p50", [pair[0] for pair in lists.pairs], _PAGE_MS),
            depth.at_most(f"{kind}: page, the last of the first", Round.p50_ms, 2, " ms"),
            _at_rest(f"{kind}: page of groups without members, p50", [pair[1] for pair in lists.pairs], _GROUPS_MS),
            _walk(kind, bridge, by_cursor=False),
        ]
        if _pages_by_cursor(bridge):  # last: it deletes people
            figures.append(_walk(kind, bridge, by_cursor=True))
    return figures


def _at_rest(name: str, rounds: list[Round], goal_ms: float) -> Figure:
    p50s_ms = [each.p50_ms() for each in rounds]
    return at_most(name, min(p50s_ms), goal_ms, " ms", note=f"median round {number(median(p50s_ms))} ms")


def _by_index(start: int) -> str:
    return f"/Users?startIndex={start}&count={_COUNT}"


def _pages_by_cursor(bridge: Server) -> bool:
    with Wire(bridge.port) as wire:
        config = json.loads(wire.ask("config", bridge.shapes.get("/ServiceProviderConfig"), 200))
    return bool(config.get("pagination", {}).get("cursor"))


def _walk(kind: str, bridge: Server, *, by_cursor: bool) -> Figure:
    """Walk through all users while another client writes."""
    over = Event()
    with ThreadPoolExecutor(1) as pool, Wire(bridge.port) as wire:
        writing = pool.submit(_write, bridge, over, deletes_anybody=by_cursor)
        try:
            pages = _cursor_pages(bridge, wire) if by_cursor else _index_pages(bridge, wire)
            seen = Counter(user["id"] for page in pages for user in page)
        finally:
            over.set()
        deleted, writes = writing.result()
    stayed = set(bridge.filled.people) - deleted
    wrong = sum(seen[person] != 1 for person in stayed)
    name = f"{kind}: walk by {'cursor' if by_cursor else 'index'}, people missed or seen twice"
    return at_most(name, wrong, 0, note=f"{len(stayed):,} people, {writes:,} writes meanwhile")


def _index_pages(bridge: Server, wire: Wire) -> Iterator[list[dict[str, Any]]]:
    start = 1
    while True:
        page = json.loads(wire.ask("page", bridge.shapes.get(_by_index(start)), 200))
        if not page.get("Resources"):
            return
        yield page["Resources"]
        start += len(page["Resources"])


def _cursor_pages(bridge: Server, wire: Wire) -> Iterator[list[dict[str, Any]]]:
    cursor: str | None = "cursor"
    while cursor:
        page = json.loads(wire.ask("page", bridge.shapes.get(f"/Users?{cursor}&count={_COUNT}"), 200))
        yield page.get("Resources", [])
        cursor = f"cursor={page['nextCursor']}" if "nextCursor" in page else None


def _write(bridge: Server, over: Event, *, deletes_anybody: bool) -> tuple[set[str], int]:
    """Create, change and delete in turns until it is ``over``; those who were there and are deleted, and writes."""
    chance = random.Random(1)
    shapes, people = bridge.shapes, list(bridge.filled.people)
    chance.shuffle(people)
    deleted: set[str] = set()
    writes = 0
    with Wire(bridge.port) as wire:
        while not over.is_set():
            newcomer = next(bridge.numbers)
            telling = f'"userName":"{user_name(newcomer)}"'.encode()
            created = json.loads(wire.ask("create", shapes.create(newcomer), 201, telling))
            wire.ask("change", shapes.change_user(chance.choice(people), {"title": f"Engineer {newcomer}"}), 200)
            leaver = created["id"]
            if deletes_anybody:
                leaver = people.pop()
                deleted.add(leaver)
            wire.ask("delete", shapes.delete_user(leaver), 204)
            writes += 3
    return deleted, writes
