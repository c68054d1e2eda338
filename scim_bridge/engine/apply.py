"""Let a hub act: carry out its plan, and let removals go on that were held."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.db import Tx
from scim_bridge.directory.keys import numbers
from scim_bridge.engine.answering import answer_all
from scim_bridge.engine.pairs import ensure_pairs, wake
from scim_bridge.engine.schedule import LOSES, REPAIRS
from scim_bridge.engine.tables import Pair, Task
from scim_bridge.errors import Conflict
from scim_bridge.hubs.operate import require_hub
from scim_bridge.hubs.tables import Hub


@dataclass(frozen=True, slots=True)
class Applied:
    """What ``apply`` set going: whether the hub became live, how many people are looked at, how many released."""

    made_live: bool
    pairs: int
    released: int


def apply_hub(
    tx: Tx, hub_id: str, *, release: bool, actor: str, now: datetime, people: Collection[int] = ()
) -> Applied:
    """Carry out the hub's plan. A hub in plan mode becomes live for good.

    ``release`` approves the removals that `max_removals` holds, and nothing else.

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
    ensure_pairs(tx, hub_id, people, now=now)
    dirty = sa.select(Pair.person_id).where(Pair.hub_id == hub_id, Pair.done < Pair.want)
    failed = sa.select(Task.person_id).where(Task.hub_id == hub_id, Task.state == "failed")
    looked_at: sa.SelectBase = sa.union(dirty, failed, numbers(tx, sorted(people)))
    # The plan of a live hub lowers nobody by adoption, so neither does this.
    pairs = wake(tx, hub_id, looked_at, now=now, priority=REPAIRS, is_planned=made_live, cuts_settle=True)
    released = 0
    if release:
        approved = answer_all(
            tx, "approved", hub_id=hub_id, kind="limit", actor=actor, reason="apply --release", now=now
        )
        released = len({one.person_id for one in approved})
    go_on(tx, hub_id, now=now)
    record(
        tx,
        at=now,
        actor=actor,
        action="hub.applied",
        hub_id=hub_id,
        detail={"made_live": made_live, "people": pairs, "released": released},
    )
    return Applied(made_live, pairs, released)


def go_on(tx: Tx, hub_id: str, *, now: datetime) -> None:
    """A person said so: judge anew what is held in the hub."""
    held = sa.select(Task.person_id).where(Task.hub_id == hub_id, Task.state == "held")
    wake(tx, hub_id, held, now=now, priority=LOSES, cuts_settle=True)
