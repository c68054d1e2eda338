"""A company in the database of the working directory, as pushes and one reading of the app left it; no engine runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from scim_bridge.contract import registry
from scim_bridge.contract.state import Account, Asset, Holding, Status
from scim_bridge.db import Base, Database
from scim_bridge.directory import groups, sources, users
from scim_bridge.engine.rules import Rules
from scim_bridge.hubs.observed import Reading, close_reading, take_in
from scim_bridge.hubs.tables import Hub

RULES = """\
app: github
connect: {org: acme, token: "env:GITHUB_TOKEN"}
roles: [admin, member]
asset_roles: {team: [maintainer, member]}
grants:
  - {name: staff, group: Staff, role: member, assets: {team/core: member}}
  - {name: owners, group: Owners, role: admin}
  - {name: nobody, group: Misspelt, role: admin}
"""
STAFF = ("ana", "bo")


def company(db: Database, folder: Path, *, reads: bool = True) -> None:
    """Ana and Bo are staff; Bo has an account that is admin; the mapping is in the folder and in force."""
    now = db.clock.now()
    (folder / "mappings" / "acme.yaml").write_text(RULES)
    with db.write() as tx:
        source_id = sources.add_source(tx, name="okta", kind="okta", joins=True, now=now)
        source = sources.SourceRef(source_id, "okta", "okta", True)
        files = {"mappings/acme.yaml": RULES}
        Rules(registry.load(), "production").publish(tx, files, actor="cli:ops", now=now)
        members = [users.create_user(tx, source, _user(name), now=now).scim_id for name in STAFF]
        groups.create_group(tx, source, {"displayName": "Staff"}, tuple(members), now=now)
        if reads:
            reading = Reading("acme", 1, now)
            bo = Account("7", Status.ACTIVE, "admin", "bo", ("bo@acme.example",))
            root = Account("1", Status.ACTIVE, "admin", "root")
            core = Asset("team", "1", "Core", "core")
            take_in(tx, reading, [core, root, bo, Holding("7", "team/1", "member")])
            close_reading(tx, reading, now=now)
            tx.execute(sa.update(Hub).values(observation=1, observed_from=now, observed_at=now))


def push(db: Database, name: str, group: str) -> None:
    """Somebody new, in a group that is new, too."""
    now = db.clock.now()
    with db.write() as tx:
        source_id = tx.execute(sa.text("SELECT id FROM sources")).scalar_one()
        source = sources.SourceRef(source_id, "okta", "okta", True)
        user = users.create_user(tx, source, _user(name), now=now)
        groups.create_group(tx, source, {"displayName": group}, (user.scim_id,), now=now)


def leave(db: Database, name: str) -> None:
    """Somebody is deactivated."""
    now, address = db.clock.now(), f"{name}@acme.example"
    with db.write() as tx:
        source_id = tx.execute(sa.text("SELECT id FROM sources")).scalar_one()
        source = sources.SourceRef(source_id, "okta", "okta", True)
        scim_id = tx.execute(
            sa.text("SELECT scim_id FROM users WHERE user_name_key = :key"), {"key": address}
        ).scalar_one()
        known = users.get_user(tx, source_id, scim_id)
        users.change_user(
            tx, source, known, {**_user(name), "active": False}, now=now, is_linked=lambda _tx, _person: False
        )


def _user(name: str) -> dict[str, Any]:
    address = f"{name}@acme.example"
    return {"userName": address, "active": True, "emails": [{"value": address, "primary": True}]}


def dump(db: Database) -> dict[str, list[Any]]:
    """Every row of every table."""
    with db.read() as tx:
        return {
            table.name: sorted(map(repr, tx.execute(sa.select(table)).all())) for table in Base.metadata.sorted_tables
        }
