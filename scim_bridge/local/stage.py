"""Where the company's story plays: a bridge, an app's simulator and Okta, all on this machine, and a look at each.

The bridge is a process of its own, as it will be in service. What is shown of it is read from its database, what
is shown of the app comes from the simulator's own journal and state: nothing is told by the one who acts.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa

from scim_bridge.contract import registry
from scim_bridge.contract.simulator import AccountState, Entry, Simulator
from scim_bridge.db import Database, Tx
from scim_bridge.directory.people import user_names
from scim_bridge.directory.tables import GroupChange, Person, PersonChange
from scim_bridge.engine.plan import plan_hub
from scim_bridge.engine.rules import Rules
from scim_bridge.engine.tables import Pair
from scim_bridge.engine.tasks import list_tasks
from scim_bridge.engine.why import WhyHub, why
from scim_bridge.hubs.tables import Hub
from scim_bridge.local.company import Company, Staff
from scim_bridge.local.process import BridgeProcess
from scim_bridge.mapping.tables import RevisionChange

_SOON = timedelta(seconds=30)  # what is due later than this waits for somebody


@dataclass(frozen=True, slots=True)
class Push:
    """A request of Okta's that was answered; ``at`` in epoch seconds."""

    request: str
    status: int
    at: float


@dataclass(slots=True)
class Beat:
    """One step of the story, as it is seen from the outside while it plays."""

    number: int
    title: str
    began_at: float
    seats_before: Mapping[str, AccountState]
    seats: Mapping[str, AccountState]
    pushes: list[Push] = field(default_factory=list)
    changes: dict[tuple[str, str, str], None] = field(default_factory=dict)  # (who, action, what), in order
    calls: list[Entry] = field(default_factory=list)
    is_plan_only: bool = False
    took_s: float = 0.0
    is_over: bool = False


