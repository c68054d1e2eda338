"""What ``doctor`` says where it cannot get far, and of a source's own rows: no server is needed for that."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from click.testing import Result
from werkzeug.serving import make_server

from scim_bridge.app import create_app
from scim_bridge.db import Database
from scim_bridge.directory import sources
from scim_bridge.directory.probe import make_probe
from scim_bridge.directory.tables import Group, PendingMember, Source, Token
from scim_bridge.schema import upgrade
from scim_bridge.settings import load_settings

NOBODY = "http://127.0.0.1:1"
NOW = datetime.now(UTC)


@pytest.fixture
def doctor(run: Callable[..., Result], db: Database) -> Callable[..., dict[str, tuple[str, str]]]:
    """``doctor("okta", "--url", ...)``: ``{check: (what it saw, what to do)}`` of what failed."""

    def words(*arguments: str, **settings: str) -> dict[str, tuple[str, str]]:
        result = run("doctor", "--json", *arguments, **settings)
        checks = json.loads(result.stdout)["checks"]
        failed = {each["name"]: (each["saw"], each["advice"]) for each in checks if not each["ok"]}
        assert result.exit_code == (1 if failed else 0)
        return failed

    return words


@contextmanager
def served(db: Database, *, tls: str | None = None) -> Iterator[str]:
    """A bridge without an engine on this database; its address, with http even where it speaks TLS."""
    app = create_app(load_settings({}), db, wake=lambda: None)
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=tls)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def okta(db: Database) -> int:
    """A source with a token that was used a moment ago, its id."""
    return add(db, "okta")


def add(db: Database, kind: str) -> int:
    with db.write() as tx:
        source_id = sources.add_source(tx, name=kind, kind=kind, joins=True, now=NOW)
        sources.new_token(tx, source_id, now=NOW)
        tx.execute(sa.update(Token).values(last_used_at=NOW))
    return source_id


def change(db: Database, statement: sa.Update | sa.Insert) -> None:
    with db.write() as tx:
        tx.execute(statement)


def test_nobody_listens(doctor):
    ((saw, advice),) = doctor(PORT="1").values()
    assert saw == "nobody listens at http://127.0.0.1:1/scim/v2 (Connection refused)"
    assert advice.startswith("start `scim-bridge serve`")


def test_a_name_that_nobody_has(doctor):
    failed = doctor(BASE_URL="https://no-such-bridge.invalid")
    assert failed == {
        "reach.answers": (
            "the name in https://no-such-bridge.invalid/scim/v2 is not known",
            "mend BASE_URL, or the name's entry in the DNS",
        )
    }


def test_a_name_that_okta_refuses(doctor):
    assert doctor("--url", "https://my_bridge.invalid")["reach.address"] == (
        "the host name my_bridge.invalid has a _ in it, which Okta refuses",
        "give the bridge a name without _",
    )


def test_an_address_without_tls(doctor):
    saw, advice = doctor("--url", "http://bridge.invalid")["reach.address"]
    assert saw == "http://bridge.invalid/scim/v2 is without TLS, which providers refuse"
    assert advice == "put a TLS proxy in front and set BASE_URL to its https address"


def test_tls_that_fails(doctor, db: Database):
    with served(db) as url:
        failed = doctor("--url", url.replace("http:", "https:"))
    assert failed.keys() == {"reach.answers"}
    saw, advice = failed["reach.answers"]
    assert saw.startswith("TLS fails at https://127.0.0.1:")
    assert "the whole certificate chain" in advice


def test_a_certificate_that_nobody_trusts(doctor, db: Database):
    with served(db, tls="adhoc") as url:
        saw, _ = doctor("--url", url.replace("http:", "https:"))["reach.answers"]
    assert saw.endswith(": self-signed certificate")


def test_another_instance(doctor, tmp_path):
    other = Database(f"sqlite:///{tmp_path}/other.db")
    upgrade(other)
    with served(other) as url:
        failed = doctor("--url", url)
    other.close()
    assert failed.keys() == {"reach.answers"}
    saw, advice = failed["reach.answers"]
    assert saw.startswith("a token that was just made is not known there")
    assert "this command's DATABASE_URL is not the instance's" in advice


def test_an_instance_whose_database_is_away(doctor):
    away = Database("postgresql+psycopg://postgres@127.0.0.1:1/bridge")
    with served(away) as url:
        failed = doctor("--url", url)
    away.close()
    assert failed.keys() == {"reach.answers"}
    saw, advice = failed["reach.answers"]
    assert saw.startswith("the bridge is there, but its database is not")
    assert advice == "start the database of the instance"


def test_no_engine(doctor, db: Database):
    with served(db) as url:
        saw, advice = doctor("--url", url)["engine.takes_changes"]
    assert saw == "no engine runs on this database: pushes are kept and nothing follows"
    assert advice == "start `scim-bridge serve`"


def test_no_address(run, db: Database):
    result = run("doctor", "--url", "bridge")
    assert (result.exit_code, result.stderr) == (
        2,
        'scim-bridge: --url "bridge" is no web address; write https://bridge.example\n',
    )


def test_no_such_source(run, db: Database):
    result = run("doctor", "okat")
    assert (result.exit_code, result.stderr) == (
        2,
        "scim-bridge: there is no source okat; `scim-bridge source list` shows them\n",
    )


def test_what_a_killed_doctor_left_goes_with_the_next(doctor, db: Database):
    with db.write() as tx:
        make_probe(tx, kind="okta", now=NOW - timedelta(hours=2), actor="cli:ops")
    doctor("--url", NOBODY)
    with db.read() as tx:
        assert tx.execute(sa.select(Source.name)).all() == []


def test_a_source_that_is_well(doctor, okta: int):
    assert doctor("okta", "--url", NOBODY).keys() == {"reach.answers"}


def test_a_disabled_source(doctor, db: Database, okta: int):
    change(db, sa.update(Source).values(disabled_at=datetime(2026, 11, 22, 12, tzinfo=UTC)))
    assert doctor("okta", "--url", NOBODY)["source.enabled"] == (
        "okta is disabled since 2026-11-22 12:00:00Z",
        "`scim-bridge source enable okta`",
    )


def test_a_source_without_a_token(doctor, db: Database, okta: int):
    change(db, sa.update(Token).values(revoked_at=NOW))
    assert doctor("okta", "--url", NOBODY)["source.token"] == (
        "okta has no live token",
        "`scim-bridge source rotate okta`, and give the provider the new one",
    )


def test_a_token_that_ends_soon(doctor, db: Database, okta: int):
    change(db, sa.update(Token).values(expires_at=NOW + timedelta(days=3)))
    saw, _ = doctor("okta", "--url", NOBODY)["source.token"]
    assert saw.startswith("the last token of okta ends in 2d")


def test_a_source_that_was_never_used(doctor, db: Database, okta: int):
    change(db, sa.update(Token).values(last_used_at=None))
    assert doctor("okta", "--url", NOBODY)["source.used"] == (
        "okta was never used: the provider has not called yet",
        "check in Okta: Provisioning, Integration: base URL and token, then Test API Credentials; and Assignments",
    )


def test_entra_that_comes_no_more(doctor, db: Database):
    add(db, "entra")
    change(db, sa.update(Token).values(last_used_at=NOW - timedelta(days=2)))
    saw, advice = doctor("entra", "--url", NOBODY)["source.used"]
    assert saw.startswith("entra was last used 2d")
    assert "in quarantine" in advice


def test_members_whom_nobody_knows(doctor, db: Database, okta: int):
    group = {"source_id": okta, "display_name": "Staff", "display_name_key": "staff", "document": {}}
    change(db, sa.insert(Group).values(**group, created_at=NOW, changed_at=NOW))
    for value, age in (("a", 2), ("b", 2), ("c", 0)):
        waits = {"group_id": 1, "value": value, "source_id": okta, "created_at": NOW - timedelta(hours=age)}
        change(db, sa.insert(PendingMember).values(**waits))
    assert doctor("okta", "--url", NOBODY)["source.members"] == (
        "2 members of groups were pushed whom nobody knows",
        "assign them to the app: Okta pushes only members that are assigned",
    )


def test_only_what_the_sources_provider_sends(run, db: Database, okta: int):
    with served(db) as url:
        checks = json.loads(run("doctor", "okta", "--json", "--url", url).stdout)["checks"]
    assert {each["name"].partition(".")[0] for each in checks} == {"source", "reach", "rfc", "okta", "engine"}


def test_it_is_said_to_people_as_well(run, db: Database, okta: int):
    shown = run("doctor", "okta", "--url", NOBODY).stdout
    assert shown.startswith("scim_bridge at http://127.0.0.1:1/scim/v2, as okta (okta) has it\n\nusers  groups")
    assert "\nreach.answers\n  saw     nobody listens at http://127.0.0.1:1/scim/v2 (Connection refused)\n" in shown
    assert "\n  do      start `scim-bridge serve`" in shown
    assert shown.endswith("\n1 finding\n")
    assert "source.token" in run("doctor", "okta", "--url", NOBODY, "--verbose").stdout
