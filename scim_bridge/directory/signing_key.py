"""The key of the JWTs that we issue, kept where all processes of one database see the same."""

from __future__ import annotations

import secrets
from datetime import datetime

import sqlalchemy as sa

from scim_bridge.db import Tx, upsert
from scim_bridge.directory.tables import SigningKey

_THE_ONE = 1
_FIND = sa.select(SigningKey.secret).where(SigningKey.id == _THE_ONE)


def find_key(tx: Tx) -> str | None:
    """The key, or None where none was needed yet."""
    return tx.execute(_FIND).scalar_one_or_none()


def get_or_make_key(tx: Tx, *, now: datetime) -> str:
    """The key; made if there is none. Of two who make one at once both get the first."""
    row = {"id": _THE_ONE, "secret": secrets.token_hex(32), "created_at": now}
    upsert(tx, SigningKey, [row], keys=["id"], update=[])
    return tx.execute(_FIND).scalar_one()