class Stage:
    """Everything that runs, in ``folder``. A context manager: what was started is stopped, however it ends."""

    def __init__(self, company: Company, folder: Path) -> None:
        self.company = company
        self.folder = folder
        self._ends = ExitStack()
        self._pushed: list[Push] = []
        self._registry = registry.load()
        self._rules = Rules(self._registry, "production")

    def __enter__(self) -> Self:
        with ExitStack() as ends:
            self._start(ends)
            self._ends = ends.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()

    def _start(self, ends: ExitStack) -> None:
        company = self.company
        self.simulator: Simulator = ends.enter_context(
            self._registry.simulator(company.app)(**company.simulator).start()
        )
        for change in company.by_hand:
            self.simulator.change(**change)
        self.mapping_file = self.folder / "mappings" / f"{company.hub}.yaml"
        self.mapping_file.parent.mkdir()
        self.mapping_file.write_text(company.mapping.replace("{url}", self.simulator.url), encoding="utf-8")
        self.bridge = BridgeProcess(self.folder, secrets=company.secrets)
        ends.callback(self.bridge.stop)  # also when it is interrupted while it starts
        self.bridge.start()
        self.db = Database(f"sqlite:///{self.folder / 'scim_bridge.db'}")
        ends.callback(self.db.close)
        base_url, token = self.bridge.add_source("okta", "okta")
        self.staff = Staff(company, base_url, token, self._hear)

    def _hear(self, request: str, status: int) -> None:
        self._pushed.append(Push(request, status, time.time()))

    def begin(self, number: int, title: str) -> Beat:
        """A new step; ``observe`` keeps it up to date."""
        self._pushed.clear()
        seats = self.seats()
        return Beat(number, title, time.time(), seats, seats)

    def act(self, step: Mapping[str, Any]) -> None:
        """Let a step happen; ``is_at_rest`` tells when the bridge has answered it."""
        details = {key: value for key, value in step.items() if key not in ("do", "say")}
        if step["do"] == "apply":
            self._run("apply", self.company.hub)
        elif step["do"] == "accept":
            self._accept(**details)
            self._run("hub", "check", self.company.hub)
        else:
            getattr(self.staff, step["do"])(**details)

    def _run(self, *words: str) -> None:
        done = self.bridge.run(*words)
        if done.returncode:
            raise RuntimeError(f"scim-bridge {' '.join(words)}: {done.returncode} {done.stderr or done.stdout}")

    def _accept(self, everybody_but: list[str]) -> None:
        waits = {self.staff.address(name) for name in everybody_but}
        for seat in self.simulator.state()["accounts"]:
            if seat["status"] == "invited" and seat["email"] and seat["email"] not in waits:
                self.simulator.accept(seat["email"])

    def is_at_rest(self) -> bool:
        """The app was read, no push waits to be worked out, and nobody is worked on or soon to be."""
        with self.db.read() as tx:
            for table in (PersonChange, GroupChange, RevisionChange):
                if tx.scalar(sa.select(sa.func.count()).select_from(table)):
                    return False
            hub = tx.execute(sa.select(Hub.mode, Hub.observed_at).where(Hub.id == self.company.hub)).first()
            if hub is None or hub.observed_at is None:
                return False
            is_moving = sa.or_(Pair.owner.is_not(None), Pair.due_at <= self.db.now() + _SOON)
            moving = tx.scalar(sa.select(sa.func.count()).where(Pair.done < Pair.want, is_moving))
        return hub.mode == "plan" or not moving

    def observe(self, beat: Beat) -> None:
        """Bring a step up to date: what was pushed, planned and called since it began, and the seats now."""
        beat.pushes = list(self._pushed)
        beat.calls = [entry for entry in self.simulator.journal() if entry["at"] >= beat.began_at]
        beat.seats = self.seats()
        beat.took_s = time.time() - beat.began_at
        with self.db.read() as tx:
            self._observe_changes(tx, beat)

    def _observe_changes(self, tx: Tx, beat: Beat) -> None:
        hub_id, since = self.company.hub, datetime.fromtimestamp(beat.began_at, UTC)
        if tx.scalar(sa.select(Hub.id).where(Hub.id == hub_id)) is None:
            return
        rules = self._rules.in_force(tx).mappings
        plan = plan_hub(tx, hub_id, rules, self._registry, now=self.db.now())
        planned = {(change.user_name, change.action, change.asset or "seat") for change in plan.changes}
        tasks = [task for task in list_tasks(tx, hub_id=hub_id) if task.created_at >= since]
        names = user_names(tx, [task.person_id for task in tasks])
        begun = {(names[task.person_id], task.action, task.thing) for task in tasks if task.state != "cancelled"}
        beat.is_plan_only = plan.mode == "plan"
        # A plan is fleeting: while people are still being pushed it is half a plan, and what was done leaves it.
        kept = () if beat.is_plan_only else beat.changes
        beat.changes = dict.fromkeys([*kept, *sorted(planned), *sorted(begun)])

    def seats(self) -> dict[str, AccountState]:
        """Who holds what in the app: by e-mail, or by login where the app knows no e-mail."""
        return {seat["email"] or seat["key"]: seat for seat in self.simulator.state()["accounts"]}

    def differences(self) -> list[str]:
        """In what the seats in the app are not the expected ones; empty: they are, exactly."""
        found = {
            who: {key: value for key, value in seat.items() if key in ("status", "role", "assets")}
            for who, seat in self.seats().items()
        }
        expected = self.company.expected
        return [
            f"{who}: expected {_seat(expected.get(who))}, {self.company.app_title} has {_seat(found.get(who))}"
            for who in sorted({*expected, *found})
            if expected.get(who) != found.get(who)
        ]

    def reasons(self) -> list[tuple[str, WhyHub]]:
        """Everybody's standing and its reasons: (userName, standing)."""
        with self.db.read() as tx:
            rules = self._rules.in_force(tx)
            people = tx.execute(sa.select(Person.id).order_by(Person.id)).scalars().all()
            found = [
                why(tx, person_id, self.company.hub, rules, self._registry, now=self.db.now()) for person_id in people
            ]
        return [(one.user_name, one.hubs[0]) for one in found]


def _seat(seat: Mapping[str, Any] | None) -> str:
    if seat is None:
        return "nothing"
    return ", ".join([seat["status"], seat["role"], *(f"{name} {role}" for name, role in seat["assets"].items())])
