"""/Groups (RFC 7644 sections 3.3 to 3.6). A PATCH answers 204 and never loads the members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scim_bridge.db import JsonText, Tx, to_json
from scim_bridge.directory import groups
from scim_bridge.directory.delta import MemberDelta
from scim_bridge.directory.groups import StoredGroup
from scim_bridge.directory.keys import slices
from scim_bridge.directory.memberships import Member, members_of
from scim_bridge.directory.ordering import group_order
from scim_bridge.directory.pages import GROUP_SHELF
from scim_bridge.directory.queries import group_condition
from scim_bridge.filters import find_key
from scim_bridge.scim import etags
from scim_bridge.scim.answers import NO_CONTENT, Answer, Shown
from scim_bridge.scim.attributes import Projection
from scim_bridge.scim.dialects import operations
from scim_bridge.scim.documents import keep_immutable
from scim_bridge.scim.listed import Listed
from scim_bridge.scim.listing import list_resources
from scim_bridge.scim.members import member_ids, split
from scim_bridge.scim.patch import apply
from scim_bridge.scim.schemas import read_document
from scim_bridge.scim.service import Call, known_id

_ENDPOINTS = {"User": "/Users", "Group": "/Groups"}
_SLICE = 1_000


def list_groups(call: Call) -> Answer:
    """GET /Groups."""
    return list_resources(call, LISTED)


def create_group(call: Call) -> Answer:
    """POST /Groups: 201 with the whole group."""
    document, members = _read(call)
    projection = call.projection(call.groups)

    def work(tx: Tx) -> Answer:
        group = groups.create_group(tx, call.source, document, members, now=call.now, promised_id=call.promised_id)
        headers = {"Location": call.location(call.groups.endpoint, group.scim_id), "ETag": etags.tag(group.version)}
        return Answer(_render(call, tx, [group], projection)[0], 201, headers)

    return call.write(work)


def get_group(call: Call, scim_id: str) -> Answer:
    """GET /Groups/{id}."""
    projection = call.projection(call.groups)
    with call.service.db.read() as tx:
        group = groups.get_group(tx, call.source.id, known_id(scim_id, call.groups))
        return call.shown(etags.tag(group.version), lambda: _render(call, tx, [group], projection)[0])


def replace_group(call: Call, scim_id: str) -> Answer:
    """PUT /Groups/{id}: members that are left out go."""
    known = known_id(scim_id, call.groups)
    document, members = _read(call)
    projection = call.projection(call.groups)
    delta = MemberDelta(replace=True, add=members)

    def work(tx: Tx) -> Answer:
        group = groups.get_group(tx, call.source.id, known, lock=True)
        call.may_write(group.version)
        whole = keep_immutable(dict(document), group.document, call.groups)
        group = groups.change_group(tx, call.source, group, whole, delta, now=call.now)
        return Answer(_render(call, tx, [group], projection)[0], headers={"ETag": etags.tag(group.version)})

    return call.write(work)


def patch_group(call: Call, scim_id: str) -> Answer:
    """PATCH /Groups/{id}: 204; 200 with a body where ``attributes`` asks for one (RFC 7644 section 3.5.2)."""
    known = known_id(scim_id, call.groups)
    steps, delta = split(operations(call.body.read(call.service.max_group_body_bytes)), call.groups)
    projection = call.projection(call.groups)
    # Whoever only adds or removes members need not wait for others who do so: their rows are not the same.
    # What the version is then, only the commit tells; so there is no ETag.
    is_alone = bool(steps or projection.only) or delta.replace or call.is_conditional

    def work(tx: Tx) -> Answer:
        group = groups.get_group(tx, call.source.id, known, lock=is_alone, keep=True)
        call.may_write(group.version)
        document = group.document
        if steps:
            document = apply(document, steps, call.groups, own_id=known)
        group = groups.change_group(tx, call.source, group, document, delta, now=call.now)
        headers = {"ETag": etags.tag(group.version)} if is_alone else {}
        if not projection.only:
            return Answer(None, 204, headers)
        return Answer(_render(call, tx, [group], projection)[0], headers=headers)

    return call.write(work)


def delete_group(call: Call, scim_id: str) -> Answer:
    """DELETE /Groups/{id}: 204."""
    known = known_id(scim_id, call.groups)

    def work(tx: Tx) -> Answer:
        if call.is_conditional:
            call.may_write(groups.get_group(tx, call.source.id, known, lock=True).version)
        groups.delete_group(tx, call.source, known, now=call.now)
        return NO_CONTENT

    return call.write(work)


def _read(call: Call) -> tuple[dict[str, Any], tuple[str, ...]]:
    body = call.body.read(call.service.max_group_body_bytes)
    key = find_key(body, "members")
    return read_document(body, call.groups), member_ids(body[key] if key else None)


def _render(call: Call, tx: Tx, rows: Sequence[StoredGroup], projection: Projection) -> list[Shown]:
    """Groups as they are shown; members are read only where they can appear."""
    members = members_of(tx, [row.id for row in rows]) if projection.shows("members") else {}
    return [_resource(call, row, members.get(row.id, []), projection) for row in rows]


def _resource(call: Call, row: StoredGroup, members: Sequence[Member], projection: Projection) -> Shown:
    """The group as it is shown: as text where it is shown whole, for 100,000 members take ten times that as objects."""
    named = {"id": row.scim_id, **row.document}
    meta = call.meta(call.groups, row.scim_id, row.created_at, row.changed_at, etags.tag(row.version))
    if projection.is_whole and members:
        return JsonText(f'{to_json(named)[:-1]},"members":[{_as_text(call, members)}],"meta":{to_json(meta)}}}')
    shown = {"members": [_member(call, member) for member in members]} if members else {}
    return projection.apply({**named, **shown, "meta": meta})


def _as_text(call: Call, members: Sequence[Member]) -> str:
    """What stands between the brackets; put together in slices, for each part of a text to be joined takes memory."""
    texts = (",".join([to_json(_member(call, member)) for member in some]) for some in slices(members, _SLICE))
    return ",".join(texts)


def _member(call: Call, member: Member) -> dict[str, str]:
    """A member; an id that nobody has yet is shown without ``$ref`` and ``type``."""
    if member.kind is None:
        return {"value": member.value}
    location = call.location(_ENDPOINTS[member.kind], member.value)
    return {"value": member.value, "$ref": location, "type": member.kind}


LISTED = Listed(lambda call: call.groups, group_condition, group_order, GROUP_SHELF, _render)
