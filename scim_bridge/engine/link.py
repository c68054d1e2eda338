"""Say whose an account is, and let what waited for that go on."""

from __future__ import annotations

from datetime import datetime

from scim_bridge.db import Tx
from scim_bridge.engine.pairs import wake
from scim_bridge.engine.schedule import LOSES
from scim_bridge.hubs.accounts import link


def link_account(tx: Tx, hub_id: str, account: str, person_id: int, *, actor: str, now: datetime) -> None:
    """Link ``account`` (its login or stable id) to this person by hand, and look at the person anew at once.

    Raises ``NotFound`` for an unknown hub, person or account, ``Conflict`` where it is somebody else's.
    """
    link(tx, hub_id, account, person_id, actor=actor, now=now)
    wake(tx, hub_id, [person_id], now=now, priority=LOSES)
