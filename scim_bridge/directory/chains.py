"""How a user comes to be in a group: the chain of groups from the one they are directly in, the shortest there is."""

from __future__ import annotations

import sqlalchemy as sa

from scim_bridge.db import Tx
from scim_bridge.directory.keys import numbers
from scim_bridge.directory.snapshot import GroupFact, UserFact
from scim_bridge.directory.tables import Membership, NestedGroup

Chain = tuple[GroupFact, ...]
"""The group that the user is directly in first, then each group that holds the one before."""


def chains(tx: Tx, user: UserFact) -> dict[int, Chain]:
    """The chain to each of the user's groups, by the group's id; two statements, whatever the depth."""
    groups = {group.id: group for group in user.groups}
    direct = sorted(tx.execute(sa.select(Membership.group_id).where(Membership.user_id == user.id)).scalars())
    found: dict[int, Chain] = {id_: (groups[id_],) for id_ in direct if id_ in groups}
    query = sa.select(NestedGroup.child_id, NestedGroup.group_id).where(
        NestedGroup.child_id.in_(numbers(tx, sorted(groups)))
    )
    parents: dict[int, list[int]] = {}
    for child, parent in sorted(tuple(row) for row in tx.execute(query)):
        parents.setdefault(child, []).append(parent)
    reached = list(found)
    while reached:
        following = []
        for child in reached:
            for parent in parents.get(child, ()):
                if parent not in found and parent in groups:
                    found[parent] = (*found[child], groups[parent])
                    following.append(parent)
        reached = following
    return found
