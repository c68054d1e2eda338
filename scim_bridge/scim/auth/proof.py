"""What stays of a credential once it was proven: how to find its source again, and nothing of the secret."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from scim_bridge.db import Tx
from scim_bridge.directory.sources import SourceRef


@dataclass(frozen=True, slots=True)
class Proof:
    """``find`` asks again whose it is (None: no longer anybody's); ``ends_at``: when a JWT ends."""

    find: Callable[[Tx, datetime], SourceRef | None]
    source: SourceRef
    ends_at: datetime | None = None
    public_id: str = ""

    def holds_at(self, now: datetime) -> bool:
        """Whether neither the JWT nor the token or client behind it has ended by ``now``."""
        jwt_ends_at, token_ends_at = self.ends_at, self.source.ends_at
        return (jwt_ends_at is None or now < jwt_ends_at) and (token_ends_at is None or now < token_ends_at)
