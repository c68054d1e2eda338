"""What everybody gets in every hub, worked out as fan-out does it: how long one core takes, and in how much memory."""

from __future__ import annotations

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor

from bench.figure import Figure, at_most
from bench.machine import peak_mib
from bench.rules import TODAY, hubs, people
from scim_bridge.engine.judging import judge

_PEOPLE, _HUBS = 100_000, 50
_AT_ONCE = 250  # as fan-out takes them
_ALONE = 200


def measure() -> list[Figure]:
    """100,000 people over 50 hubs, in a process of its own; then one person alone."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        took_s, peak, alone_ms, held = process.submit(evaluate_all, _PEOPLE).result()
    note = f"processor time; {_PEOPLE * _HUBS:,} verdicts, {held:,} with a seat"
    return [
        at_most("evaluate 100,000 people x 50 hubs x 20 rules", took_s, 120, " s", note=note),
        at_most("evaluate, memory of the process", peak, 300, " MiB"),
        at_most("evaluate one person x 50 hubs", alone_ms, 2, " ms", note="the median"),
    ]


def evaluate_all(count: int) -> tuple[float, float, float, int]:
    """Processor seconds, peak MiB, milliseconds a person, seats. The people are made beside the stop-watch."""
    mappings = hubs(_HUBS).hubs
    bound: dict[str, dict[tuple[int, str], str]] = {hub: {} for hub in mappings}
    took_s, held = 0.0, 0
    for first in range(0, count, _AT_ONCE):
        batch = {person.id: person for person in people(first, _AT_ONCE)}
        began_s = time.process_time()
        verdicts, met, _ = judge(mappings, batch, bound, TODAY)
        took_s += time.process_time() - began_s
        for new in met:
            bound[new.hub_id][int(new.scope), new.name.casefold()] = new.target_id
        held += sum(verdict.role is not None for verdict in verdicts.values())
    alone_s = []
    for person in people(count, _ALONE):
        began_s = time.process_time()
        judge(mappings, {person.id: person}, bound, TODAY)
        alone_s.append(time.process_time() - began_s)
    return took_s, peak_mib(os.getpid()), 1000 * sorted(alone_s)[_ALONE // 2], held
