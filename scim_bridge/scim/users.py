"""/Users (RFC 7644 sections 3.3 to 3.6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from scim_bridge.db import JsonText, Tx, to_json
from scim_bridge.directory import users
from scim_bridge.directory.memberships import groups_of
from scim_bridge.directory.ordering import user_order
from scim_bridge.directory.pages import USER_SHELF
from scim_bridge.directory.queries import user_condition
from scim_bridge.directory.user_groups import read_groups
from scim_bridge.directory.users import StoredUser
from scim_bridge.scim import etags
from scim_bridge.scim.answers import NO_CONTENT, Answer, Shown
from scim_bridge.scim.attributes import Projection
from scim_bridge.scim.dialects import operations
from scim_bridge.scim.documents import keep_immutable
from scim_bridge.scim.listed import Listed
from scim_bridge.scim.listing import list_resources
from scim_bridge.scim.patch import apply
from scim_bridge.scim.schemas import read_document
from scim_bridge.scim.service import Call, known_id


def list_users(call: Call) -> Answer:
    """GET /Users."""
    return list_resources(call, LISTED)


def create_user(call: Call) -> Answer:
    """POST /Users: 201 with the whole user; 409 uniqueness where the userName is taken."""
    document = read_document(call.body.read(call.service.max_body_bytes), call.users)
    document.setdefault("active", True)
    projection = call.projection(call.users)

    def work(tx: Tx) -> Answer:
        user = users.create_user(tx, call.source, document, now=call.now, promised_id=call.promised_id)
        tag, shown = _show(call, tx, user, projection)
        return Answer(shown, 201, {"Location": call.location(call.users.endpoint, user.scim_id), "ETag": tag})

    return call.write(work)


def get_user(call: Call, scim_id: str) -> Answer:
    """GET /Users/{id}; inactive users stay readable."""
    projection = call.projection(call.users)
    with call.service.db.read() as tx:
        user = users.get_user(tx, call.source.id, known_id(scim_id, call.users))
        tag, shown = _show(call, tx, user, projection)
    return call.shown(tag, lambda: shown)


def replace_user(call: Call, scim_id: str) -> Answer:
    """PUT /Users/{id}: what is left out is cleared, but ``active``: no leaver returns by an omission."""
    document = read_document(call.body.read(call.service.max_body_bytes), call.users)

    def changed(user: StoredUser) -> dict[str, Any]:
        whole = {**document, "active": document.get("active", user.is_active)}
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
        if call.is_conditional:
            call.may_write(users.get_user(tx, call.source.id, known, lock=True).version)
        users.delete_user(tx, call.source, known, now=call.now)
        return NO_CONTENT

    return call.write(work)


def _change(call: Call, scim_id: str, changed: Callable[[StoredUser], dict[str, Any]]) -> Answer:
    known = known_id(scim_id, call.users)
    projection = call.projection(call.users)

    def work(tx: Tx) -> Answer:
        user = users.get_user(tx, call.source.id, known, lock=True)
        call.may_write(user.version)
        stored = users.change_user(tx, call.source, user, changed(user), now=call.now, is_linked=call.service.is_linked)
        tag, shown = _show(call, tx, stored, projection)
        return Answer(shown, headers={"ETag": tag})

    return call.write(work)


def _show(call: Call, tx: Tx, user: StoredUser, projection: Projection) -> tuple[str, Shown]:
    """The user's entity-tag, and the user as it is shown."""
    groups = _groups(tx, [user], projection)[user.id]
    tag = etags.tag(user.version, groups)
    return tag, _resource(call, user, groups, tag, projection)


def _render(call: Call, tx: Tx, rows: Sequence[StoredUser], projection: Projection) -> list[Shown]:
    """Users as they are shown in a list."""
    groups = _groups(tx, rows, projection)
    return [_resource(call, row, groups[row.id], etags.tag(row.version, groups[row.id]), projection) for row in rows]


def _groups(tx: Tx, rows: Sequence[StoredUser], projection: Projection) -> dict[int, list[tuple[str, str]]]:
    """``{user: [(group's id, name)]}`` for every row; read only where they can appear."""
    if not projection.shows("groups"):
        return {row.id: [] for row in rows}
    known = {row.id: read_groups(row.groups) for row in rows if row.groups is not None}
    return {**known, **groups_of(tx, [row.id for row in rows if row.groups is None])}


def _resource(
    call: Call, row: StoredUser, groups: Sequence[tuple[str, str]], tag: str, projection: Projection
) -> Shown:
    """The user as it is shown: as text where it is shown whole, since most of it is stored as such."""
    beside: dict[str, Any] = {}
    if groups:
        beside["groups"] = [
            {"value": scim_id, "$ref": call.location("/Groups", scim_id), "display": name, "type": "direct"}
            for scim_id, name in groups
        ]
    beside["meta"] = call.meta(call.users, row.scim_id, row.created_at, row.changed_at, tag)
    if projection.is_whole:
        return JsonText(f'{{"id":"{row.scim_id}",{row.text[1:-1]},{to_json(beside)[1:]}')
    return projection.apply({"id": row.scim_id, **row.document, **beside})


LISTED = Listed(lambda call: call.users, user_condition, user_order, USER_SHELF, _render)
