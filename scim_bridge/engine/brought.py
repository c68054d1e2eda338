"""Which push is behind a rule that holds: the memberships from the user to the rule's group, and what brought each.

The journal forgets by design, and may be off; then a sentence says so instead of a request.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from scim_bridge.clock import format_time
from scim_bridge.db import Tx
from scim_bridge.directory.chains import Chain, chains
from scim_bridge.directory.snapshot import GroupFact, UserFact
from scim_bridge.directory.subjects import scim_id_of
from scim_bridge.journal.read import RequestView, begins_at, bringer, last_write
from scim_bridge.mapping.explain import Ground


class Bringers:
    """Finds requests for one person; each membership is looked up once."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._begins_at: datetime | None = begins_at(tx)
        self._found: dict[tuple[int, int | None], dict[str, Any]] = {}
        self._chains: dict[int, dict[int, Chain]] = {}

    def through(self, ground: Ground) -> dict[str, Any]:
        """What ``why --json`` prints below a grant.

        ``path`` leads from the group that the user is directly in to the rule's; ``request`` is the last one of all
        that brought a part of it.
        """
        key = (ground.user.id, ground.group.id if ground.group else None)
        if key not in self._found:
            self._found[key] = self._look(ground)
        return self._found[key]

    def last_write(self, scim_id: str) -> dict[str, Any] | None:
        """The latest request about a user, deleted ones included."""
        found = last_write(self._tx, scim_id)
        return None if found is None else _shown(found)

    def _look(self, ground: Ground) -> dict[str, Any]:
        user, group = ground.user, ground.group
        own_id = scim_id_of(self._tx, user.id)
        path: list[dict[str, Any]] = []
        requests: list[RequestView] = []
        if group is None:
            requests += [found] if (found := last_write(self._tx, own_id)) else []
        else:
            member = _names(own_id, user)
            for each in self._chain(user, group):
                found = bringer(self._tx, each.scim_id, member)
                requests += [found] if found else []
                path.append({"group": each.name, "group_id": each.scim_id, **self._answer(found)})
                member = {name for name in (each.scim_id, each.external_id) if name}
        return {
            "group": group.name if group else None,
            "group_id": group.scim_id if group else None,
            "source": user.source,
            "path": path,
            **self._answer(max(requests, key=lambda one: one.id, default=None)),
        }

    def _chain(self, user: UserFact, group: GroupFact) -> Chain:
        if user.id not in self._chains:
            self._chains[user.id] = chains(self._tx, user)
        return self._chains[user.id].get(group.id, (group,))

    def _answer(self, request: RequestView | None) -> dict[str, Any]:
        return {
            "request": None if request is None else _shown(request),
            "missing": self._missing() if request is None else None,
        }

    def _missing(self) -> str:
        if self._begins_at is None:
            return "the journal is empty, so it has no request that brought this"
        return (
            f"the journal, which begins at {format_time(self._begins_at)}, "
            "has no request that brought this: older, or made while it was off"
        )


def _names(own_id: str, user: UserFact) -> Collection[str]:
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
