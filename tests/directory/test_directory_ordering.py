"""The order of lists (RFC 7644 section 3.4.2.3), on SQLite and PostgreSQL, against the same order made in memory."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from databases import NOON, postgresql_database
from filter_kit import CUSTOM, GROUP_TRAITS, ROOT, USER_TRAITS, Company, found_company

from scim_bridge.clock import FrozenClock
from scim_bridge.db import Base, Database
from scim_bridge.directory import sources, users
from scim_bridge.directory.ordering import group_order, user_order
from scim_bridge.directory.sources import SourceRef
from scim_bridge.directory.tables import Group, User
from scim_bridge.errors import InvalidInput
from scim_bridge.scim.definitions import ENTERPRISE

ADA, BOB, CLEO, DAN, SHARP, ZED = "Ada@Example.com", "bob", "cleo", "𝔻an", "ẞ", "zed"


@pytest.fixture
def company(db: Database, okta: SourceRef) -> Company:
    return found_company(db, okta)


def _sorted(db: Database, source: SourceRef, by: str, *, descending: bool = False) -> list[Any]:
    with db.read() as tx:
        order = user_order(tx.dialect.name, by, USER_TRAITS, descending=descending, root=ROOT)
        documents = tx.execute(sa.select(User.document).where(User.source_id == source.id).order_by(*order)).scalars()
        return [document["userName"] for document in documents]


@pytest.mark.parametrize(
    ("by", "names"),
    [
        pytest.param("userName", [ADA, BOB, CLEO, SHARP, ZED, DAN], id="folded-by-code-points"),
        pytest.param("externalId", [ADA, BOB, CLEO, DAN, SHARP, ZED], id="case-counts-missing-last"),
        pytest.param("USERNAME", [ADA, BOB, CLEO, SHARP, ZED, DAN], id="names-in-any-case"),
        pytest.param("name.familyName", [ADA, BOB, CLEO, DAN, SHARP, ZED], id="equal-ones-by-age"),
        pytest.param("nickName", [CLEO, ADA, BOB, SHARP, DAN, ZED], id="not-by-utf-16"),
        pytest.param("active", [BOB, SHARP, ADA, CLEO, DAN, ZED], id="false-before-true"),
        pytest.param("emails", [ADA, BOB, CLEO, DAN, SHARP, ZED], id="primary-else-first"),
        pytest.param("emails.type", [BOB, ADA, CLEO, DAN, SHARP, ZED], id="sub-attribute-of-the-primary"),
        pytest.param("addresses.locality", [ADA, BOB, CLEO, DAN, SHARP, ZED], id="the-primary-address"),
        pytest.param(f"{ENTERPRISE}:manager", [BOB, ADA, CLEO, DAN, SHARP, ZED], id="ids-by-case"),
        pytest.param(f"{ENTERPRISE}:department", [ADA, BOB, ZED, CLEO, DAN, SHARP], id="extension"),
        pytest.param(f"{CUSTOM}:level", [BOB, ADA, CLEO, DAN, SHARP, ZED], id="integers-by-value"),
        pytest.param(f"{CUSTOM}:ratio", [BOB, ADA, CLEO, DAN, SHARP, ZED], id="decimals-by-value"),
        pytest.param(f"{CUSTOM}:startsAt", [ADA, BOB, CLEO, DAN, SHARP, ZED], id="moments"),
        pytest.param(f"{CUSTOM}:skills", [ADA, CLEO, BOB, DAN, SHARP, ZED], id="first-of-simple-values"),
        pytest.param(f"{CUSTOM}:desks.floor", [ADA, BOB, CLEO, DAN, SHARP, ZED], id="primary-desk"),
        pytest.param("groups.display", [CLEO, ADA, BOB, DAN, SHARP, ZED], id="groups"),
        pytest.param("meta.created", [ADA, BOB, CLEO, DAN, SHARP, ZED], id="created"),
    ],
)
def test_users_in_order(db: Database, okta: SourceRef, company: Company, by: str, names: list[str]) -> None:
    assert _sorted(db, okta, by) == names
    assert _sorted(db, okta, by, descending=True) == names[::-1]  # missing ones first


def test_pages_of_an_order_are_stable(db: Database, okta: SourceRef, company: Company) -> None:
    with db.read() as tx:
        query = sa.select(User.document).order_by(*user_order(tx.dialect.name, "active", USER_TRAITS)).limit(2)
        pages = [list(tx.execute(query.offset(offset)).scalars()) for offset in (0, 2, 4)]
    assert [[document["userName"] for document in page] for page in pages] == [[BOB, SHARP], [ADA, CLEO], [DAN, ZED]]


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("displayName", ["Outer", "Straße", "STRASSE", "waits"]),
        ("externalId", ["Straße", "Outer", "waits", "STRASSE"]),
        ("members.type", ["Straße", "Outer", "waits", "STRASSE"]),
    ],
)
def test_groups_in_order(db: Database, okta: SourceRef, company: Company, by: str, names: list[str]) -> None:
    with db.read() as tx:
        order = group_order(tx.dialect.name, by, GROUP_TRAITS, root=ROOT)
        assert list(tx.execute(sa.select(Group.display_name).order_by(*order)).scalars()) == names


def test_every_attribute_has_an_order(db: Database, company: Company) -> None:
    names = [
        "id",
        "meta.lastModified",
        "meta.version",
        "meta.location",
        "meta.resourceType",
        "schemas",
        "photos",
        "groups",
    ]
    with db.read() as tx:
        for name in names:
            tx.execute(sa.select(User.id).order_by(*user_order(tx.dialect.name, name, USER_TRAITS, root=ROOT))).all()
        for name in ("id", "members", "members.$ref", "members.value"):
            tx.execute(sa.select(Group.id).order_by(*group_order(tx.dialect.name, name, GROUP_TRAITS, root=ROOT))).all()


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("nikname", 'User has no attribute nikname; did you mean "nickName"'),
        ("name", "name has parts and no order of its own; sort by one of formatted"),
        ("addresses", "addresses has parts"),
        ("password", "password is sensitive"),
        ('emails[type eq "work"]', "sortBy takes an attribute"),
        ("userName desc", "sortBy: "),
        ("", "sortBy: "),
    ],
)
def test_what_cannot_be_sorted_by_is_refused(by: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        user_order("sqlite", by, USER_TRAITS)
    assert message in str(caught.value)


def test_no_locale_of_the_database_moves_the_order() -> None:
    with postgresql_database("TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'") as url:
        db = Database(url, clock=FrozenClock(NOON))
        Base.metadata.create_all(db.engine)
        with db.write() as tx:
            okta = SourceRef(
                sources.add_source(tx, name="okta", kind="okta", joins=True, now=NOON), "okta", "okta", True
            )
            for name in ("zoe", "Éva", "a_b", "aC", "a-d"):
                users.create_user(tx, okta, {"userName": name}, now=NOON)
        assert _sorted(db, okta, "userName") == ["a-d", "a_b", "aC", "zoe", "Éva"]
        db.close()
