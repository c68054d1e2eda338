"""Ask a hub whether it can be reached: when somebody wants to know, and to end a hub's need for attention."""

from __future__ import annotations

import logging

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.db import Database
from scim_bridge.engine.connections import Connections
from scim_bridge.engine.rules import Rules
from scim_bridge.engine.schedule import probe_wait
from scim_bridge.engine.standstill import get_mapping, is_standing_still
from scim_bridge.errors import BridgeError
from scim_bridge.hubs.tables import Hub

log = logging.getLogger(__name__)


def probe_hub(db: Database, rules: Rules, connections: Connections, hub_id: str) -> None:
    """Probe once and keep the answer in the hub's row; a good one lets the hub go on, unless it stands still."""
    try:
        with db.read() as tx:
            mapping = get_mapping(tx, rules.in_force(tx).mappings, hub_id)
        found = connections.get(mapping).adapter.probe()
        result: dict[str, object] = {"ok": True, "name": found.name, "warnings": list(found.warnings)}
    except BridgeError as error:
        result = {"ok": False, "error": error.message, "advice": error.advice}
    except Exception:
        log.exception("probe.broke", extra={"hub": hub_id})
        result = {"ok": False, "error": "the probe broke inside the adapter", "advice": "the log has the details"}
    now = db.clock.now()
    with db.write() as tx:
        row = tx.execute(sa.select(Hub.attention, Hub.probe_attempts).where(Hub.id == hub_id).with_for_update()).first()
        if row is None:
            return
        values: dict[str, object] = {"probed_at": now, "probe_result": result, "probe_at": None}
        if result["ok"] and is_standing_still(row.attention):
            values["last_success_at"] = now
        elif result["ok"]:
            values |= {"attention": None, "attention_at": None, "probe_attempts": 0, "last_success_at": now}
            if row.attention is not None:
                values |= {"check_at": now, "check_attempts": 0}
                record(tx, at=now, actor="engine", action="hub.mended", hub_id=hub_id)
        elif row.attention is not None:
            attempt = row.probe_attempts + 1
            values |= {"probe_attempts": attempt, "probe_at": now + probe_wait(attempt)}
        if not result["ok"]:
            values |= {"last_error": str(result["error"]), "last_error_at": now}
        tx.execute(sa.update(Hub).where(Hub.id == hub_id).values(values))
