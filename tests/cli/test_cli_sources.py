"""``source``: tokens are shown once, change without a gap, and a source that was shut out can be let in again."""

from __future__ import annotations

import json
from datetime import timedelta

from scim_bridge.db import Database
from scim_bridge.directory import sources


def test_source_add_prints_base_url_and_a_token_that_works(run, db: Database):
    made = json.loads(
        run("source", "add", "okta", "--kind", "okta", "--json", BASE_URL="https://bridge.example").stdout
    )
    assert made["base_url"] == "https://bridge.example/scim/v2"
    with db.write() as tx:
        source = sources.authenticate(tx, made["token"], db.clock.now())
    assert source is not None
    assert (source.name, source.kind, source.joins) == ("okta", "okta", True)


def test_a_source_that_is_there_already_is_refused(run, db: Database):
    run("source", "add", "okta", "--kind", "okta")
    again = run("source", "add", "okta", "--kind", "okta")
    assert again.exit_code == 1
    assert "okta" in again.stderr


def test_rotate_leaves_the_old_token_for_a_day_and_revoke_ends_all(run, db: Database):
    old = json.loads(run("source", "add", "okta", "--kind", "okta", "--json").stdout)["token"]
    new = json.loads(run("source", "rotate", "okta", "--json").stdout)["token"]
    now = db.clock.now()
    with db.write() as tx:
        assert sources.authenticate(tx, old, now + timedelta(hours=23)) is not None
        assert sources.authenticate(tx, old, now + timedelta(hours=25)) is None
        assert sources.authenticate(tx, new, now + timedelta(hours=25)) is not None
    assert run("source", "revoke", "okta").exit_code == 0
    with db.write() as tx:
        assert sources.authenticate(tx, new, db.clock.now()) is None


def test_a_disabled_source_is_enabled_again_with_its_old_token(run, db: Database):
    token = json.loads(run("source", "add", "okta", "--kind", "okta", "--json").stdout)["token"]
    assert "`scim-bridge source enable okta`" in run("source", "disable", "okta").stdout
    refused = run("source", "rotate", "okta")
    assert (refused.exit_code, refused.stderr) == (
        1,
        "scim-bridge: source okta is disabled; `scim-bridge source enable okta` first\n",
    )
    assert run("source", "enable", "okta").stdout == "okta is enabled\n"
    with db.read() as tx:
        found = sources.authenticate(tx, token, db.clock.now())
    assert found is not None
    assert not found.is_disabled
    actions = [entry["action"] for entry in json.loads(run("audit", "list", "--json").stdout)]
    assert actions[-2:] == ["source.disabled", "source.enabled"]


def test_a_source_that_is_not_there_cannot_be_enabled(run, db: Database):
    assert run("source", "enable", "okat").exit_code == 2


def test_source_list_never_shows_a_secret(run, db: Database):
    token = json.loads(run("source", "add", "okta", "--kind", "okta", "--json").stdout)["token"]
    listed = run("source", "list", "--json").stdout + run("source", "list").stdout
    assert token.rpartition("-")[2] not in listed
    assert json.loads(run("source", "list", "--json").stdout)[0]["name"] == "okta"
