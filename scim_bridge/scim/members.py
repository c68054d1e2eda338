"""The members' part of a group PATCH: many operations become few changes of the set. Pure.

The group itself is not loaded: what is asked for is added up here, and the directory carries out the sum in
statements over sets. Only a filter of another kind than ``value eq`` needs to see the members there are:

    path                     | add                         | replace                    | remove
    -------------------------+-----------------------------+----------------------------+-----------------
    members                  | come                        | come, all others go        | go; no value: all
    members[value eq "…"]    | comes (made from the filter)| as below                   | goes
    members[any other]       | come, if they can meet it   | come, those that meet it go| who meets it goes
    ….value, .type, .$ref    | refused: they are immutable |                            |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scim_bridge.directory.delta import MemberDelta
from scim_bridge.filters import And, Compare, Filter, Or, by_name, condition, find_key
from scim_bridge.scim.definitions import GROUPS
from scim_bridge.scim.dialects import Operation
from scim_bridge.scim.model import Attribute, ResourceType
from scim_bridge.scim.paths import Target, find_target
from scim_bridge.scim.refusals import invalid_value, mutability, no_target
from scim_bridge.scim.traits import inside_of


@dataclass(frozen=True, slots=True)
class Chosen:
    """Those of the members there are that meet ``where`` go; ``sent`` takes their place, None: nobody."""

    attribute: Attribute
    where: Filter
    sent: Any = None

    def delta(self, members: Iterable[Mapping[str, Any]]) -> MemberDelta:
        """The change among these ``members``. Raises Refused where there is nothing whose place could be taken."""
        meets = condition(self.where, inside_of(self.attribute))
        found = [member["value"] for member in members if meets(by_name(member))]
        if self.sent is None:
            return MemberDelta(remove=tuple(found))
        values = member_ids(self.sent) if found else _made(self.attribute, self.where, self.sent)
        staying = frozenset(values)
        return MemberDelta(add=values, remove=tuple(value for value in found if value not in staying))


@dataclass(slots=True)
class _Sum:
    replace: bool = False
    added: dict[str, None] = field(default_factory=dict)
    removed: dict[str, None] = field(default_factory=dict)

    def take(self, delta: MemberDelta) -> None:
        if delta.replace:
            self.replace, self.removed, self.added = True, {}, {}
        self.removed |= dict.fromkeys(delta.remove)
        for value in delta.remove:
            self.added.pop(value, None)
        self.added |= dict.fromkeys(delta.add)
        for value in delta.add:
            self.removed.pop(value, None)

    def delta(self) -> MemberDelta:
        return MemberDelta(self.replace, tuple(self.added), () if self.replace else tuple(self.removed))


def split(
    steps: Sequence[Operation], kind: ResourceType = GROUPS
) -> tuple[list[Operation], list[MemberDelta | Chosen]]:
    """The steps that are not about members, and the changes that the others come to, in order. Raises Refused."""
    rest: list[Operation] = []
    changes: list[MemberDelta | Chosen] = []
    total = _Sum()
    for step in steps:
        target = find_target(step.path, kind) if step.path else None
        if target is None or target.attribute is None or target.attribute.name != "members":
            rest.append(step)
            continue
        change = _change(step, target, target.attribute)
        if isinstance(change, Chosen):
            changes += (total.delta(), change)
            total = _Sum()
        else:
            total.take(change)
    changes.append(total.delta())
    return rest, [change for change in changes if change]


def member_ids(value: Any) -> tuple[str, ...]:
    """Ids out of a list of members, or one member; null is no members. Raises Refused invalidValue."""
    return tuple(dict.fromkeys(_id(member) for member in _listed(value)))


def _listed(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def _id(member: Any) -> str:
    key = find_key(member, "value") if isinstance(member, dict) else None
    value = None if key is None else member[key]
    if not isinstance(value, str) or not value:
        raise invalid_value("a member has no value", advice='write {"value": "<id>"}')
    return value


def _change(step: Operation, target: Target, attribute: Attribute) -> MemberDelta | Chosen:
    if target.sub is not None:
        raise mutability("a member cannot be changed", advice="remove it and add another")
    if target.where is not None:
        return _of_chosen(step, target.where, attribute)
    if step.op == "remove" and not _says_which(step.value):
        return MemberDelta(replace=True)
    values = member_ids(step.value)
    return MemberDelta(remove=values) if step.op == "remove" else MemberDelta(step.op == "replace", values)


def _says_which(value: Any) -> bool:
    """A remove that lists members takes just those; an empty list takes none, and no value takes all."""
    return value is not None and value != ""


def _of_chosen(step: Operation, where: Filter, attribute: Attribute) -> MemberDelta | Chosen:
    ids = _ids(where)
    if step.op == "add":
        if ids and set(ids) >= set(member_ids(step.value)):
            return MemberDelta(add=ids)
        return MemberDelta(add=_made(attribute, where, step.value))
    if step.op == "remove" or not member_ids(step.value):
        return MemberDelta(remove=ids) if ids else Chosen(attribute, where)
    return Chosen(attribute, where, step.value)


def _ids(where: Filter) -> tuple[str, ...]:
    """The ids of a filter that only names some, joined by ``or``; none of any other."""
    terms: Iterable[Filter] = where.terms if isinstance(where, Or) else (where,)
    ids: list[str] = []
    for term in terms:
        is_id = isinstance(term, Compare) and term.op == "eq" and term.path.name.lower() == "value"
        if not is_id or not isinstance(term, Compare) or not isinstance(term.value, str):
            return ()
        ids.append(term.value)
    return tuple(ids)


def _made(attribute: Attribute, where: Filter, sent: Any) -> tuple[str, ...]:
    """New members that meet ``where``: what was sent, completed from its equalities. Raises Refused."""
    terms = where.terms if isinstance(where, And) else (where,)
    equal = {term.path.name.lower(): term.value for term in terms if isinstance(term, Compare) and term.op == "eq"}
    made = [{**equal, **by_name(one)} if isinstance(one, dict) else one for one in _listed(sent) or [{}]]
    values = member_ids(made)
    meets = condition(where, inside_of(attribute))
    if not all(meets(one) for one in made):
        raise no_target(
            "no member meets the filter, and none can be made from it", advice='send path members, value [{"value": …}]'
        )
    return values
