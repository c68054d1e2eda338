"""Short ways to write people and mappings down."""

from __future__ import annotations

from datetime import date
from typing import Any

from scim_bridge.directory.snapshot import GroupFact, PersonFact, UserFact
from scim_bridge.folding import name_key

MAPPING = """\
app: forge
connect: {{org: acme, token: "env:FORGE_TOKEN"}}
roles: [owner, member, guest]
asset_roles: {{team: [maintainer, member], board: [edit, comment, view]}}
scope: {scope}
grants:
"""

OKTA, ENTRA = 1, 2
TODAY = date(2026, 11, 25)


def group(name: str, *, id: int = 0, external_id: str | None = None) -> GroupFact:
    """A group; its scim_id is ``g<id>``, or made from its name."""
    return GroupFact(id, f"g{id}" if id else f"g-{name}", external_id, name, name_key(name))


def user(*groups: str | GroupFact, active: bool = True, source: int = OKTA, **document: Any) -> UserFact:
    facts = tuple(group(one) if isinstance(one, str) else one for one in groups)
    name = {OKTA: "okta", ENTRA: "entra"}[source]
    return UserFact(1, source, name, active, {"userName": "ana@acme.example", "active": active, **document}, facts)


def person(*users: UserFact) -> PersonFact:
    return PersonFact(7, users)
