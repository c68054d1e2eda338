"""Sources and tokens: shown once, two at most, ended when said."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from databases import NOON

from scim_bridge.audit.tables import AuditRow
from scim_bridge.db import Database
from scim_bridge.directory import sources
from scim_bridge.directory.authentication import authenticate, note_use
from scim_bridge.directory.signing_key import find_key, get_or_make_key
from scim_bridge.directory.source_settings import ENTRA_AUDIENCE, SourceChange, change_source
from scim_bridge.directory.sources import SourceRef
from scim_bridge.directory.tables import Token
from scim_bridge.directory.tokens import BEARER, CLIENT, new_token, public_id_of
from scim_bridge.errors import Conflict, InvalidInput, NotFound

HOUR = timedelta(hours=1)
TENANT = "3f1c2a9e-0000-4000-8000-00000000000a"


def token_of(db: Database, source: SourceRef) -> str:
    with db.write() as tx:
        return new_token(tx, source.id, now=NOON)


def test_a_token_names_its_source(db: Database, okta: SourceRef) -> None:
    token = token_of(db, okta)
    with db.read() as tx:
        found = authenticate(tx, token, NOON)
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
        assert authenticate(tx, change(token_of(db, okta)), NOON) is None


def test_a_wrong_secret_is_none(db: Database, okta: SourceRef) -> None:
    public_id = token_of(db, okta).split("-")[1]
    with db.read() as tx:
        assert authenticate(tx, f"scb-{public_id}-{'0' * 64}", NOON) is None


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
        assert authenticate(tx, old, NOON + HOUR - timedelta(seconds=1)) is not None
        assert authenticate(tx, old, NOON + HOUR) is None
        assert authenticate(tx, rotation.token, NOON + HOUR) is not None
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
        assert authenticate(tx, first, NOON) is None
        assert authenticate(tx, second, NOON) is not None
        assert sources.revoke(tx, "okta", None, now=NOON) == 1
        assert authenticate(tx, second, NOON) is None
        with pytest.raises(NotFound, match="no live token"):
            sources.revoke(tx, "okta", None, now=NOON)
        with pytest.raises(NotFound, match="no live token abc"):
            sources.revoke(tx, "okta", "abc", now=NOON)


def test_a_disabled_source_is_known_as_such(db: Database, okta: SourceRef) -> None:
    token = token_of(db, okta)
    with db.write() as tx:
        sources.disable(tx, "okta", now=NOON)
        found = authenticate(tx, token, NOON)
    assert found is not None
    assert found.is_disabled


def test_use_is_written_at_the_token(db: Database, okta: SourceRef) -> None:
    token = token_of(db, okta)
    with db.write() as tx:
        found = authenticate(tx, token, NOON)
        assert found is not None
        note_use(tx, found, now=NOON + HOUR)
        assert sources.list_sources(tx)[0].tokens[0].last_used_at == NOON + HOUR


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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (SourceChange(), "nothing to change was named"),
        (SourceChange(tenant_id="acme"), "this is no tenant id"),
        (SourceChange(audience="app"), "an audience needs a tenant"),
        (SourceChange(tenant_id=TENANT, audience=" "), "an audience has 1 to 255 characters"),
        (SourceChange(networks=["10.0.0.1/8"]), "did you mean 10.0.0.0/8?"),
        (SourceChange(networks=[f"10.0.0.{number}" for number in range(101)]), "these are over 100 networks"),
        (SourceChange(requests_per_second=0), "0 requests a second is out of range"),
        (SourceChange(requests_per_second=2_000_000), "2000000 requests a second is out of range"),
    ],
)
def test_a_change_that_cannot_hold_is_refused(
    db: Database, okta: SourceRef, change: SourceChange, message: str
) -> None:
    with db.write() as tx:
        before = sources.list_sources(tx)
        with pytest.raises(InvalidInput) as refused:
            change_source(tx, "okta", change, now=NOON)
        assert message in str(refused.value)
        assert sources.list_sources(tx) == before


def test_a_change_keeps_what_it_does_not_name(db: Database, okta: SourceRef) -> None:
    with db.write() as tx:
        change_source(tx, "okta", SourceChange(networks=["10.0.0.0/8"], requests_per_second=25), now=NOON)
        change_source(tx, "okta", SourceChange(takes_basic=True, tenant_id=f" {TENANT.upper()} "), now=NOON)
        (view,) = sources.list_sources(tx)
        assert (view.networks, view.requests_per_second, view.takes_basic) == (("10.0.0.0/8",), 25, True)
        assert (view.tenant_id, view.audience) == (TENANT, ENTRA_AUDIENCE)
        change_source(tx, "okta", SourceChange(networks=[], requests_per_second=None, tenant_id=None), now=NOON)
        (view,) = sources.list_sources(tx)
        assert (view.networks, view.requests_per_second, view.takes_basic) == ((), None, True)
        assert (view.tenant_id, view.audience) == (None, None)


def test_an_audience_stays_with_its_tenant_until_it_is_reset(db: Database, okta: SourceRef) -> None:
    with db.write() as tx:
        change_source(tx, "okta", SourceChange(tenant_id=TENANT, audience="app-2"), now=NOON)
        change_source(tx, "okta", SourceChange(tenant_id=TENANT.replace("a", "b")), now=NOON)
        assert sources.list_sources(tx)[0].audience == "app-2"
        change_source(tx, "okta", SourceChange(audience=None), now=NOON)
        assert sources.list_sources(tx)[0].audience == ENTRA_AUDIENCE


def test_a_tenant_and_audience_belong_to_one_source(db: Database, okta: SourceRef, entra: SourceRef) -> None:
    with db.write() as tx:
        change_source(tx, "entra", SourceChange(tenant_id=TENANT), now=NOON)
        with pytest.raises(Conflict, match="another source takes JWTs"):
            change_source(tx, "okta", SourceChange(tenant_id=TENANT), now=NOON)
        change_source(tx, "okta", SourceChange(tenant_id=TENANT, audience="app-2"), now=NOON)
        assert [view.audience for view in sources.list_sources(tx)] == [ENTRA_AUDIENCE, "app-2"]


def test_a_change_is_audited_with_its_values(db: Database, okta: SourceRef) -> None:
    with db.write() as tx:
        change_source(tx, "okta", SourceChange(requests_per_second=25), now=NOON, actor="cli:ada")
        row = tx.execute(sa.select(AuditRow).where(AuditRow.action == "source.changed")).one()
    assert (row.actor, row.subject, row.detail) == ("cli:ada", "source:okta", {"requests_per_second": 25})


def test_tokens_and_clients_are_two_each(db: Database, okta: SourceRef) -> None:
    with db.write() as tx:
        for kind in (BEARER, BEARER, CLIENT, CLIENT):
            new_token(tx, okta.id, now=NOON, kind=kind)
        with pytest.raises(Conflict, match="2 clients are live already"):
            new_token(tx, okta.id, now=NOON, kind=CLIENT)
        assert sources.revoke(tx, "okta", None, now=NOON) == 4


def test_rotation_of_a_client_leaves_the_token_alone(db: Database, okta: SourceRef) -> None:
    token = token_of(db, okta)
    with db.write() as tx:
        client = new_token(tx, okta.id, now=NOON, kind=CLIENT)
        made = sources.rotate(tx, "okta", now=NOON, old_ends_after=HOUR, kind=CLIENT, expires_after=2 * HOUR)
        (view,) = sources.list_sources(tx)
    ends = {each.public_id: each.expires_at for each in view.tokens}
    assert ends == {
        public_id_of(token): None,
        public_id_of(client): NOON + HOUR,
        public_id_of(made.token): NOON + 2 * HOUR,
    }


def test_a_token_may_end_by_itself(db: Database, okta: SourceRef) -> None:
    with db.write() as tx:
        token = new_token(tx, okta.id, now=NOON, expires_after=HOUR)
        found = authenticate(tx, token, NOON)
        assert found is not None
        assert found.ends_at == NOON + HOUR
        assert authenticate(tx, token, NOON + HOUR) is None


def test_the_signing_key_is_made_once(db: Database) -> None:
    with db.write() as tx:
        assert find_key(tx) is None
        key = get_or_make_key(tx, now=NOON)
        assert (len(key), get_or_make_key(tx, now=NOON), find_key(tx)) == (64, key, key)
