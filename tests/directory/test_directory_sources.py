"""Sources and tokens: shown once, two at most, ended when said."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from databases import NOON

from scim_bridge.audit.tables import AuditRow
from scim_bridge.db import Database
from scim_bridge.directory import sources
from scim_bridge.directory.sources import SourceRef
from scim_bridge.directory.tables import Token
from scim_bridge.errors import Conflict, InvalidInput, NotFound

HOUR = timedelta(hours=1)


def token_of(db: Database, source: SourceRef) -> str:
    with db.write() as tx:
        return sources.new_token(tx, source.id, now=NOON)


def test_a_token_names_its_source(db: Database, okta: SourceRef) -> None:
    token = token_of(db, okta)
    with db.read() as tx:
        found = sources.authenticate(tx, token, NOON)
    assert found is not None
    assert (found.id, found.name, found.kind, found.joins, found.is_disabled) == (okta.id, "okta", "okta", True, False)
    assert found.actor == "source:okta"


def test_a_token_goes_into_a_url_and_holds_no_underscore(db: Database, okta: SourceRef) -> None:
    token = token_of(db, okta)
    assert token.replace("-", "").isalnum()


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t[:-1] + "g", lambda t: "x" + t, lambda t: t.upper()])
def test_nearly_a_token_is_none(db: Database, okta: SourceRef, change: object) -> None:
    assert callable(change)
    with db.read() as tx:
        assert sources.authenticate(tx, change(token_of(db, okta)), NOON) is None


def test_a_wrong_secret_is_none(db: Database, okta: SourceRef) -> None:
    public_id = token_of(db, okta).split("-")[1]
    with db.read() as tx:
        assert sources.authenticate(tx, f"scb-{public_id}-{'0' * 64}", NOON) is None


def test_no_secret_is_stored_or_audited(db: Database, okta: SourceRef) -> None:
    secret = token_of(db, okta).split("-")[2]
    with db.read() as tx:
        stored = [str(row) for table in (Token, AuditRow) for row in tx.execute(sa.select(table)).all()]
    assert not any(secret in row for row in stored)


def test_a_third_live_token_is_refused(db: Database, okta: SourceRef) -> None:
    token_of(db, okta)
    token_of(db, okta)
    with pytest.raises(Conflict, match="2 tokens"):
        token_of(db, okta)


def test_rotation_says_when_the_old_token_ends(db: Database, okta: SourceRef) -> None:
    old = token_of(db, okta)
    with db.write() as tx:
        rotation = sources.rotate(tx, "okta", now=NOON, old_ends_after=HOUR)
    assert rotation.old_ends_at == NOON + HOUR
    with db.read() as tx:
        assert sources.authenticate(tx, old, NOON + HOUR - timedelta(seconds=1)) is not None
        assert sources.authenticate(tx, old, NOON + HOUR) is None
        assert sources.authenticate(tx, rotation.token, NOON + HOUR) is not None
    with db.write() as tx:
        later = sources.rotate(tx, "okta", now=NOON + HOUR, old_ends_after=HOUR)
    assert later.old_ends_at == NOON + 2 * HOUR


def test_the_first_rotation_ends_nothing(db: Database, okta: SourceRef) -> None:
    with db.write() as tx:
        assert sources.rotate(tx, "okta", now=NOON, old_ends_after=HOUR).old_ends_at is None


def test_revoke_ends_one_or_all_now(db: Database, okta: SourceRef) -> None:
    first, second = token_of(db, okta), token_of(db, okta)
    with db.write() as tx:
        assert sources.revoke(tx, "okta", first.split("-")[1], now=NOON) == 1
        assert sources.authenticate(tx, first, NOON) is None
        assert sources.authenticate(tx, second, NOON) is not None
        assert sources.revoke(tx, "okta", None, now=NOON) == 1
        assert sources.authenticate(tx, second, NOON) is None
        with pytest.raises(NotFound, match="no live token"):
            sources.revoke(tx, "okta", None, now=NOON)
        with pytest.raises(NotFound, match="no live token abc"):
            sources.revoke(tx, "okta", "abc", now=NOON)


def test_a_disabled_source_is_known_as_such(db: Database, okta: SourceRef) -> None:
    token = token_of(db, okta)
    with db.write() as tx:
        sources.disable(tx, "okta", now=NOON)
        found = sources.authenticate(tx, token, NOON)
    assert found is not None
    assert found.is_disabled


def test_use_is_stale_after_a_minute(db: Database, okta: SourceRef) -> None:
    token = token_of(db, okta)
    with db.write() as tx:
        found = sources.authenticate(tx, token, NOON)
        assert found is not None
        assert found.use_is_stale
        sources.note_use(tx, found.token_id, now=NOON)
        for seconds, is_stale in ((59, False), (60, True)):
            again = sources.authenticate(tx, token, NOON + timedelta(seconds=seconds))
            assert again is not None
            assert again.use_is_stale is is_stale


@pytest.mark.parametrize(("name", "kind"), [("", "okta"), ("a b", "okta"), ("x" * 101, "okta"), ("fine", "ldap")])
def test_names_and_kinds_are_checked(db: Database, name: str, kind: str) -> None:
    with db.write() as tx, pytest.raises(InvalidInput):
        sources.add_source(tx, name=name, kind=kind, joins=True, now=NOON)


def test_a_name_is_given_once(db: Database, okta: SourceRef) -> None:
    with db.write() as tx, pytest.raises(Conflict, match="okta is there already"):
        sources.add_source(tx, name="okta", kind="okta", joins=True, now=NOON)


def test_unknown_names_are_named(db: Database) -> None:
    with db.write() as tx, pytest.raises(NotFound, match="no source nobody"):
        sources.disable(tx, "nobody", now=NOON)


def test_sources_are_listed_with_live_tokens(db: Database, okta: SourceRef, entra: SourceRef) -> None:
    public_id = token_of(db, okta).split("-")[1]
    with db.write() as tx:
        sources.rotate(tx, "okta", now=NOON, old_ends_after=HOUR)
        first, second = sources.list_sources(tx)
        assert (first.name, first.tokens, first.users, first.groups) == ("entra", (), 0, 0)
        assert [token.expires_at for token in second.tokens] == [NOON + HOUR, None]
        assert second.tokens[0].public_id == public_id
        assert [len(view.tokens) for view in sources.list_sources(tx, NOON + HOUR)] == [0, 1]
