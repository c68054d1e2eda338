"""Keep the rows of hubs in step with the mapping files: a new file makes a hub, a missing one detaches it.

A detached hub keeps its seats and everything known of it; nothing is written there until its file returns
or somebody forgets it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.db import Tx
from scim_bridge.hubs.tables import Hub
from scim_bridge.mapping.findings import Finding, MappingError
from scim_bridge.mapping.load import MappingSet


@dataclass(frozen=True, slots=True)
class Synced:
    """Ids of the hubs that were detached just now, and of those whose file returned."""

    detached: tuple[str, ...]
    attached: tuple[str, ...]


def sync_hubs(tx: Tx, mappings: MappingSet, *, actor: str, now: datetime) -> Synced:
    """Create, detach and attach hubs.

    Raises ``MappingError`` where a file means another tenant than its hub: what is ours there is not ours here.
    """
    known = {row.id: row for row in tx.execute(sa.select(Hub.id, Hub.app, Hub.tenant, Hub.detached_at))}
    moved = [
        Finding(
            mapping.place,
            f"hub {hub_id} was another tenant before ({known[hub_id].app} {known[hub_id].tenant})",
            f"name the file differently; or take it away, `scim-bridge hub forget {hub_id}`, and put it back",
        )
        for hub_id, mapping in mappings.hubs.items()
        if hub_id in known and (known[hub_id].app, known[hub_id].tenant) != (mapping.app, mapping.tenant)
    ]
    if moved:
        raise MappingError(moved)
    for hub_id, mapping in mappings.hubs.items():
        row = known.get(hub_id)
        if row is None:
            mode = "live" if mapping.safety.start == "apply" else "plan"
            tx.execute(
                sa.insert(Hub).values(
                    id=hub_id,
                    app=mapping.app,
                    tenant=mapping.tenant,
                    mode=mode,
                    live_by="safety.start" if mode == "live" else None,
                    live_at=now if mode == "live" else None,
                    check_at=now,
                    created_at=now,
                )
            )
            record(
                tx, at=now, actor=actor, action="hub.added", hub_id=hub_id, detail={"app": mapping.app, "mode": mode}
            )
        elif row.detached_at is not None:
            tx.execute(sa.update(Hub).where(Hub.id == hub_id).values(detached_at=None, check_at=now, attention=None))
            record(tx, at=now, actor=actor, action="hub.attached", hub_id=hub_id)
        else:
            # A changed file may hold a mended credential: what waits for attention is probed at once.
            tx.execute(sa.update(Hub).where(Hub.id == hub_id, Hub.attention.is_not(None)).values(probe_at=now))
    attached = tuple(hub_id for hub_id in mappings.hubs if hub_id in known and known[hub_id].detached_at is not None)
    gone = tuple(hub_id for hub_id, row in known.items() if hub_id not in mappings.hubs and row.detached_at is None)
    for hub_id in gone:
        tx.execute(sa.update(Hub).where(Hub.id == hub_id).values(detached_at=now, check_at=None, probe_at=None))
        record(tx, at=now, actor=actor, action="hub.detached", hub_id=hub_id)
    return Synced(detached=gone, attached=attached)
