"""Accounts that a list of patterns names, as SQL over their rows: `safety.ignore` and `protect` where many are read.

What is under `ignore` is as if it did not exist: who lists or counts accounts asks here. Patterns travel as one
parameter, so any number of them is one condition.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from scim_bridge.db import Tx
from scim_bridge.directory.keys import texts
from scim_bridge.folding import name_key
from scim_bridge.hubs.tables import AccountEmail, AccountRow

_ESCAPE = "\\"


def is_named_by(tx: Tx, patterns: Sequence[str]) -> sa.ColumnElement[bool]:
    """Whether the account's login or one of its addresses matches one of the patterns (``*`` only)."""
    if not patterns:
        return sa.false()
    chosen = texts(tx, [_like(pattern) for pattern in patterns]).subquery()
    by_login = sa.exists().where(AccountRow.login_key.like(chosen.c.value, escape=_ESCAPE))
    by_address = sa.exists().where(
        AccountEmail.account_id == AccountRow.id, AccountEmail.email_key.like(chosen.c.value, escape=_ESCAPE)
    )
    return sa.or_(by_login, by_address)


def people_ignored(tx: Tx, hub_id: str, patterns: Sequence[str]) -> sa.Select[int | None]:
    """Whose account in this hub is under `ignore`."""
    return sa.select(AccountRow.person_id).where(
        AccountRow.hub_id == hub_id,
        AccountRow.person_id.is_not(None),
        AccountRow.gone_at.is_(None),
        is_named_by(tx, patterns),
    )


def _like(pattern: str) -> str:
    for special in (_ESCAPE, "%", "_"):
        pattern = pattern.replace(special, _ESCAPE + special)
    return name_key(pattern).replace("*", "%")
