"""``why`` and ``who`` at the command line: bad input, JSON, and lines that fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_cli_commands import add_hub, add_user
from test_cli_with_engine import ana, bridge, github

from scim_bridge.db import Database

__all__ = ["ana", "bridge", "github"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["why", "nobody@acme.example"], 'no person "nobody@acme.example"', id="unknown-person"),
        pytest.param(["why", "ana", "acne"], "no hub acne; known hubs: acme", id="unknown-hub"),
        pytest.param(["who", "acne"], "no hub acne; known hubs: acme", id="who-unknown-hub"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(run, db: Database, arguments: list[str], words: str):
    add_hub(db)
    add_user(db, "okta", "ana")
    result = run(*arguments)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert words in result.stderr


def test_two_people_of_one_name_are_listed(run, db: Database):
    add_user(db, "okta", "ana")
    add_user(db, "entra", "ana")
    result = run("why", "ana")
    assert result.exit_code == 2
    assert '"ana" is 2 people: p1 (ana, okta), p2 (ana, entra); name one by the id' in result.stderr


@pytest.mark.parametrize("command", [["why", "ana", "acme"], ["who", "acme"]], ids=["why", "who"])
def test_a_detached_hub_is_told(run, db: Database, command: list[str]):
    add_hub(db)
    add_user(db, "okta", "ana")
    result = run(*command)
    assert (result.exit_code, "hub acme is detached" in result.stderr) == (1, True)


def test_without_hubs_the_person_is_shown(run, db: Database):
    add_user(db, "okta", "ana")
    result = run("why", "ana")
    assert result.exit_code == 0
    assert result.stdout == "ana (p1)\n  ana in okta: active\nno mapping files are in force\n"


def test_who_lists_holders_with_their_rule(bridge: str, ana: None, run):
    run("apply", "acme")
    shown = run("who", "acme").stdout
    assert "ana@acme.example (p1)" in shown
    assert "engineers (mappings/acme.yaml:7)" in shown
    lines = [json.loads(line) for line in run("who", "acme", "--json").stdout.splitlines()]
    assert [(line["account"], line["thing"], line["holds"], line["should"]) for line in lines][-1] == (
        "owner1",
        "seat",
        ["admin"],
        [],
    )
    assert lines[0]["person"] == {"id": "p1", "user_name": "ana@acme.example"}
    assert lines[0]["because"] == [{"rule": "engineers", "file": "mappings/acme.yaml", "line": 7}]


def test_who_names_the_nearest_role_and_asset(bridge: str, ana: None, folder: Path, run):
    run("apply", "acme")
    assert 'did you mean "admin"?' in run("who", "acme", "admn").stderr
    assert 'did you mean "team/core"?' in run("who", "acme", "team/coer").stderr
    result = run("who", "acme", "team/core")
    assert (result.exit_code, "team/core" in result.stdout) == (0, True)
