"""What rules name and the directory does not have (yet): identity sources, and groups by name or id.

A file is right without them: a group may be pushed tomorrow. So these are warnings, and only where a database is at
hand; before the first group was pushed nothing is said of groups. A pattern that nothing matches is no doubt: the
plan says how many people each rule matched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property

import sqlalchemy as sa

from scim_bridge.db import Tx
from scim_bridge.directory.keys import bound_texts
from scim_bridge.directory.tables import Group, Source
from scim_bridge.hubs.bindings import GroupBindings, group_bindings
from scim_bridge.mapping.findings import Finding, in_order
from scim_bridge.mapping.model import Grant, GroupId, GroupName, GroupPattern, HubMapping
from scim_bridge.spelling import did_you_mean

_COMPARED = 2000  # names that a misspelt one is held against

_PUSHED = Group.source_id.in_(sa.select(Source.id).where(~Source.is_probe))
_SOURCES = sa.select(Source.name, Source.id).where(~Source.is_probe).order_by(Source.name)


def doubts(tx: Tx, hubs: Iterable[HubMapping]) -> tuple[Finding, ...]:
    """A warning for each source and group that a rule names and nobody knows, in the order of the files."""
    chosen = tuple(hubs)
    sources = {row.name: row.id for row in tx.execute(_SOURCES)}
    has_groups = sa.select(Group.id).where(_PUSHED).limit(1)
    directory = _load(tx, chosen) if tx.execute(has_groups).first() else None
    return tuple(in_order(found for hub in chosen for found in _of_hub(hub, sources, directory)))


def _of_hub(hub: HubMapping, sources: Mapping[str, int], directory: _Directory | None) -> Iterator[Finding]:
    for grant in hub.grants:
        if grant.source is not None and grant.source not in sources:
            message = f'rule "{grant.name}": there is no identity source "{grant.source}"'
            place = grant.source_place or grant.place
            yield Finding(place, message, did_you_mean(grant.source, sources), "warning")
        elif directory is not None:
            source_id = sources[grant.source] if grant.source else None
            for ref in grant.groups:
                if not isinstance(ref, GroupPattern) and not directory.knows(hub.hub_id, ref, source_id):
                    yield _no_group(grant, ref, directory)


def _no_group(grant: Grant, ref: GroupName | GroupId, directory: _Directory) -> Finding:
    if isinstance(ref, GroupName):
        where = f" in source {grant.source}" if grant.source else ""
        message = f'rule "{grant.name}": there is no group "{ref.name}"{where} (yet)'
        return Finding(grant.place, message, did_you_mean(ref.name, directory.names), "warning")
    message = f'rule "{grant.name}": no group has the id {ref.id} (yet)'
    return Finding(grant.place, message, "`scim-bridge group list` shows ids", "warning")


@dataclass
class _Directory:
    """What there is of all that the rules name."""

    tx: Tx
    by_name: Mapping[str, set[int]]  # name key -> sources
    by_id: Set[str]
    bound: GroupBindings

    def knows(self, hub_id: str, ref: GroupName | GroupId, source_id: int | None) -> bool:
        """Whether a group is meant: it has the id, bears the name, or is what the name is bound to."""
        if isinstance(ref, GroupId):
            return ref.id in self.by_id
        known = set(self.by_name.get(ref.key, ()))
        known |= {source for source in self.sources if self.bound.get(hub_id, {}).get((source, ref.key)) in self.by_id}
        return source_id in known if source_id is not None else bool(known)

    @cached_property
    def sources(self) -> Set[int]:
        """Those with bound names."""
        return {source for names in self.bound.values() for source, _ in names}

    @cached_property
    def names(self) -> list[str]:
        """Names that somebody may have meant."""
        query = sa.select(Group.display_name).where(_PUSHED).distinct().order_by(Group.display_name).limit(_COMPARED)
        return list(self.tx.execute(query).scalars())


def _load(tx: Tx, hubs: Iterable[HubMapping]) -> _Directory:
    refs = [ref for hub in hubs for grant in hub.grants for ref in grant.groups]
    bound = group_bindings(tx)
    keys = {ref.key for ref in refs if isinstance(ref, GroupName)}
    ids = {ref.id for ref in refs if isinstance(ref, GroupId)} | {
        target for names in bound.values() for target in names.values()
    }
    by_name: dict[str, set[int]] = {}
    wanted = Group.display_name_key.in_(bound_texts(tx.dialect.name, "keys"))
    named = sa.select(Group.source_id, Group.display_name_key).where(_PUSHED, wanted)
    for row in tx.execute(named, {"keys": sorted(keys)}):
        by_name.setdefault(row.display_name_key, set()).add(row.source_id)
    wanted_ids = bound_texts(tx.dialect.name, "ids")
    has_id = sa.or_(Group.scim_id.in_(wanted_ids), Group.external_id.in_(wanted_ids))
    rows = tx.execute(sa.select(Group.scim_id, Group.external_id).where(has_id), {"ids": sorted(ids)})
    return _Directory(tx, by_name, {each for row in rows for each in row if each is not None}, bound)
