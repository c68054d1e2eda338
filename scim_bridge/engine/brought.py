"""Which push is behind a rule that holds: the group membership, and the request that brought it.

The journal forgets by design, and may be off; then a sentence says so instead of a request.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from scim_bridge.clock import format_time
from scim_bridge.db import Tx
from scim_bridge.directory.snapshot import UserFact
from scim_bridge.directory.subjects import scim_id_of
from scim_bridge.journal.read import RequestView, begins_at, bringer, last_write
from scim_bridge.mapping.explain import Ground


class Bringers:
    """Finds requests for one person; each membership is looked up once."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._begins_at: datetime | None = begins_at(tx)
        self._found: dict[tuple[int, int | None], dict[str, Any]] = {}

    def through(self, ground: Ground) -> dict[str, Any]:
        """What ``why --json`` prints below a grant: group, source, the request, or why there is none."""
        key = (ground.user.id, ground.group.id if ground.group else None)
        if key not in self._found:
            self._found[key] = self._look(ground)
        return self._found[key]

    def _look(self, ground: Ground) -> dict[str, Any]:
        group = ground.group
        request = self._request(ground)
        return {
            "group": group.name if group else None,
            "group_id": group.scim_id if group else None,
            "source": ground.user.source,
            "request": None if request is None else _shown(request),
            "missing": self._missing() if request is None else None,
        }

    def _request(self, ground: Ground) -> RequestView | None:
        user, group = ground.user, ground.group
        own_id = scim_id_of(self._tx, user.id)
        if group is None:
            return last_write(self._tx, own_id)
        found = bringer(self._tx, group.scim_id, _names(own_id, user))
        if found is not None:
            return found
        others = [each for each in user.groups if each.id != group.id]  # one of them may be nested in this one
        nested = {name for each in others for name in (each.scim_id, each.external_id) if name}
        return bringer(self._tx, group.scim_id, nested) if nested else None

    def _missing(self) -> str:
        if self._begins_at is None:
            return "the journal is empty, so it has no request that brought this"
        return (
            f"the journal, which begins at {format_time(self._begins_at)}, "
            "has no request that brought this: older, or made while it was off"
        )


def _names(own_id: str, user: UserFact) -> set[str]:
    """What the user may be called in a list of members."""
    external = user.document.get("externalId")
    return {own_id, external} if isinstance(external, str) else {own_id}


def _shown(request: RequestView) -> dict[str, Any]:
    return {
        "id": request.id,
        "request_id": request.request_id,
        "at": request.at.isoformat(timespec="seconds"),
        "method": request.method,
        "path": request.target,
    }
