"""A check for updates of a large organization: how much longer than its page calls alone, and in how much memory.

The page calls alone are the same observation with nobody who writes it down: whatever the simulator and the network
cost is in both. Each reading runs in a process of its own, so that one's memory is not taken for another's. The
first reading is measured, which writes every account, and the one after it, which finds what it knows; all people
of the first half are known by their address and are linked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.company import AppProcess
from bench.figure import Figure, at_most
from bench.machine import forget_peak, peak_mib
from scim_bridge.contract import registry
from scim_bridge.db import Base, Database
from scim_bridge.directory import sources, users
from scim_bridge.engine.check import Check
from scim_bridge.engine.connections import Connections
from scim_bridge.engine.rules import Rules
from scim_bridge.hubs.tables import AccountRow, Hub
from scim_bridge.settings import load_settings

_HUB = "github-acme"
_PAGE_MS = 50
_ACCOUNTS, _FEW, _MANY = 10_000, 1_000, 20_000
_GROWTH_MIB = 32.0  # the page caches of two SQLite connections, full; what is left grows with nothing
_MAPPING = """\
app: github
connect: {{org: acme, token: "env:BENCH_TOKEN", api_url: "{url}"}}
roles: [admin, member]
grants:
  - {{name: engineers, group: Engineering, role: member}}
"""


def measure() -> list[Figure]:
    """The time at 10,000 accounts with 50 ms a page; the peak of memory at 1,000 and at 20,000."""
    timed = _child(_ACCOUNTS, latency_ms=_PAGE_MS)
    few, many = (_child(accounts, latency_ms=0)["peak_mib"] for accounts in (_FEW, _MANY))
    return [
        at_most(
            f"{which} reading of {_ACCOUNTS:,} accounts at {_PAGE_MS} ms a page, time / its page calls",
            timed[f"{which}_s"] / timed["pages_s"],
            1.1,
            note=f"{timed[f'{which}_s']:.2f} s, page calls alone {timed['pages_s']:.2f} s",
        )
        for which in ("first", "second")
    ] + [
        at_most(
            f"memory of a reading of {_MANY:,} accounts over that of {_FEW:,}",
            many - few,
            _GROWTH_MIB,
            " MiB",
            note=f"peaks {few:.0f} and {many:.0f} MiB, SQLite's page caches included",
        )
    ]


def _child(accounts: int, *, latency_ms: int) -> dict[str, float]:
    with AppProcess("--seed-members", str(accounts)) as app, tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder, 'bridge.db')}"
        _fill(url, app.url, accounts // 2)
        app.slow_down(latency_ms)
        ran = subprocess.run(
            [sys.executable, "-m", "bench.reading", url],
            env={**os.environ, "BENCH_TOKEN": "bench"},
            capture_output=True,
            text=True,
            check=True,
        )
    found: dict[str, float] = json.loads(ran.stdout)
    return found


def _fill(url: str, app_url: str, people: int) -> None:
    db = Database(url, synchronous="OFF")
    Base.metadata.create_all(db.engine)
    now = db.now()
    with db.write() as tx:
        source_id = sources.add_source(tx, name="okta", kind="okta", joins=True, now=now)
        source = sources.SourceRef(source_id, "okta", "okta", True)
        for number in range(1, people + 1):
            address = f"member{number}@example.com"
            document: dict[str, Any] = {"userName": address, "emails": [{"value": address, "primary": True}]}
            users.create_user(tx, source, document, now=now)
        files = {f"mappings/{_HUB}.yaml": _MAPPING.format(url=app_url)}
        Rules(registry.load(), "production").publish(tx, files, actor="bench", now=now)
    db.close()


def _read(url: str) -> dict[str, float]:
    db, settings = Database(url), load_settings({})
    rules = Rules(registry.load(), "production")
    connections = Connections(settings, rules.registry, db.clock)
    check = Check(db, rules, connections, settings)
    with db.read() as tx:
        adapter = connections.get(rules.in_force(tx).mappings.hubs[_HUB]).adapter
    adapter.probe()
    forget_peak(os.getpid())
    times = {}
    for which in ("first", "second"):
        began_s = time.monotonic()
        check.run(_HUB)
        times[f"{which}_s"] = time.monotonic() - began_s
    peak = peak_mib(os.getpid())
    began_s = time.monotonic()
    for _ in adapter.observe():
        pass
    times["pages_s"] = time.monotonic() - began_s
    with db.read() as tx:
        doubt, linked = tx.execute(
            sa.select(Hub.doubt, sa.func.count(AccountRow.person_id)).outerjoin(AccountRow).group_by(Hub.doubt)
        ).one()
    if doubt is not None or not linked:
        raise RuntimeError(f"the reading went wrong: {doubt}, {linked} linked")
    db.close()
    return {**times, "peak_mib": peak}


if __name__ == "__main__":
    print(json.dumps(_read(sys.argv[1])))
