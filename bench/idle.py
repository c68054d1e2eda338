"""What a bridge costs that has nothing to do: processor time of ``serve`` and all its children."""

from __future__ import annotations

import os
import time
from pathlib import Path

from bench.company import Company
from bench.figure import Figure, at_most

_PEOPLE = 200
_SECONDS = 10
_TICKS = os.sysconf("SC_CLK_TCK")


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


def cpu_s(pid: int) -> float:
    """Processor seconds that a process and its living descendants have used (proc(5), ``stat`` and ``children``)."""
    process = Path(f"/proc/{pid}")
    fields = (process / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
    own_s = (int(fields[11]) + int(fields[12])) / _TICKS
    children = (process / "task" / str(pid) / "children").read_text(encoding="ascii").split()
    return own_s + sum(cpu_s(int(child)) for child in children)
