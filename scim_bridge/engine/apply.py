"""Let a hub act: carry out its plan, and let removals go on that were held."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.db import Tx
from scim_bridge.directory.keys import numbers
from scim_bridge.engine.pairs import ensure_pairs, wake
from scim_bridge.engine.runs import run_name, start_run
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
    """Carry out the hub's plan. A hub in plan mode becomes live for good; ``release`` frees held removals.

    Looked at are ``people`` (whom the plan that was shown names) and whoever has something left to do, held or
    failed. Raises ``NotFound`` for an unknown hub, ``Conflict`` for a detached one.
    """
    require_hub(tx, hub_id)
    hub = tx.execute(sa.select(Hub.mode, Hub.detached_at).where(Hub.id == hub_id).with_for_update(key_share=True)).one()
    if hub.detached_at is not None:
        raise Conflict(f"hub {hub_id} is detached", advice="put its mapping file back")
    made_live = hub.mode == "plan"
    if made_live:
        tx.execute(sa.update(Hub).where(Hub.id == hub_id).values(mode="live", live_by=actor, live_at=now))
    run_id = start_run(tx, "apply", actor=actor, now=now, hub_id=hub_id)
    run = run_name(run_id) or ""
    ensure_pairs(tx, hub_id, people, now=now)
    dirty = sa.select(Pair.person_id).where(Pair.hub_id == hub_id, Pair.done < Pair.want)
    failed = sa.select(Task.person_id).where(Task.hub_id == hub_id, Task.state == "failed")
    looked_at: sa.SelectBase = sa.union(dirty, failed, numbers(tx, sorted(people)))
    # The plan of a live hub lowers nobody by adoption, so neither does this.
    pairs = wake(
        tx, hub_id, looked_at, now=now, priority=REPAIRS, is_planned=made_live, cuts_settle=True, run_id=run_id
    )
    held = sa.select(Task.person_id).where(Task.hub_id == hub_id, Task.state == "held")
    released = wake(tx, hub_id, held, now=now, priority=LOSES, is_released=release, cuts_settle=True, run_id=run_id)
    record(
        tx,
        at=now,
        actor=actor,
        action="hub.applied",
        hub_id=hub_id,
        detail={"made_live": made_live, "people": pairs, "released": released if release else 0, "run": run},
    )
    return Applied(made_live, pairs, released if release else 0, run)
