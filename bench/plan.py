"""A plan for ten thousand people and one hub, as an operator asks for it: the whole command, output included.

The first plan of a hub is the longest there is: everybody's account is read, adopted, raised, lowered or invited.
Everybody is in ten groups; 20 rules, 18 of them by group and 2 by a condition, give seats and teams.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.figure import Figure, at_most
from bench.scim.fill import Filled, copy_to_postgres
from bench.scim.shapes import person
from bench.scim.stores import PostgresStore
from scim_bridge.contract import registry
from scim_bridge.contract.state import Account, Asset, Holding, Observed, Status
from scim_bridge.db import Database, Tx
from scim_bridge.directory import groups, sources, users
from scim_bridge.directory.sources import SourceRef
from scim_bridge.engine.matching import match_some, walk_people
from scim_bridge.engine.rules import Rules
from scim_bridge.hubs.observed import Reading, close_reading, take_in
from scim_bridge.hubs.tables import Hub
from scim_bridge.schema import upgrade

HUB = "github-acme"
_PEOPLE, _GROUPS, _GROUPS_EACH, _TEAMS = 10_000, 100, 10, 15
_GOAL_S = 5.0
_ROUNDS = 3
_HEAD = """\
app: github
connect: {org: acme, token: "env:BENCH_TOKEN"}
roles: [admin, member]
asset_roles: {team: [maintainer, member]}
grants:
"""


def measure() -> list[Figure]:
    """The command on both databases; the quickest of some rounds, since whatever else runs only adds."""
    with TemporaryDirectory(prefix="scim-bridge-bench-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder}/plan.db"
        fill(url, _PEOPLE)
        figures = [_figure("SQLite", folder, url)]
        store = PostgresStore()
        try:
            copied = copy_to_postgres(Filled(url, "", [], {}, []), store.new())
            figures.append(_figure("PostgreSQL", folder, copied.url))
        finally:
            store.close()
    return figures


def _figure(kind: str, folder: Path, url: str) -> Figure:
    rounds = [_round(folder, url) for _ in range(_ROUNDS)]
    took_s = min(took_s for took_s, _ in rounds)
    note = f"{rounds[0][1]:,} lines, the whole command"
    return at_most(f"plan of {_PEOPLE:,} people, {kind}", took_s, _GOAL_S, " s", note=note)


def _round(folder: Path, url: str) -> tuple[float, int]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SCIM_BRIDGE_")}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "scim_bridge", "plan", HUB],
        cwd=folder,
        env=clean | {"SCIM_BRIDGE_DATABASE_URL": url},
        capture_output=True,
        check=False,
    )
    took_s = time.monotonic() - began
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    return took_s, done.stdout.count(b"\n")


def fill(url: str, people: int) -> None:
    """A company, a hub in plan mode, and what a reading of the app showed: most have accounts, few as they should."""
    db = Database(url, synchronous="OFF")
    upgrade(db)
    now = db.clock.now()
    with db.write() as tx:
        source_id = sources.add_source(tx, name="okta", kind="okta", joins=True, now=now)
        Rules(registry.load(), "production").publish(tx, {f"mappings/{HUB}.yaml": mapping()}, actor="bench", now=now)
        _push(tx, sources.SourceRef(source_id, "okta", "okta", True), people, now)
        reading = Reading(HUB, 1, now)
        batch: list[Observed] = []
        for item in _observed(people):
            batch.append(item)
            if len(batch) == 1_000:
                take_in(tx, reading, batch)
                batch = []
        take_in(tx, reading, batch)
        close_reading(tx, reading, now=now)
        tx.execute(Hub.__table__.update().values(observation=1, observed_from=now, observed_at=now))  # type: ignore[attr-defined]
    _link(db, now)
    db.close()


def _link(db: Database, now: Any) -> None:
    """Whose the accounts are, as a reading finds it at its end."""
    with db.read() as tx:
        known = Rules(registry.load(), "production").in_force(tx).mappings.hubs[HUB]
    walked, after = walk_people(db, known), 0
    while True:
        with db.write() as tx:
            last = match_some(tx, known, walked, after=after, now=now)
        if last is None:
            return
        after = last


def mapping() -> str:
    """18 rules by group, 2 by a condition."""
    rules = ["  - {name: admins, group: Group 0, role: admin}"]
    rules += [f"  - {{name: staff{each}, group: Group {each}, role: member}}" for each in range(1, 3)]
    rules += [
        f"  - {{name: team{each}, group: Group {each}, assets: {{team/team-{each}: member}}}}"
        for each in range(3, 3 + _TEAMS)
    ]
    rules.append('  - {name: everybody, where: userName ew "@acme.example", role: member}')
    rules.append('  - {name: byron, where: name.familyName ew "7", assets: {team/team-3: maintainer}}')
    return _HEAD + "\n".join(rules) + "\n"


def _push(tx: Tx, source: SourceRef, people: int, now: Any) -> None:
    ids = []
    for number in range(people):
        document = person(number)
        del document["groups"], document["password"]  # read-only, never stored
        ids.append(users.create_user(tx, source, document, now=now).scim_id)
    for group in range(_GROUPS):
        members = tuple(ids[number] for number in range(people) if (group - number) % _GROUPS < _GROUPS_EACH)
        groups.create_group(tx, source, {"displayName": f"Group {group}"}, members, now=now)


def _observed(people: int) -> Iterator[Observed]:
    """Nine of ten have an account; one of ten is an admin; everybody is in two teams that may not be theirs."""
    for team in range(3, 3 + _TEAMS):
        yield Asset("team", str(team), f"Team {team}", f"team-{team}")
    for number in range(people):
        if number % 10:
            role = "admin" if number % 10 == 1 else "member"
            email = f"person{number}@acme.example"
            yield Account(str(number), Status.ACTIVE, role, f"person{number}", (email,))
    for number in range(people):
        if number % 10:
            for team in {3 + number % _TEAMS, 3 + number // 7 % _TEAMS}:
                yield Holding(str(number), f"team/{team}", "member")
