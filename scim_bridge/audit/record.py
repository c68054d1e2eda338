"""Write one line of the audit trail inside the caller's transaction, so that deed and word commit together."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from scim_bridge.audit.tables import AuditRow
from scim_bridge.db import Tx
from scim_bridge.prepared import insert_of

UNRECORDED = ""
"""The actor whose deeds leave no row: a probe's pushes are made up, and gone a moment later."""

_INSERT = insert_of(AuditRow, "at", "actor", "action", "person_id", "hub_id", "subject", "detail")


def record(
    tx: Tx,
    *,
    at: datetime,
    actor: str,
    action: str,
    person_id: int | None = None,
    hub_id: str | None = None,
    subject: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Append one row. ``detail`` holds ids, roles and asset keys; never a secret or a mail address."""
    if actor == UNRECORDED:
        return
    _INSERT.later(
        tx,
        {
            "at": at,
            "actor": actor,
            "action": action,
            "person_id": person_id,
            "hub_id": hub_id,
            "subject": subject,
            "detail": detail,
        },
    )
