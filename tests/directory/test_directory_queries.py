"""Filters in SQL: what providers ask for is looked up in an index, what cannot be asked is refused."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from databases import NOON
from filter_kit import CUSTOM, GROUP_TRAITS, ROOT, USER_TRAITS, found_company

from scim_bridge.db import Database
from scim_bridge.directory import users
from scim_bridge.directory.lookups import GROUP_LOOKUPS, USER_LOOKUPS, find_lookup
from scim_bridge.directory.queries import Condition, group_condition, user_condition
from scim_bridge.directory.sources import SourceRef
from scim_bridge.directory.tables import Group, Membership, Person, User, UserEmail
from scim_bridge.filters import InvalidFilter, parse_filter
from scim_bridge.filters.lexer import MAX_DEPTH
from scim_bridge.scim.definitions import ENTERPRISE

MANY = 1000


@pytest.fixture
def many(db: Database, okta: SourceRef) -> SourceRef:
    """A source with so many users that walking them is dearer than any index."""
    people = [{"id": 10_000 + number, "generation": 1, "created_at": NOON} for number in range(MANY)]
    times = {"source_id": okta.id, "created_at": NOON, "changed_at": NOON}
    rows = [
        {
            "id": 10_000 + number,
            "scim_id": f"id-{number}",
            "person_id": 10_000 + number,
            "user_name_key": f"user{number}@x.org",
            "external_id": f"00u{number}",
            "display_name_key": f"user {number}",
            "manager_id": f"id-{number // 10}",
            "active": True,
            "document": {
                "userName": f"User{number}@x.org",
                "displayName": f"User {number}",
                "emails": [{"value": f"user{number}@x.org", "type": "work"}],
            },
            **times,
        }
        for number in range(MANY)
    ]
    mails = [
        {"user_id": row["id"], "position": 0, "value_key": row["user_name_key"], "type_key": "work", "is_primary": True}
        for row in rows
    ]
    teams = [
        {
            "id": 10_000 + number,
            "scim_id": f"g-{number}",
            "external_id": f"e{number}",
            "display_name": f"Group {number}",
            "display_name_key": f"group {number}",
            "document": {"displayName": f"Group {number}"},
            **times,
        }
        for number in range(MANY)
    ]
    members = [{"group_id": row["id"], "user_id": row["id"]} for row in teams]
    with db.write() as tx:
        for table, values in (
            (Person, people),
            (User, rows),
            (UserEmail, mails),
            (Group, teams),
            (Membership, members),
        ):
            tx.execute(sa.insert(table), values)
    if not db.is_sqlite:
        with db.write() as tx:
            tx.execute(sa.text("ANALYZE users, user_emails, groups, memberships"))
    return okta


def _plan(db: Database, query: sa.Select[Any]) -> str:
    """How the database finds the rows, in its own words."""
    with db.read() as tx:
        explain = "EXPLAIN QUERY PLAN " if db.is_sqlite else "EXPLAIN (FORMAT JSON) "
        compiled = query.compile(tx.engine, compile_kwargs={"render_postcompile": True})
        values = (
            tuple(compiled.params[name] for name in compiled.positiontup or ()) if db.is_sqlite else compiled.params
        )
        rows = tx.exec_driver_sql(explain + str(compiled), values).all()
    return "\n".join(row[-1] for row in rows) if db.is_sqlite else json.dumps(rows[0][0])


def _walks(db: Database, query: sa.Select[Any]) -> list[str]:
    """What is read row by row out of the tables, or out of all that a source has."""
    plan = _plan(db, query)
    if db.is_sqlite:
        walks = (
            "SCAN users",
            "SCAN groups",
            "SCAN memberships",
            "SCAN pending",
            "ix_users_source_id",
            "ix_groups_source_id",
        )
        return [line for line in plan.splitlines() if any(walk in line for walk in walks)]
    return _sequential(json.loads(plan)[0]["Plan"])


def _sequential(node: dict[str, Any]) -> list[str]:
    is_large = node.get("Relation Name") in ("users", "groups", "memberships", "user_emails")
    is_walk = is_large and "Index Cond" not in node and "Recheck Cond" not in node
    own = [f"{node['Node Type']} {node['Relation Name']}"] if is_walk else []
    return own + [found for inner in node.get("Plans", ()) for found in _sequential(inner)]


LOOKED_UP_USERS = {
    'userName eq "USER5@X.org"': ["id-5"],  # Okta, Entra
    'externalId eq "00u5"': ["id-5"],  # Entra
    'id eq "id-5"': ["id-5"],
    'displayName eq "USER 5"': ["id-5"],
    'emails[type eq "work"].value eq "User5@x.org"': ["id-5"],  # Entra
    'emails eq "user5@x.org"': ["id-5"],
    'id eq "id-5" and manager eq "id-0"': ["id-5"],  # Entra's reference check
    'manager eq "id-0" and id eq "id-5"': ["id-5"],
    f'{ENTERPRISE}:manager.value eq "id-0" and userName ew "9@x.org"': ["id-9"],
    'groups eq "g-5"': ["id-5"],
    'groups[value eq "g-5" and display sw "GROUP"]': ["id-5"],
}
LOOKED_UP_GROUPS = {
    'displayName eq "GROUP 5"': ["g-5"],  # Okta, Entra
    'externalId eq "e5"': ["g-5"],
    'id eq "g-5" and members eq "id-5"': ["g-5"],  # Entra's reference check
    'members eq "id-5" and id eq "g-5"': ["g-5"],
    'members[value eq "id-5"]': ["g-5"],
    'members.value eq "id-5"': ["g-5"],
}


def test_what_providers_ask_for_is_looked_up(db: Database, many: SourceRef) -> None:
    dialect = "sqlite" if db.is_sqlite else "postgresql"
    of_users = {
        text: sa.select(User.scim_id).where(
            user_condition(dialect, many.id, parse_filter(text), USER_TRAITS, root=ROOT)
        )
        for text in LOOKED_UP_USERS
    }
    of_groups = {
        text: sa.select(Group.scim_id).where(
            group_condition(dialect, many.id, parse_filter(text), GROUP_TRAITS, root=ROOT)
        )
        for text in LOOKED_UP_GROUPS
    }
    with db.read() as tx:
        assert {text: list(tx.execute(query).scalars()) for text, query in of_users.items()} == LOOKED_UP_USERS
        assert {text: list(tx.execute(query).scalars()) for text, query in of_groups.items()} == LOOKED_UP_GROUPS
    queries = of_users | of_groups
    assert {text: _walks(db, query) for text, query in queries.items()} == {text: [] for text in queries}


def test_another_filter_walks_the_source(db: Database, many: SourceRef) -> None:
    tree = parse_filter('title eq "x"')
    where = user_condition("sqlite" if db.is_sqlite else "postgresql", many.id, tree, USER_TRAITS)
    assert len(_walks(db, sa.select(User.scim_id).where(where))) == 1


def test_the_beginning_of_a_name_is_a_range_on_sqlite(db: Database, many: SourceRef) -> None:
    tree = parse_filter('userName sw "USER99"')
    where = user_condition("sqlite" if db.is_sqlite else "postgresql", many.id, tree, USER_TRAITS)
    query = sa.select(User.scim_id).where(where)
    with db.read() as tx:
        assert len(tx.execute(query).all()) == 11
    assert not db.is_sqlite or "user_name_key>?" in _plan(db, query)


@pytest.mark.parametrize(
    ("text", "name", "bound"),
    [
        ('userName eq "ADA"', "username", {"key": "ada"}),
        ('EXTERNALID eq "E1"', "externalid", {"key": "E1"}),
        ('id eq "x"', "id", {"key": "x"}),
        ('Emails.Value eq "A@b.c"', "emails.value", {"key": "a@b.c"}),
        ('emails[TYPE eq "Work"].value eq "A@b.c"', "emails[type].value", {"key": "a@b.c", "type": "work"}),
    ],
)
def test_lookups_of_users(text: str, name: str, bound: dict[str, str]) -> None:
    lookup = find_lookup(parse_filter(text), USER_LOOKUPS)
    assert lookup is not None
    assert (lookup.name, lookup.bound) == (name, bound)


@pytest.mark.parametrize(
    "text",
    [
        'userName ne "a"',
        "userName eq null",
        'userName.x eq "a"',
        "userName pr",
        'emails[type eq "work"].display eq "a"',
        'emails[primary eq true].value eq "a"',
        'phoneNumbers[type eq "work"].value eq "a"',
        'emails[type eq "work"]',
        f'{ENTERPRISE}:id eq "a"',
        'title eq "a"',
    ],
)
def test_other_filters_are_no_lookups(text: str) -> None:
    assert find_lookup(parse_filter(text), USER_LOOKUPS) is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('userName eq "ADA@example.com"', ["ada@example.com"]),
        ('emails eq "BOB@work.org"', ["bob"]),
        ('emails[type eq "WORK"].value eq "bob@work.org"', ["bob"]),
        ('emails[type eq "home"].value eq "bob@work.org"', []),
    ],
)
def test_a_lookup_of_users_finds_what_the_filter_finds(
    db: Database, okta: SourceRef, text: str, names: list[str]
) -> None:
    found_company(db, okta)
    lookup = find_lookup(parse_filter(text), USER_LOOKUPS)
    assert lookup is not None
    looked_up = sa.select(User.user_name_key).where(USER_LOOKUPS[lookup.name])
    with db.read() as tx:
        filtered = user_condition(tx.dialect.name, okta.id, parse_filter(text), USER_TRAITS)
        assert list(tx.execute(looked_up, {"source": okta.id, **lookup.bound}).scalars()) == names
        assert list(tx.execute(sa.select(User.user_name_key).where(filtered)).scalars()) == names


@pytest.mark.parametrize(
    ("text", "found"),
    [('displayName eq "STRASSE"', 2), ('displayName eq "outer"', 1), ('externalId eq "g1"', 0), ('id eq "x"', 0)],
)
def test_a_lookup_finds_what_the_filter_finds(db: Database, okta: SourceRef, text: str, found: int) -> None:
    found_company(db, okta)
    lookup = find_lookup(parse_filter(text), GROUP_LOOKUPS)
    assert lookup is not None
    query = sa.select(Group.id).where(GROUP_LOOKUPS[lookup.name])
    with db.read() as tx:
        assert len(tx.execute(query, {"source": okta.id, **lookup.bound}).all()) == found


def _refusal(text: str, *, lenient: bool = False) -> str:
    with pytest.raises(InvalidFilter) as caught:
        user_condition("sqlite", 1, parse_filter(text), USER_TRAITS, lenient=lenient)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('usrName eq "a"', 'User has no attribute usrName; did you mean "userName"?'),
        ('name.givenNam eq "a"', 'User has no attribute name.givenNam; did you mean "givenName"?'),
        ('departmnt eq "a"', 'did you mean "department"?'),
        (f'{ENTERPRISE}:departmnt eq "a"', 'did you mean "department"?'),
        (
            'urn:ietf:params:scim:schemas:extension:enterprise:2.1:User:department eq "a"',
            f'did you mean "{ENTERPRISE}"?',
        ),
        ('emails[kind eq "work"]', "emails has no attribute kind"),
        (f'{CUSTOM}:skills[name eq "x"]', "skills has no attribute name"),
        ('password eq "x"', "password is sensitive and cannot be asked for"),
        ("not (password pr)", "password is sensitive and cannot be asked for"),
        ('name eq "a"', "name has parts and no value of its own; ask for one of formatted"),
        ('addresses co "a"', "addresses has parts"),
        ('name[familyName eq "a"]', "name has no elements to choose from; leave out the brackets"),
        ("userName eq 7", "the value for userName has another type; write text in quotes"),
        ('active eq "maybe"', "the value for active has another type; write true or false"),
        ('active co "t"', "co compares text, and active is none"),
        ('active gt "t"', "active cannot be ordered by gt"),
        ('x509Certificates.value lt "a"', "x509Certificates.value cannot be ordered by lt"),
        ('meta.created gt "yesterday"', "the value for meta.created has another type; write a time"),
        ('meta.created sw "2026"', "sw compares text, and meta.created is none"),
        (f'{CUSTOM}:level eq "many"', "has another type; write a number"),
        (f'{CUSTOM}:level co "1"', "co compares text"),
    ],
)
def test_what_cannot_be_asked_is_refused(text: str, message: str) -> None:
    assert message in _refusal(text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param('members eq "x" or userName eq "bob"', ["bob"], id="unknown-equals-nothing"),
        pytest.param('members ne "x" and userName eq "bob"', ["bob"], id="unknown-differs"),
        pytest.param('members eq null and userName eq "bob"', ["bob"], id="unknown-is-null"),
        pytest.param("members ne null or members pr", [], id="unknown-is-absent"),
        pytest.param('members[value eq "x"]', [], id="unknown-has-no-elements"),
    ],
)
def test_a_search_over_several_kinds_is_lenient(db: Database, okta: SourceRef, text: str, names: list[str]) -> None:
    found_company(db, okta)
    with db.read() as tx:
        where = user_condition(tx.dialect.name, okta.id, parse_filter(text), USER_TRAITS, lenient=True)
        rows = tx.execute(sa.select(User.user_name_key).where(where)).scalars()
        assert list(rows) == names


def test_a_lenient_search_keeps_passwords(db: Database) -> None:
    assert "sensitive" in _refusal('password eq "x"', lenient=True)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ('eq "2026-11-22T12:00:00Z"', True),
        ('eq "2026-11-22T12:00:00.0007Z"', False),
        ('eq "2026-11-22T12:00:00.001Z"', False),
        ('ne "2026-11-22T12:00:00Z"', False),
        ('gt "2026-11-22T12:00:00Z"', False),
        ('gt "2026-11-22T12:00:00.0001Z"', False),
        ('gt "2026-11-22T11:59:59.9999Z"', True),
        ('ge "2026-11-22T12:00:00Z"', True),
        ('ge "2026-11-22T12:00:00.0001Z"', False),
        ('lt "2026-11-22T12:00:00Z"', False),
        ('lt "2026-11-22T12:00:00.0001Z"', True),
        ('lt "2026-11-22T12:00:00.001Z"', True),
        ('le "2026-11-22T12:00:00Z"', True),
        ('le "2026-11-22T11:59:59.9999Z"', False),
        ('gt "0001-01-01T00:00:00+14:00"', True),
        ('lt "9999-12-31T23:59:59.999999-14:00"', True),
        ('ge "9999-12-31T23:59:59.999999-14:00"', False),
    ],
)
def test_times_are_asked_for_as_they_are_shown(db: Database, okta: SourceRef, condition: str, holds: bool) -> None:
    with db.write() as tx:
        now = NOON + timedelta(microseconds=700)  # shown as 12:00:00.000Z
        users.create_user(tx, okta, {"userName": "ada"}, now=now)
        where = user_condition(tx.dialect.name, okta.id, parse_filter(f"meta.created {condition}"), USER_TRAITS)
        assert tx.execute(sa.select(sa.func.count()).select_from(User).where(where)).scalar_one() == int(holds)


def test_conditions_see_one_source_only(db: Database, okta: SourceRef, entra: SourceRef) -> None:
    found_company(db, okta)
    with db.read() as tx:
        for text in ("userName pr", 'emails eq "bob@x.org"', 'id ne "x"', "not (title pr)"):
            where: Condition = user_condition(tx.dialect.name, entra.id, parse_filter(text), USER_TRAITS)
            assert tx.execute(sa.select(User.id).where(where)).all() == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("not (" * MAX_DEPTH, ")" * MAX_DEPTH, id="not"),
        pytest.param("not (title pr or " * MAX_DEPTH, ")" * MAX_DEPTH, id="not-or"),
        pytest.param("(title pr or (title pr and " * (MAX_DEPTH // 2), "))" * (MAX_DEPTH // 2), id="or-and"),
    ],
)
def test_the_deepest_filter_is_answered(db: Database, okta: SourceRef, before: str, after: str) -> None:
    with db.read() as tx:
        where = user_condition(tx.dialect.name, okta.id, parse_filter(f"{before}nickName pr{after}"), USER_TRAITS)
        assert tx.execute(sa.select(User.id).where(where)).all() == []


def test_the_deepest_filter_in_brackets_is_answered(db: Database, okta: SourceRef) -> None:
    depth = (MAX_DEPTH - 1) // 2
    text = "emails[" + "(type pr or (type pr and " * depth + 'value eq "x"' + "))" * depth + "]"
    with db.read() as tx:
        where = user_condition(tx.dialect.name, okta.id, parse_filter(text), USER_TRAITS)
        assert tx.execute(sa.select(User.id).where(where)).all() == []


@pytest.mark.parametrize("value", ["'; DROP TABLE users; --", '" or "1"="1', "\\", "%", "a'b", "{}", ":source", "?"])
def test_values_never_become_sql(db: Database, okta: SourceRef, value: str) -> None:
    found_company(db, okta)
    paths = ("userName", "title", "emails.value", f"{CUSTOM}:skills", "meta.location", "groups.display", "schemas")
    with db.read() as tx:
        for path in paths:
            for op in ("eq", "co", "sw", "ew", "gt"):
                tree = parse_filter(f"{path} {op} {json.dumps(value)}")
                where = user_condition(tx.dialect.name, okta.id, tree, USER_TRAITS, root=ROOT)
                tx.execute(sa.select(User.id).where(where)).all()
        assert tx.execute(sa.select(sa.func.count()).select_from(User)).scalar_one() == 6
