"""Users and groups with everything that a filter can ask for, stored, and as they are shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from databases import NOON

from scim_bridge.db import Database
from scim_bridge.directory import groups, users
from scim_bridge.directory.memberships import groups_of, members_of
from scim_bridge.directory.sources import SourceRef
from scim_bridge.scim.definitions import ENTERPRISE, GROUPS, USERS, Attribute, SchemaDefinition
from scim_bridge.scim.traits import traits_of

ROOT = "https://bridge.example.com/scim/v2"
CUSTOM = "urn:example:params:scim:schemas:extension:acme:2.0:User"
ACME = SchemaDefinition(
    CUSTOM,
    "Acme",
    "What operators declare: every kind, also with several values.",
    (
        Attribute("level", "integer"),
        Attribute("ratio", "decimal"),
        Attribute("remote", "boolean"),
        Attribute("startsAt", "dateTime"),
        Attribute("badge", case_exact=True),
        Attribute("photo", "binary", case_exact=True),
        Attribute("skills", multi=True),
        Attribute("floors", "integer", multi=True),
        Attribute(
            "desks",
            "complex",
            multi=True,
            subs=(Attribute("value"), Attribute("floor", "integer"), Attribute("primary", "boolean")),
        ),
    ),
)
KIND = replace(USERS, extensions=(*USERS.extensions, ACME))
USER_TRAITS, GROUP_TRAITS = traits_of(KIND), traits_of(GROUPS)

DOCUMENTS: tuple[dict[str, Any], ...] = (
    {
        "userName": "Ada@Example.com",
        "externalId": "E1",
        "name": {"familyName": "Straße", "givenName": "Ada"},
        "displayName": "Ada Straße",
        "nickName": "Σίσυφος",
        "profileUrl": "https://x/Ada",
        "active": True,
        "emails": [
            {"value": "Ada@Example.com", "type": "work", "primary": True},
            {"value": "ada@home.org", "type": "home"},
        ],
        "addresses": [{"locality": "Köln", "type": "work"}, {"locality": "Bonn", "type": "home", "primary": True}],
        "photos": [{"value": "https://x/Y.png", "type": "photo"}],
        "roles": [{"value": "Admin", "display": "Admin", "primary": True}],
        ENTERPRISE: {"department": "R&D", "employeeNumber": "42", "manager": {"value": "boss"}},
        CUSTOM: {
            "level": 7,
            "ratio": 2.5,
            "remote": True,
            "startsAt": "2026-01-01T00:00:00+01:00",
            "badge": "aB",
            "skills": ["Python", "sql"],
            "floors": [1, 3],
            "desks": [{"value": "D1", "floor": 1}, {"value": "D9", "floor": 9, "primary": True}],
        },
    },
    {
        "userName": "bob",
        "externalId": "e1",
        "name": {"familyName": "STRASSE"},
        "displayName": "BOB",
        "nickName": "ΣΊΣΥΦΟΣ",
        "active": False,
        "emails": [{"value": "bob@x.org", "type": "home"}, {"value": "BOB@work.org", "type": "work"}],
        "phoneNumbers": [{"value": "+49 1", "type": "mobile"}],
        ENTERPRISE: {"department": "r&d", "manager": {"value": "Boss"}},
        CUSTOM: {"level": -1, "ratio": 0.1, "remote": False, "startsAt": "2025-12-31T23:00:00Z", "badge": "AB"},
    },
    {
        "userName": "cleo",
        "title": 'say "hi" \\ %_',
        "nickName": "café",
        "displayName": "Café",
        "active": True,
        "emails": [{"type": "work"}],
        CUSTOM: {"level": 9007199254740993, "ratio": 7, "startsAt": "2026-01-01T00:00:00.001Z", "skills": ["PYTHON"]},
    },
    {"userName": "𝔻an", "nickName": "\U0001f600", "displayName": "ﬁne", "active": True, "locale": "de-DE"},
    {"userName": "ẞ", "nickName": "\ue000", "displayName": "Cafe\u0301", "active": False, "locale": "DE-de"},
    {"userName": "zed", "active": True, ENTERPRISE: {"department": "Sales"}, "roles": [{"value": "admin"}]},
)


@dataclass(frozen=True, slots=True)
class Company:
    """What was stored, as it is shown."""

    users: list[dict[str, Any]]
    groups: list[dict[str, Any]]


def found_company(db: Database, source: SourceRef) -> Company:
    """Store the users and four groups: of users, of a group, of an id that nobody has, of nobody."""
    with db.write() as tx:
        made = [users.create_user(tx, source, {"schemas": _schemas(one), **one}, now=NOON) for one in DOCUMENTS]
        ids = [one.scim_id for one in made]
        schemas = [GROUPS.core.urn]
        team = groups.create_group(
            tx, source, {"schemas": schemas, "displayName": "Straße", "externalId": "G1"}, tuple(ids[:2]), now=NOON
        )
        inner = (team.scim_id, ids[2])
        outer = groups.create_group(tx, source, {"schemas": schemas, "displayName": "Outer"}, inner, now=NOON)
        waits = groups.create_group(tx, source, {"schemas": schemas, "displayName": "waits"}, ("nobody",), now=NOON)
        empty = groups.create_group(tx, source, {"schemas": schemas, "displayName": "STRASSE"}, (), now=NOON)
    with db.read() as tx:
        of_users = groups_of(tx, [one.id for one in made])
        of_groups = members_of(tx, [one.id for one in (team, outer, waits, empty)])
        return Company(
            [_user(one, of_users[one.id]) for one in made],
            [_group(tx, source, one.scim_id, of_groups[one.id]) for one in (team, outer, waits, empty)],
        )


def _schemas(document: dict[str, Any]) -> list[str]:
    return [USERS.core.urn, *(key for key in document if key.startswith("urn:"))]


def _user(user: Any, of_groups: Any) -> dict[str, Any]:
    shown = {"id": user.scim_id, **user.document, "meta": _meta("User", user)}
    if of_groups:
        shown["groups"] = [
            {"value": scim_id, "$ref": f"{ROOT}/Groups/{scim_id}", "display": name, "type": "direct"}
            for scim_id, name in of_groups
        ]
    return shown


def _group(tx: Any, source: SourceRef, scim_id: str, members: Any) -> dict[str, Any]:
    group = groups.get_group(tx, source.id, scim_id)
    shown = {"id": group.scim_id, **group.document, "meta": _meta("Group", group)}
    if members:
        shown["members"] = [
            {"value": one.value}
            if one.kind is None
            else {"value": one.value, "$ref": f"{ROOT}/{one.kind}s/{one.value}", "type": one.kind}
            for one in members
        ]
    return shown


def _meta(kind: str, row: Any) -> dict[str, Any]:
    return {
        "resourceType": kind,
        "created": "2026-11-22T12:00:00.000Z",
        "lastModified": "2026-11-22T12:00:00.000Z",
        "location": f"{ROOT}/{kind}s/{row.scim_id}",
        "version": f'W/"{row.version}"',
    }
