"""Clients side by side against one server for a while, and what that took.

Clients are threads of this process, which does nothing else meanwhile: they wait in the kernel nearly all of
their time (wire.py), so they do not slow each other. With several server processes each gets as many of the
connections as the others: the kernel deals them out at random, and four at one process of two would be
measured as a slow server.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import quantiles
from threading import Barrier

from bench.machine import cpu_s, holder
from bench.scim.servers import Server
from bench.scim.wire import Wire, WrongAnswer

_TRIES = 200
_REST_S = 0.1


class Turn:
    """One client's turn at a server: ask until it is over."""

    def __init__(self, server: Server, wire: Wire, client: int) -> None:
        self.server = server
        self.wire = wire
        self.client = client  # counts from 0
        self.ends_at_s = 0.0

    @property
    def is_on(self) -> bool:
        return time.perf_counter() < self.ends_at_s


Script = Callable[[Turn], None]
"""What a client does in its turn; it loops while the turn is on."""


@dataclass(frozen=True, slots=True)
class Round:
    """What a round took; ``times_s`` by kind of request. ``cpu_s`` counts until the server is at rest again."""

    seconds: float
    cpu_s: float
    times_s: dict[str, list[float]]

    def requests(self) -> int:
        """How many were answered."""
        return sum(map(len, self.times_s.values()))

    def rate(self) -> float:
        """Requests per second."""
        return self.requests() / self.seconds

    def cpu_ms(self) -> float:
        """Processor time of the server per request, in milliseconds."""
        return 1000 * self.cpu_s / self.requests()

    def p50_ms(self) -> float:
        """The time within which half of the requests were answered."""
        return self._percentile_ms(50)

    def p99_ms(self) -> float:
        """The time within which all but one of a hundred were answered."""
        return self._percentile_ms(99)

    def _percentile_ms(self, percent: int) -> float:
        times = [each for some in self.times_s.values() for each in some]
        return 1000 * quantiles(times, n=100, method="inclusive")[percent - 1]


def play(server: Server, script: Script, *, clients: int, seconds: float) -> Round:
    """One round. Raises WrongAnswer."""
    with ExitStack() as opened:
        wires = _connect(opened, server, clients)
        turns = [Turn(server, wire, client) for client, wire in enumerate(wires)]
        start = Barrier(clients + 1)

        def run(turn: Turn) -> None:
            start.wait()
            script(turn)

        with ThreadPoolExecutor(clients) as pool:
            running = [pool.submit(run, turn) for turn in turns]
            used_s = cpu_s(server.pid)
            began_s = time.perf_counter()
            for turn in turns:
                turn.ends_at_s = began_s + seconds
            start.wait()
            for each in running:
                each.result()
            took_s = time.perf_counter() - began_s
            _wait_for_rest(server)
        times_s: dict[str, list[float]] = {}
        for wire in wires:
            for kind, some in wire.times_s.items():
                times_s.setdefault(kind, []).extend(some)
        return Round(took_s, cpu_s(server.pid) - used_s, times_s)


def _wait_for_rest(server: Server) -> None:
    """Let an engine finish what the requests left to it: it is theirs to pay for, and not the next round's."""
    used_s = cpu_s(server.pid)
    while True:
        time.sleep(_REST_S)
        before_s, used_s = used_s, cpu_s(server.pid)
        if used_s - before_s <= _REST_S / 5 and not server.has_work():
            return


def _connect(opened: ExitStack, server: Server, clients: int) -> list[Wire]:
    """Connections, shared out evenly among the server's processes."""
    workers = server.workers()
    room = dict.fromkeys(workers, -(-clients // len(workers)))
    wires: list[Wire] = []
    for _ in range(_TRIES):
        wire = Wire(server.port)
        wire.ask("hello", server.shapes.by_name("nobody"), 200, b'"totalResults":0')  # now a worker has accepted it
        wire.times_s.clear()
        worker = workers[0] if len(workers) == 1 else holder(server.port, wire.own_port, workers)
        if worker is None or not room[worker]:
            with wire:
                continue
        room[worker] -= 1
        wires.append(opened.enter_context(wire))
        if len(wires) == clients:
            return wires
    raise WrongAnswer(f"{server.name}: {_TRIES} connections, and not one for each of its processes")
