"""Other rules for a group of 10,000: how fast fan-out carries them to its people, rows and pairs written.

Twice: a role that everybody in the group gets, and another one instead of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figure import Figure, at_least
from bench.scim.stores import PostgresStore, SqliteStore, Store
from scim_bridge.contract import registry
from scim_bridge.db import Database
from scim_bridge.directory import groups, sources, users
from scim_bridge.engine.fanout import Fanout
from scim_bridge.engine.rules import Rules
from scim_bridge.schema import prepare_schema

_PEOPLE = 10_000
_AT_ONCE = 500
_GOAL = 5_000
_MAPPING = """\
app: github
connect: {{org: acme, token: "env:BENCH_TOKEN"}}
roles: [admin, member]
asset_roles: {{team: [maintainer, member]}}
grants:
  - {{name: engineers, group: Engineering, role: {role}, assets: {{team/core: member}}}}
"""


def measure() -> list[Figure]:
    """People a second on each kind of database."""
    with _stores() as stores:
        return [_measure(store) for store in stores]


@contextmanager
def _stores() -> Iterator[list[Store]]:
    with ExitStack() as opened:
        folder = Path(opened.enter_context(TemporaryDirectory(prefix="scim-bridge-bench-")))
        postgres = PostgresStore()
        opened.callback(postgres.close)
        yield [SqliteStore(folder), postgres]


def _measure(store: Store) -> Figure:
    db = Database(store.new())
    try:
        prepare_schema(db)
        _fill(db)
        rules = Rules(registry.load(), "production")
        fanout = Fanout(db, rules)
        rates = [_carry(db, rules, fanout, role) for role in ("member", "admin")]
    finally:
        db.close()
    note = f"gained {rates[0]:,.0f}/s, changed {rates[1]:,.0f}/s"
    name = f"{store.kind}: fan-out of other rules for {_PEOPLE:,} people"
    return at_least(name, min(rates), _GOAL, " people/s", note=note)


def _fill(db: Database) -> None:
    now = db.clock.now()
    with db.write() as tx:
        source_id = sources.add_source(tx, name="okta", kind="okta", joins=True, now=now)
    source = sources.SourceRef(source_id, "okta", "okta", True)
    members: list[str] = []
    for first in range(0, _PEOPLE, _AT_ONCE):
        with db.write() as tx:
            for number in range(first, first + _AT_ONCE):
                address = f"person{number}@acme.example"
                document = {
                    "userName": address,
                    "active": True,
                    "name": {"givenName": "Ada", "familyName": f"Byron {number}"},
                    "displayName": f"Ada Byron {number}",
                    "title": "Engineer",
                    "emails": [{"value": address, "type": "work", "primary": True}],
                }
                members.append(users.create_user(tx, source, document, now=now).scim_id)
    with db.write() as tx:
        groups.create_group(tx, source, {"displayName": "Engineering"}, tuple(members), now=now)


def _carry(db: Database, rules: Rules, fanout: Fanout, role: str) -> float:
    """People a second, from the new revision until nothing is left to look at."""
    with db.write() as tx:
        rules.publish(tx, {"mappings/acme.yaml": _MAPPING.format(role=role)}, actor="bench", now=db.clock.now())
    began_s = time.perf_counter()
    while fanout.step():
        pass
    return _PEOPLE / (time.perf_counter() - began_s)
