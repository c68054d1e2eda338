"""A bridge without its wire: pushes go into the directory, the engine's steps are made one by one, time is ours.

``World`` speaks of people by the local part of their address: ``push("ana", "Staff")`` says what the identity
provider says now, ``run()`` lets the engine do all that is due, ``app`` is what came of it.
"""

from __future__ import annotations

from concurrent.futures import wait
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from memory_app import MemoryAdapter, MemoryApp, memory_registry

from scim_bridge.clock import FrozenClock
from scim_bridge.db import Base, Database
from scim_bridge.directory import groups, sources, users
from scim_bridge.directory.delta import MemberDelta
from scim_bridge.directory.tables import Group, Membership, User
from scim_bridge.engine.answering import Verdict, answer, answer_all, list_approvals
from scim_bridge.engine.check import Check
from scim_bridge.engine.connections import Connections
from scim_bridge.engine.dispatch import Dispatch
from scim_bridge.engine.fanout import Fanout
from scim_bridge.engine.keeper import Keeper
from scim_bridge.engine.plan import plan_hub
from scim_bridge.engine.planned import HubPlan
from scim_bridge.engine.rules import Rules
from scim_bridge.engine.tables import AccessRow, AppliedRow, InvitationRow, Pair, Reservation, Task
from scim_bridge.engine.why import WhyHub, why
from scim_bridge.hubs.tables import AccountRow, Hub
from scim_bridge.settings import load_settings

_DEFAULTS = load_settings({})

GRANTS = """\
  - {name: owners, group: Owners, role: owner}
  - {name: staff, group: Staff, role: member}
  - {name: guests, group: Guests, role: guest}
  - {name: core, group: Core, assets: {team/core: member}}
  - {name: leads, group: Leads, assets: {team/core: maintainer}}
  - {name: web, group: Web, assets: {team/web: member}}
  - {name: readers, group: Readers, assets: {board/roadmap: view}}
  - {name: writers, group: Writers, assets: {board/roadmap: edit}}
"""


def mapping(
    *,
    safety: str = "",
    app: str = "memory",
    more: str = "",
    grants: str = GRANTS,
    start: str = "apply",
    settle: str = "0",
) -> str:
    """The text of a mapping file for the app in memory."""
    return f"""\
app: {app}
connect: {{app: acme}}
roles: [owner, member, guest]
asset_roles: {{team: [maintainer, member], board: [edit, view]}}
grants:
{grants}
safety: {{start: {start}, settle: {settle}{safety and ", "}{safety}}}
{more}
"""


