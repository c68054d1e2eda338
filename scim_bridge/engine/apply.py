"""Let a hub act: carry out its plan, or just the plan that was filed, and let removals go on that were held.

`apply HUB` is for good: the hub is live from then on. A filed plan does what it names and nothing else, so it
leaves a hub in plan mode where it is: what gathered since the plan was made stays planned.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.db import Tx
from scim_bridge.directory.keys import numbers
from scim_bridge.engine.allowed import NOT_PLANNED, to_rows
from scim_bridge.engine.answering import answer_all, approve_ahead
from scim_bridge.engine.diff import Change
from scim_bridge.engine.guard import ends_seat
from scim_bridge.engine.pairs import ensure_pairs, wake
from scim_bridge.engine.runs import name_run, run_name, start_run
from scim_bridge.engine.schedule import LOSES, REPAIRS
from scim_bridge.engine.tables import Pair, Task
from scim_bridge.errors import Conflict
from scim_bridge.hubs.operate import require_hub
from scim_bridge.hubs.tables import Hub


@dataclass(frozen=True, slots=True)
class Applied:
    """What ``apply`` set going: whether the hub became live, how many people are looked at, how many released.

    ``run`` names what it sets going (``r12``), for `tasks list` and `undo`.
    """

    made_live: bool
    pairs: int
    released: int
    run: str


def apply_hub(
    tx: Tx, hub_id: str, *, release: bool, actor: str, now: datetime, people: Collection[int] = ()
) -> Applied:
    """Carry out the hub's plan. A hub in plan mode becomes live for good.

    ``release`` approves the removals that `max_removals` holds, and nothing else.

    Looked at are ``people`` (whom the plan that was shown names) and whoever has something left to do, held or
    failed. Raises ``NotFound`` for an unknown hub, ``Conflict`` for a detached one.
    """
    made_live = _mode(tx, hub_id) == "plan"
    if made_live:
        tx.execute(sa.update(Hub).where(Hub.id == hub_id).values(mode="live", live_by=actor, live_at=now))
    run_id = start_run(tx, "apply", actor=actor, now=now, hub_id=hub_id)
    run = run_name(run_id)
    _lift(tx, hub_id, now=now)
    _look_at(tx, hub_id, people, run_id, now=now)
    dirty = sa.select(Pair.person_id).where(Pair.hub_id == hub_id, Pair.done < Pair.want)
    failed = sa.select(Task.person_id).where(Task.hub_id == hub_id, Task.state == "failed")
    looked_at: sa.SelectBase = sa.union(dirty, failed, numbers(tx, sorted(people)))
    # The plan of a live hub lowers nobody by adoption, so neither does this.
    pairs = wake(
        tx, hub_id, looked_at, now=now, priority=REPAIRS, is_planned=made_live, cuts_settle=True, run_id=run_id
    )
    released = 0
    if release:
        approved = answer_all(
            tx, "approved", hub_id=hub_id, kind="limit", actor=actor, reason="apply --release", now=now
        )
        released = len({one.person_id for one in approved})
    go_on(tx, hub_id, run_id=run_id, now=now)
    record(
        tx,
        at=now,
        actor=actor,
        action="hub.applied",
        hub_id=hub_id,
        detail={"made_live": made_live, "people": pairs, "released": released, "run": run},
    )
    return Applied(made_live, pairs, released, run)


def go_on(tx: Tx, hub_id: str, *, run_id: int | None = None, now: datetime) -> None:
    """A person said so: judge anew what is held in the hub."""
    held = sa.select(Task.person_id).where(Task.hub_id == hub_id, Task.state == "held")
    wake(tx, hub_id, held, now=now, priority=LOSES, cuts_settle=True, run_id=run_id)


def apply_filed(
    tx: Tx,
    hub_id: str,
    changes: Mapping[int, Sequence[Change]],
    *,
    mode: str,
    release: bool,
    actor: str,
    digest: str,
    now: datetime,
) -> str:
    """Carry out these changes (by person) of a filed plan and no other. Returns the name of the run that this is.

    The engine decides each person anew: what it finds beyond ``changes`` is held. ``mode``: the hub's, when they were
    compared. ``release`` approves those that end seats. Raises ``NotFound`` for an unknown hub, ``Conflict`` for a
    detached one and where the mode moved.
    """
    found = _mode(tx, hub_id)
    if found != mode:
        raise Conflict(f"hub {hub_id} was in mode {mode} and is {found} now", advice="make a new plan")
    people = sorted(changes)
    run_id = start_run(tx, "apply", actor=actor, now=now, hub_id=hub_id)
    run = run_name(run_id)
    _look_at(tx, hub_id, people, run_id, now=now)
    if people:
        rows = [{"of_person": person_id, "rows": to_rows(changes[person_id])} for person_id in people]
        tx.execute(_ALLOW, [{"of_hub": hub_id, **row} for row in rows])
    if release:
        ending = {person_id: [one for one in made if ends_seat(one)] for person_id, made in changes.items()}
        approve_ahead(tx, hub_id, ending, actor=actor, reason=f"apply --release of plan {digest}", now=now)
    chosen = numbers(tx, people)
    wake(tx, hub_id, chosen, now=now, priority=REPAIRS, is_planned=mode == "plan", cuts_settle=True, run_id=run_id)
    detail = {"plan": digest, "people": len(people), "changes": sum(map(len, changes.values())), "release": release}
    record(tx, at=now, actor=actor, action="hub.plan_applied", hub_id=hub_id, detail=detail | {"run": run})
    return run


_ALLOW = (
    sa.update(Pair)
    .where(Pair.hub_id == sa.bindparam("of_hub"), Pair.person_id == sa.bindparam("of_person"))
    .values(allowed=sa.bindparam("rows"))
)


def _look_at(tx: Tx, hub_id: str, people: Collection[int], run_id: int, *, now: datetime) -> None:
    """A plan may see pushes that fan-out has not seen yet: what it finds then is this run's, too."""
    ensure_pairs(tx, hub_id, people, now=now)
    name_run(tx, sorted(people), run_id)


def _mode(tx: Tx, hub_id: str) -> str:
    """The hub's mode, under its lock. Raises ``NotFound``, and ``Conflict`` for a detached one."""
    require_hub(tx, hub_id)
    hub = tx.execute(sa.select(Hub.mode, Hub.detached_at).where(Hub.id == hub_id).with_for_update(key_share=True)).one()
    if hub.detached_at is not None:
        raise Conflict(f"hub {hub_id} is detached", advice="put its mapping file back")
    mode: str = hub.mode
    return mode


def _lift(tx: Tx, hub_id: str, *, now: datetime) -> None:
    """No filed plan holds anybody back any more."""
    tx.execute(sa.update(Pair).where(Pair.hub_id == hub_id, Pair.allowed.is_not(None)).values(allowed=sa.null()))
    held = sa.and_(Task.hub_id == hub_id, Task.state == "held", Task.cause == NOT_PLANNED[0])
    tx.execute(sa.update(Task).where(held).values(cause=None, advice=None, updated_at=now))
