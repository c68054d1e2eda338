"""``source``: tokens are shown once, change without a gap, and a source that was shut out can be let in again."""

from __future__ import annotations

import json
from datetime import timedelta

from scim_bridge.db import Database
from scim_bridge.directory.authentication import authenticate


def test_source_add_prints_base_url_and_a_token_that_works(run, db: Database):
    made = json.loads(
        run("source", "add", "okta", "--kind", "okta", "--json", BASE_URL="https://bridge.example").stdout
    )
    assert made["base_url"] == "https://bridge.example/scim/v2"
    with db.write() as tx:
        source = authenticate(tx, made["token"], db.clock.now())
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
        assert authenticate(tx, old, now + timedelta(hours=23)) is not None
        assert authenticate(tx, old, now + timedelta(hours=25)) is None
        assert authenticate(tx, new, now + timedelta(hours=25)) is not None
    assert run("source", "revoke", "okta").exit_code == 0
    with db.write() as tx:
        assert authenticate(tx, new, db.clock.now()) is None


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
        found = authenticate(tx, token, db.clock.now())
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


TENANT = "3f1c2a9e-0000-4000-8000-00000000000a"


def listed(run) -> dict:
    return json.loads(run("source", "list", "--json").stdout)[0]


def test_a_source_with_a_tenant_needs_no_token(run, db: Database):
    made = run("source", "add", "entra", "--kind", "entra", "--tenant-id", TENANT)
    assert "none: leave the Secret Token empty" in made.stdout
    view = listed(run)
    assert (view["tenant_id"], view["audience"], view["tokens"]) == (TENANT, "8adf8e6e-67b2-4cf2-a259-e3dc5476c621", [])
    assert f"tenant {TENANT} for 8adf8e6e" in run("source", "list").stdout


def test_a_source_with_a_wrong_tenant_is_not_added(run, db: Database):
    wrong = run("source", "add", "entra", "--kind", "entra", "--tenant-id", "acme")
    assert wrong.exit_code == 2
    assert wrong.stderr.startswith("scim-bridge: this is no tenant id; copy the Directory (tenant) ID")
    assert json.loads(run("source", "list", "--json").stdout) == []


def test_set_changes_what_holds_and_list_shows_it(run, db: Database):
    run("source", "add", "okta", "--kind", "okta")
    changed = run(
        "source",
        "set",
        "okta",
        *("--network", "198.51.100.0/24", "--network", "2001:db8::/32"),
        *("--requests-per-second", "25", "--basic", "on", "--tenant-id", TENANT, "--audience", "app-2"),
    )
    assert changed.stdout == "okta is changed; `scim-bridge source list` shows what holds\n"
    view = listed(run)
    assert view["networks"] == ["198.51.100.0/24", "2001:db8::/32"]
    assert (view["requests_per_second"], view["takes_basic"], view["audience"]) == (25, True, "app-2")
    assert "25/s, from 198.51.100.0/24, from 2001:db8::/32, HTTP basic on" in run("source", "list").stdout
    reset = ("--any-network", "--requests-per-second", "default", "--basic", "off", "--tenant-id", "none")
    assert run("source", "set", "okta", *reset).exit_code == 0
    view = listed(run)
    assert (view["networks"], view["requests_per_second"], view["takes_basic"]) == ([], None, False)
    assert (view["tenant_id"], view["audience"]) == (None, None)
    assert "1000/s" in run("source", "list").stdout


def test_set_refuses_what_makes_no_sense_and_says_what_would(run, db: Database):
    run("source", "add", "okta", "--kind", "okta")
    for arguments, words in [
        ((), "nothing to change was named; `scim-bridge source set --help` lists what can be"),
        (("--network", "10.1.2.3/8"), '"10.1.2.3/8" is no network; did you mean 10.0.0.0/8?'),
        (
            ("--network", "10.0.0.0/8", "--any-network"),
            "--network and --any-network contradict each other; leave out one of them",
        ),
        (("--requests-per-second", "fast"), '"fast" is no number of requests; use a whole number, or default'),
        (("--requests-per-second", "0"), "0 requests a second is out of range; use 1 to 1000000"),
    ]:
        refused = run("source", "set", "okta", *arguments)
        assert (refused.exit_code, refused.stderr) == (2, f"scim-bridge: {words}\n")


def test_a_client_is_made_shown_once_rotated_and_revoked(run, db: Database):
    run("source", "add", "entra", "--kind", "entra")
    made = json.loads(run("source", "client", "entra", "--json", BASE_URL="https://bridge.example").stdout)
    assert (made["base_url"], made["token_url"]) == (
        "https://bridge.example/scim/v2",
        "https://bridge.example/oauth/token",
    )
    assert made["client_secret"].startswith(f"scb-{made['client_id']}-")
    shown = run("source", "list").stdout
    assert f"client {made['client_id']} (used never)" in shown
    assert made["client_secret"] not in shown + run("source", "list", "--json").stdout
    rotated = run("source", "rotate", "entra", "--client", "--old-ends-after", "1h", "--expires-after", "90d")
    assert "the old client ends at" in rotated.stdout
    assert "The secret is shown only now." in rotated.stdout
    kinds = [token["kind"] for token in listed(run)["tokens"]]
    assert kinds == ["bearer", "client", "client"]
    assert run("source", "revoke", "entra", made["client_id"]).stdout == f"revoked {made['client_id']} of entra\n"
    assert run("source", "revoke", "entra").stdout == "revoked every token and client of entra\n"
    assert listed(run)["tokens"] == []


def test_a_token_may_be_made_to_end(run, db: Database):
    assert run("source", "add", "okta", "--kind", "okta", "--expires-after", "90d").exit_code == 0
    assert ", ends 20" in run("source", "list").stdout
    at_once = run("source", "rotate", "okta", "--expires-after", "0")
    assert (at_once.exit_code, at_once.stderr) == (
        2,
        "scim-bridge: it would end at once; give --expires-after 90d, or leave it out\n",
    )


def test_a_disabled_source_gets_no_client(run, db: Database):
    run("source", "add", "okta", "--kind", "okta")
    run("source", "disable", "okta")
    refused = run("source", "client", "okta")
    assert (refused.exit_code, refused.stderr) == (
        1,
        "scim-bridge: source okta is disabled; `scim-bridge source enable okta` first\n",
    )