class World:
    """One source, one hub ``acme``, and the app behind it."""

    def __init__(self, db: Database, folder: Path) -> None:
        assert isinstance(db.clock, FrozenClock)
        self.db, self.clock = db, db.clock
        self.app = MemoryAdapter.APPS["acme"] = MemoryApp()
        self.app.member("root", role="owner")
        self.registry = memory_registry()
        self.settings = replace(_DEFAULTS, mappings=folder)
        with db.write() as tx:
            source_id = sources.add_source(tx, name="okta", kind="okta", joins=True, now=db.clock.now())
        self.source = sources.SourceRef(source_id, "okta", "okta", True)
        self.start_engine()

    def start_engine(self) -> None:
        """A new engine on the same rows, as after a restart."""
        self.rules = Rules(self.registry, "production")
        self.connections = Connections(self.settings, self.registry, self.clock)
        self.fanout = Fanout(self.db, self.rules)
        self.dispatch = Dispatch(self.db, self.rules, self.connections, self.settings, on_free=lambda: None)
        self.check = Check(self.db, self.rules, self.connections, self.settings)
        self.keeper = Keeper(self.db, self.rules, self.connections, self.settings)

    def stop(self) -> None:
        """Nothing may write any more when the next test begins."""
        self.dispatch.stop(60.0)
        self.keeper.stop(60.0)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    # What people and identity providers do

    def publish(self, *texts: str, hubs: tuple[str, ...] = ("acme",)) -> None:
        """Put mapping files in force (default: one with all rules, live, settle 0)."""
        files = {f"mappings/{hub}.yaml": text for hub, text in zip(hubs, texts or (mapping(),), strict=False)}
        with self.db.write() as tx:
            self.rules.publish(tx, files, actor="cli:ops", now=self.now)

    def begin(self, **options: Any) -> None:
        """A live hub that has been read once."""
        self.publish(mapping(**options))
        self.run()

    def push(self, name: str, *group_names: str, active: bool = True) -> int:
        """The person is in just these groups now. Returns the person's id."""
        address = f"{name}@acme.example"
        document = {"userName": address, "active": active, "emails": [{"value": address, "primary": True}]}
        with self.db.write() as tx:
            mine = sa.select(User.scim_id).where(User.source_id == self.source.id, User.user_name_key == address)
            row = tx.execute(mine).first()
            if row is None:
                user = users.create_user(tx, self.source, document, now=self.now)
            else:
                known = users.get_user(tx, self.source.id, row.scim_id)
                user = users.change_user(
                    tx, self.source, known, document, now=self.now, is_linked=lambda _tx, _person: False
                )
            is_in = sa.select(Group.display_name).join(Membership, Membership.group_id == Group.id)
            had = set(tx.execute(is_in.where(Membership.user_id == user.id)).scalars())
            for group in sorted(set(group_names) - had):
                self._change(tx, group, MemberDelta(add=(user.scim_id,)))
            for group in sorted(had - set(group_names)):
                self._change(tx, group, MemberDelta(remove=(user.scim_id,)))
        return user.person_id

    def _change(self, tx: sa.Connection, name: str, delta: MemberDelta) -> None:
        mine = sa.select(Group.scim_id).where(Group.source_id == self.source.id)
        row = tx.execute(mine.where(Group.display_name == name)).first()
        if row is None:
            groups.create_group(tx, self.source, {"displayName": name}, delta.add, now=self.now)
            return
        group = groups.get_group(tx, self.source.id, row.scim_id)
        groups.change_group(tx, self.source, group, group.document, delta, now=self.now)

    # What the engine does

    def fan_out(self) -> None:
        while self.fanout.step():
            pass

    def work(self) -> None:
        """All pairs that are due, their calls included."""
        while self.dispatch.step():
            self.settle_lanes()

    def settle_lanes(self, dispatch: Dispatch | None = None) -> None:
        """Wait for the calls under way."""
        wait([future for lane in (dispatch or self.dispatch)._lanes.values() for future in tuple(lane.begun)])

    def read(self) -> None:
        """Check the hub for updates now."""
        self.check.run("acme")

    def run(self) -> None:
        """Everything that is due at this moment: fan-out, calls, readings."""
        for _ in range(20):
            self.fan_out()
            self.work()
            self.keeper._invitations_soon(self.now)
            due = sa.select(Hub.id).where(Hub.id == "acme", Hub.check_at <= self.now, Hub.attention.is_(None))
            if not self.rows(due):
                return
            self.clock.advance(milliseconds=10)
            self.read()
        raise AssertionError("the engine never comes to rest")

    def later(self, **by: float) -> None:
        """Time passes, then the engine does what is due."""
        self.clock.advance(**by)
        self.run()

    # What operators say

    def approvals(self, *states: str) -> list[tuple[int, str, str, str, str, str]]:
        """``(id, action, from, to, kind, state)`` of the questions in these states (default: open ones)."""
        with self.db.read() as tx:
            found = list_approvals(tx, states=states or ("pending", "approved", "rejected"))
        return [(one.id, one.action, one.before, one.after, one.kind, one.state) for one in found]

    def say(self, verdict: Verdict, *ids: int) -> None:
        """Answer these questions (default: all that wait), then let the engine do what is due."""
        with self.db.write() as tx:
            if ids:
                answer(tx, ids, verdict, actor="cli:ops", reason="asked around", now=self.now)
            else:
                answer_all(tx, verdict, actor="cli:ops", reason="asked around", now=self.now)
        self.run()

    # What can be seen

    def rows(self, query: Any) -> list[Any]:
        with self.db.read() as tx:
            return list(tx.execute(query).all())

    def calls(self) -> list[tuple[str, ...]]:
        """The writes since the last question."""
        made, self.app.calls = self.app.calls, []
        return made

    def tasks(self) -> list[tuple[str, str, str]]:
        """``(action, thing, state)`` in the order of their making."""
        return [(row.action, row.thing, row.state) for row in self.rows(sa.select(Task).order_by(Task.id))]

    def task(self) -> Any:
        """The latest task."""
        return self.rows(sa.select(Task).order_by(Task.id.desc()))[0]

    def pair(self, person_id: int) -> Any:
        (row,) = self.rows(sa.select(Pair).where(Pair.person_id == person_id))
        return row

    def access(self, person_id: int) -> Any:
        (row,) = self.rows(sa.select(AccessRow).where(AccessRow.person_id == person_id))
        return row

    def ours(self, person_id: int) -> set[tuple[str, str]]:
        rows = self.rows(sa.select(AppliedRow.thing, AppliedRow.role).where(AppliedRow.person_id == person_id))
        return {tuple(row) for row in rows}

    def invitations(self) -> list[str]:
        """The state of each; ``over`` once it has ended."""
        rows = self.rows(sa.select(InvitationRow.state, InvitationRow.ended_at).order_by(InvitationRow.id))
        return ["over" if row.ended_at else row.state for row in rows]

    def reservations(self) -> list[tuple[str, bool]]:
        rows = self.rows(sa.select(Reservation.thing, Reservation.is_open).order_by(Reservation.id))
        return [tuple(row) for row in rows]

    def hub(self) -> Any:
        (row,) = self.rows(sa.select(Hub).where(Hub.id == "acme"))
        return row

    def account(self, ref: str) -> Any:
        (row,) = self.rows(sa.select(AccountRow).where(AccountRow.ref == ref))
        return row

    def plan(self) -> HubPlan:
        with self.db.read() as tx:
            return plan_hub(tx, "acme", self.rules.in_force(tx).mappings, self.registry, now=self.now)

    def planned(self) -> list[tuple[str, str, str | None, bool]]:
        """``(name, action, to, is held)``."""
        return [
            (one.user_name.partition("@")[0], one.action, one.after, one.held is not None)
            for one in self.plan().changes
        ]

    def why(self, person_id: int) -> WhyHub:
        with self.db.read() as tx:
            return why(tx, person_id, "acme", self.rules.in_force(tx), self.registry, now=self.now).hubs[0]

    def waits(self, person_id: int) -> list[tuple[str, str]]:
        """``(kind, text)`` of what `why` says that the person waits for."""
        return [(wait["kind"], wait["text"]) for wait in self.why(person_id).waits]

    def dump(self) -> dict[str, list[Any]]:
        """Every row of every table."""
        return {table.name: sorted(map(repr, self.rows(sa.select(table)))) for table in Base.metadata.sorted_tables}


def seated(world: World, *groups: str) -> int:
    """Ana holds her seat by an accepted invitation."""
    ana = world.push("ana", *groups)
    world.run()
    world.app.accept("ana@acme.example")
    world.later(minutes=10)
    world.calls()
    return ana
