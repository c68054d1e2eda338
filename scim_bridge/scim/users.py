"""/Users (RFC 7644 sections 3.3 to 3.6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scim_bridge.db import Tx
from scim_bridge.directory import users
from scim_bridge.directory.memberships import groups_of
from scim_bridge.directory.queries import user_condition
from scim_bridge.directory.users import StoredUser
from scim_bridge.scim.answers import NO_CONTENT, Answer
from scim_bridge.scim.attributes import Projection
from scim_bridge.scim.dialects import operations
from scim_bridge.scim.documents import keep_immutable
from scim_bridge.scim.listing import list_body, read_page
from scim_bridge.scim.patch import apply
from scim_bridge.scim.schemas import read_document
from scim_bridge.scim.service import Call, known_id


def list_users(call: Call) -> Answer:
    """GET /Users."""
    page = read_page(call.query, call.users)
    projection = call.projection(call.users)
    where = user_condition(call.source.id, page.filter)
    with call.service.db.read() as tx:
        total, rows = users.page_of_users(tx, call.source.id, where, offset=page.start_index - 1, limit=page.count)
        shown = _render(call, tx, rows, projection)
    return Answer(list_body(shown, total=total, start_index=page.start_index))


def create_user(call: Call) -> Answer:
    """POST /Users: 201 with the whole user; 409 uniqueness where the userName is taken."""
    document = read_document(call.body.read(call.service.max_body_bytes), call.users)
    document.setdefault("active", True)
    projection = call.projection(call.users)

    def work(tx: Tx) -> Answer:
        user = users.create_user(tx, call.source, document, now=call.now)
        location = call.location(call.users.endpoint, user.scim_id)
        return Answer(_render(call, tx, [user], projection)[0], 201, {"Location": location})

    return call.write(work)


def get_user(call: Call, scim_id: str) -> Answer:
    """GET /Users/{id}; inactive users stay readable."""
    projection = call.projection(call.users)
    with call.service.db.read() as tx:
        user = users.get_user(tx, call.source.id, known_id(scim_id, call.users))
        return Answer(_render(call, tx, [user], projection)[0])


def replace_user(call: Call, scim_id: str) -> Answer:
    """PUT /Users/{id}: what is left out is cleared, but ``active``: no leaver returns by an omission."""
    document = read_document(call.body.read(call.service.max_body_bytes), call.users)

    def changed(user: StoredUser) -> dict[str, Any]:
        whole = {**document, "active": document.get("active", user.document["active"])}
        return keep_immutable(whole, user.document, call.users)

    return _change(call, scim_id, changed)


def patch_user(call: Call, scim_id: str) -> Answer:
    """PATCH /Users/{id}: 200 with the whole user."""
    steps = operations(call.body.read(call.service.max_body_bytes))

    def changed(user: StoredUser) -> dict[str, Any]:
        return apply(user.document, steps, call.users, own_id=user.scim_id)

    return _change(call, scim_id, changed)


def delete_user(call: Call, scim_id: str) -> Answer:
    """DELETE /Users/{id}: 204; the userName is free again."""
    known = known_id(scim_id, call.users)

    def work(tx: Tx) -> Answer:
        users.delete_user(tx, call.source, known, now=call.now)
        return NO_CONTENT

    return call.write(work)


def _change(call: Call, scim_id: str, changed: Callable[[StoredUser], dict[str, Any]]) -> Answer:
    known = known_id(scim_id, call.users)
    projection = call.projection(call.users)

    def work(tx: Tx) -> Answer:
        user = users.get_user(tx, call.source.id, known, lock=True)
        stored = users.change_user(tx, call.source, user, changed(user), now=call.now, is_linked=call.service.is_linked)
        return Answer(_render(call, tx, [stored], projection)[0])

    return call.write(work)


def _render(call: Call, tx: Tx, rows: list[StoredUser], projection: Projection) -> list[dict[str, Any]]:
    """Users as they are shown; groups are read only where they can appear."""
    may_have = [row.id for row in rows if row.has_groups] if projection.shows("groups") else []
    groups = groups_of(tx, may_have)
    shown: list[dict[str, Any]] = []
    for row in rows:
        resource: dict[str, Any] = {"id": row.scim_id, **row.document}
        if groups.get(row.id):
            resource["groups"] = [
                {
                    "value": scim_id,
                    "$ref": call.location("/Groups", scim_id),
                    "display": name,
                    "type": "direct",
                }
                for scim_id, name in groups[row.id]
            ]
        resource["meta"] = call.meta(call.users, row.scim_id, row.created_at, row.changed_at, row.version)
        shown.append(projection.apply(resource))
    return shown
