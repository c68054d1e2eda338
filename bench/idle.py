"""What a bridge costs that has nothing to do: processor time of ``serve`` and all its children."""

from __future__ import annotations

import time

from bench.company import Company
from bench.figure import Figure, at_most
from bench.machine import cpu_s

_PEOPLE = 200
_SECONDS = 10


def measure() -> list[Figure]:
    """Percent of one core over ten seconds, with one live hub."""
    with Company(_PEOPLE) as company:
        company.push(company.people)
        company.wait_for_rest()
        time.sleep(2)  # the last keep-alive and log line of the push are not idling
        before_s = cpu_s(company.bridge.pid)
        time.sleep(_SECONDS)
        used_s = cpu_s(company.bridge.pid) - before_s
    return [at_most("idle, of a core", 100 * used_s / _SECONDS, 2, " %")]
