"""The members' part of a group PATCH: many operations become one change of the set. Pure.

The group itself is never loaded: what is asked for is added up here, and the directory carries out the
sum in statements over sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from scim_bridge.directory.delta import MemberDelta
from scim_bridge.filters import Compare, Filter, Or, find_key
from scim_bridge.scim.definitions import GROUPS
from scim_bridge.scim.dialects import Operation
from scim_bridge.scim.model import ResourceType
from scim_bridge.scim.paths import find_target
from scim_bridge.scim.refusals import invalid_path, invalid_value, mutability


def split(steps: Sequence[Operation], kind: ResourceType = GROUPS) -> tuple[list[Operation], MemberDelta]:
    """The steps that are not about members, and what the others add up to. Raises Refused."""
    rest: list[Operation] = []
    replace = False
    added: dict[str, None] = {}
    removed: dict[str, None] = {}
    for step in steps:
        target = find_target(step.path, kind) if step.path else None
        if target is None or target.attribute is None or target.attribute.name != "members":
            rest.append(step)
            continue
        if target.sub is not None:
            raise mutability("a member cannot be changed", advice="remove it and add another")
        chosen = None if target.where is None else _ids(target.where)
        if step.op == "replace" and chosen is not None:
            raise mutability("a member cannot be changed", advice="remove it and add another")
        values = chosen if chosen is not None else member_ids(step.value)
        if step.op == "replace" or (step.op == "remove" and chosen is None and not _says_which(step.value)):
            replace, removed = True, {}
            added = dict.fromkeys(values)
        elif step.op == "add":
            added |= dict.fromkeys(values)
            for value in values:
                removed.pop(value, None)
        else:
            removed |= dict.fromkeys(values)
            for value in values:
                added.pop(value, None)
    return rest, MemberDelta(replace, tuple(added), () if replace else tuple(removed))


def member_ids(value: Any) -> tuple[str, ...]:
    """Ids out of a list of members, or one member; null is no members. Raises Refused invalidValue."""
    if value is None or value == "":
        return ()
    return tuple(dict.fromkeys(_id(member) for member in (value if isinstance(value, list) else [value])))


def _id(member: Any) -> str:
    key = find_key(member, "value") if isinstance(member, dict) else None
    value = None if key is None else member[key]
    if not isinstance(value, str) or not value:
        raise invalid_value("a member has no value", advice='write {"value": "<id>"}')
    return value


def _says_which(value: Any) -> bool:
    """A remove that lists members takes just those; an empty list takes none, and no value takes all."""
    return value is not None and value != ""


def _ids(where: Filter) -> tuple[str, ...]:
    terms: Iterable[Filter] = where.terms if isinstance(where, Or) else (where,)
    ids: list[str] = []
    for term in terms:
        is_id = isinstance(term, Compare) and term.op == "eq" and term.path.name.lower() == "value"
        if not is_id or not isinstance(term, Compare) or not isinstance(term.value, str):
            raise invalid_path(
                f"members[{where}] cannot be carried out", advice='choose members by id: members[value eq "<id>"]'
            )
        ids.append(term.value)
    return tuple(ids)
