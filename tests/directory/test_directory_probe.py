"""A probe is a source that nobody meets, and that is gone without a trace."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from databases import NOON

from scim_bridge.audit.tables import AuditRow
from scim_bridge.db import Base, Database
from scim_bridge.directory import groups, users
from scim_bridge.directory.authentication import authenticate
from scim_bridge.directory.delta import MemberDelta
from scim_bridge.directory.people import find_people, load_people
from scim_bridge.directory.probe import Probe, changes_left, drop_left_probes, make_probe, remove_probe
from scim_bridge.directory.sources import SourceRef, list_sources
from scim_bridge.directory.tables import Person, PersonChange, Source

ADA = {"userName": "ada@acme.example", "externalId": "00u1", "active": True}
LATER = NOON + timedelta(minutes=16)


def rows(db: Database) -> dict[str, list[str]]:
    """Every row of every table but the audit trail."""
    with db.read() as tx:
        tables = [table for table in Base.metadata.sorted_tables if table is not AuditRow.__table__]
        return {table.name: sorted(map(repr, tx.execute(sa.select(table)))) for table in tables}


def audited(db: Database) -> list[tuple[Any, ...]]:
    with db.read() as tx:
        query = sa.select(AuditRow.actor, AuditRow.action, AuditRow.subject).order_by(AuditRow.id)
        return [tuple(row) for row in tx.execute(query)]


def make(db: Database) -> tuple[Probe, SourceRef]:
    with db.write() as tx:
        probe = make_probe(tx, kind="okta", now=NOON, actor="cli:ops")
        ref = authenticate(tx, probe.token, NOON)
    assert ref is not None
    return probe, ref


def push(db: Database, source: SourceRef) -> int:
    """Everything that a source can leave: users, one deleted, groups, nested ones, pending members. A person's id."""
    with db.write() as tx:
        emails = [{"value": "ada@acme.example", "type": "work", "primary": True}]
        ada = users.create_user(tx, source, {**ADA, "emails": emails}, now=NOON)
        gone = users.create_user(tx, source, {**ADA, "userName": "bob@acme.example", "emails": emails}, now=NOON)
        inner = groups.create_group(tx, source, {"displayName": "Staff"}, (ada.scim_id, "not-here-yet"), now=NOON)
        groups.create_group(tx, source, {"displayName": "All"}, (inner.scim_id, gone.scim_id), now=NOON)
        groups.change_group(tx, source, inner, {"displayName": "Everybody"}, MemberDelta(), now=NOON)
        users.delete_user(tx, source, gone.scim_id, now=NOON)
        return ada.person_id


@pytest.fixture
def probe(db: Database) -> Probe:
    return make(db)[0]


def test_its_token_ends_by_itself(db: Database, probe: Probe) -> None:
    with db.read() as tx:
        assert authenticate(tx, probe.token, LATER) is None


def test_nothing_of_it_is_left(db: Database, okta: SourceRef) -> None:
    push(db, okta)
    before = rows(db)
    probe, ref = make(db)
    push(db, ref)
    assert rows(db) != before
    with db.write() as tx:
        remove_probe(tx, probe.source_id)
    assert rows(db) == before


def test_the_audit_trail_keeps_that_it_was_and_nothing_of_its_pushes(db: Database) -> None:
    probe, ref = make(db)
    push(db, ref)
    with db.write() as tx:
        remove_probe(tx, probe.source_id)
    assert audited(db) == [("cli:ops", "source.probed", f"source:{probe.name}")]


def test_a_real_source_is_never_removed_as_one(db: Database, okta: SourceRef) -> None:
    push(db, okta)
    before = rows(db)
    with db.write() as tx:
        remove_probe(tx, okta.id)
    assert rows(db) == before


def test_its_people_are_nobody_elses(db: Database, okta: SourceRef, entra: SourceRef) -> None:
    ours = push(db, okta)
    _, ref = make(db)
    theirs = push(db, ref)
    assert theirs != ours
    assert push(db, entra) == ours, "a source that comes later joins the real one"
    with db.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).where(Person.attention.is_not(None))) == 0


def test_the_rules_see_no_users_of_it(db: Database) -> None:
    _, ref = make(db)
    person_id = push(db, ref)
    with db.read() as tx:
        assert load_people(tx, [person_id])[person_id].users == ()


def test_no_list_shows_it(db: Database, okta: SourceRef) -> None:
    _, ref = make(db)
    person_id = push(db, ref)
    with db.read() as tx:
        assert [view.name for view in list_sources(tx)] == ["okta"]
        assert groups.list_groups(tx, text=None) == []
        for text in ("ada@acme.example", "bob@acme.example", f"p{person_id}"):
            assert find_people(tx, text) == []


def test_it_says_how_much_of_it_the_engine_has_not_seen(db: Database, probe: Probe, okta: SourceRef) -> None:
    with db.write() as tx:
        assert changes_left(tx, probe.source_id) == 0
        ref = authenticate(tx, probe.token, NOON)
    push(db, okta)
    assert ref is not None
    push(db, ref)
    with db.write() as tx:
        before = changes_left(tx, probe.source_id)
        tx.execute(sa.delete(PersonChange))
        assert 0 < changes_left(tx, probe.source_id) < before


def test_one_that_was_left_behind_goes_after_an_hour(db: Database, okta: SourceRef) -> None:
    _, ref = make(db)
    push(db, ref)
    with db.write() as tx:
        drop_left_probes(tx, now=NOON + timedelta(minutes=59))
        assert tx.scalar(sa.select(sa.func.count()).select_from(Source)) == 2
        drop_left_probes(tx, now=NOON + timedelta(minutes=61))
        assert list(tx.execute(sa.select(Source.name)).scalars()) == ["okta"]
