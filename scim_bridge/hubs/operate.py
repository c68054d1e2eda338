"""What an operator does to a hub, and the list of hubs. Rows only: the engine sees them at its next sweep."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.db import Tx
from scim_bridge.errors import Conflict, NotFound
from scim_bridge.hubs.tables import Hub


@dataclass(frozen=True, slots=True)
class HubView:
    """One hub, for people."""

    id: str
    app: str
    mode: str
    state: str
    observed_at: datetime | None


def hub_state(mode: str, *, detached: bool, attention: bool, paused: bool, removals_paused: bool) -> str:
    """What keeps a hub from acting, if anything.

    ``detached``, ``needs_attention``, ``paused``, ``plan``, ``removals_paused`` (all else goes on) or ``live``.
    """
    if detached:
        return "detached"
    if attention:
        return "needs_attention"
    if paused:
        return "paused"
    return "removals_paused" if removals_paused and mode == "live" else mode


def list_hubs(tx: Tx) -> list[HubView]:
    """All hubs by id."""
    views = []
    for row in tx.execute(sa.select(Hub).order_by(Hub.id)):
        state = hub_state(
            row.mode,
            detached=row.detached_at is not None,
            attention=row.attention is not None,
            paused=row.paused_at is not None,
            removals_paused=row.removals_paused_at is not None,
        )
        views.append(HubView(row.id, row.app, row.mode, state, row.observed_at))
    return views


def require_hub(tx: Tx, hub_id: str) -> None:
    """Raise ``NotFound`` where there is no such hub."""
    if tx.execute(sa.select(Hub.id).where(Hub.id == hub_id)).first() is None:
        known = ", ".join(tx.execute(sa.select(Hub.id).order_by(Hub.id)).scalars()) or "none yet"
        raise NotFound(f"no hub {hub_id}", advice=f"known hubs: {known}")


def request_check(tx: Tx, hub_id: str, *, trust_by: str | None = None, now: datetime) -> int:
    """Ask the engine to read the hub. Returns the number of the reading to wait for (``hubs.observation``).

    ``trust_by``: who says that it is to be trusted, though it is not proven or shows far fewer accounts.
    """
    require_hub(tx, hub_id)
    columns = (Hub.observation, Hub.detached_at, Hub.attention)
    row = tx.execute(sa.select(*columns).where(Hub.id == hub_id).with_for_update()).one()
    if row.detached_at is not None:
        raise Conflict(f"hub {hub_id} is detached", advice="put its mapping file back")
    if row.attention is not None:
        advice = f"once that is mended, `scim-bridge hub probe {hub_id}` lets it go on"
        raise Conflict(f"hub {hub_id} needs attention and is not read meanwhile: {row.attention}", advice=advice)
    tx.execute(sa.update(Hub).where(Hub.id == hub_id).values(check_at=now, check_attempts=0))
    if trust_by is not None:
        tx.execute(sa.update(Hub).where(Hub.id == hub_id).values(trust_by=trust_by))
    return int(row.observation) + 1


def request_probe(tx: Tx, hub_id: str, *, now: datetime) -> None:
    """Ask the engine to probe the hub; ``hubs.probed_at`` tells when it has."""
    require_hub(tx, hub_id)
    tx.execute(sa.update(Hub).where(Hub.id == hub_id).values(probe_at=now))


def pause(tx: Tx, hub_id: str | None, *, removals_only: bool = False, actor: str, now: datetime) -> None:
    """Write nothing to this hub (None: to any) until it is resumed; pushes are still taken.

    ``removals_only``: whatever gives goes on, whatever takes away waits.
    """
    if hub_id is not None:
        require_hub(tx, hub_id)
    values = {"removals_paused_by": actor, "removals_paused_at": now}
    if not removals_only:
        values = {"paused_by": actor, "paused_at": now}
    change = sa.update(Hub).values(values)
    tx.execute(change if hub_id is None else change.where(Hub.id == hub_id))
    action = "hub.removals_paused" if removals_only else "hub.paused"
    record(tx, at=now, actor=actor, action=action, hub_id=hub_id, subject=None if hub_id else "all hubs")


def resume(tx: Tx, hub_id: str | None, *, actor: str, now: datetime) -> list[str]:
    """Go on where anything was paused (None: everywhere); the hubs that were."""
    paused = sa.or_(Hub.paused_at.is_not(None), Hub.removals_paused_at.is_not(None))
    if hub_id is not None:
        require_hub(tx, hub_id)
        paused = sa.and_(paused, Hub.id == hub_id)
    found = tx.execute(sa.select(Hub.id).where(paused).order_by(Hub.id)).scalars().all()
    nothing = dict.fromkeys(("paused_by", "paused_at", "removals_paused_by", "removals_paused_at"))
    tx.execute(sa.update(Hub).where(paused).values(nothing))
    record(tx, at=now, actor=actor, action="hub.resumed", hub_id=hub_id, subject=None if hub_id else "all hubs")
    return list(found)
