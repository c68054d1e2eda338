"""Rows in a terminal: a table where it can be read, else blocks; in a pipe always a table."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from test_cli_commands import add_hub

from scim_bridge.cli.show import print_table
from scim_bridge.db import Database
from scim_bridge.hubs.tables import AccountRow, Hub

COLUMNS = ["hub", "person", "why"]
WHY = "`safety.unmanaged: hold`: the account was made by hand, and no rule gives anybody a seat by it"


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """``shown(80, columns, row, ...)``: the lines, as wide as they are, blanks at their ends left out."""

    def shown(width: int, columns: list[str], *rows: tuple[object, ...]) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        print_table(columns, rows, empty="nothing")
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= width
        return [line.rstrip() for line in lines]

    return shown


def test_what_fits_is_a_table(shown):
    assert shown(30, COLUMNS, ("acme", "ana", None), ("globex", "bo", "asked")) == [
        "hub     person  why",
        "acme    ana     -",
        "globex  bo      asked",
    ]


def test_one_column_may_wrap_between_words(shown):
    assert shown(80, COLUMNS, ("acme", "ana", WHY)) == [
        "hub   person  why",
        "acme  ana     `safety.unmanaged: hold`: the account was made by hand, and no",
        "              rule gives anybody a seat by it",
    ]


def test_where_two_would_have_to_wrap_each_row_is_a_block(shown):
    assert shown(60, COLUMNS, ("acme", "christopher-alexander@acme.example", WHY), ("globex", None, "asked")) == [
        "hub acme",
        "  person: christopher-alexander@acme.example",
        "  why: `safety.unmanaged: hold`: the account was made by",
        "    hand, and no rule gives anybody a seat by it",
        "",
        "hub globex",
        "  why: asked",
    ]


def test_short_cells_share_a_line(shown):
    columns = ["task", "run", "hub", "person", "action", "what"]
    assert shown(40, columns, (12, "r2", "acme", "p3", "invite", "seat of christopher-alexander")) == [
        "task 12",
        "  run: r2   hub: acme   person: p3",
        "  action: invite",
        "  what: seat of christopher-alexander",
    ]


def test_the_head_is_the_first_cell_that_says_anything(shown):
    assert shown(20, COLUMNS, (None, "christopher-alexander", "asked"))[0] == "person"
    assert shown(20, COLUMNS, (None, None, ""), ("acme", "christopher-alexander", None))[0] == "hub -"


def test_in_a_pipe_it_is_a_table_whatever_its_width(monkeypatch, capsys):
    monkeypatch.delenv("COLUMNS", raising=False)
    print_table(COLUMNS, [("acme", "christopher-alexander@acme.example", WHY)], empty="nothing")
    assert capsys.readouterr().out.splitlines()[1].startswith("acme  christopher-alexander@acme.example  `safety.")


def test_the_status_of_several_hubs_in_trouble_is_readable_in_80_columns(run, db: Database, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    now = db.clock.now()
    error = "the app says 403: the installation of the app may not read members; grant it Members: read"
    add_hub(db, mode="live", attention=error, attention_at=now, probe_at=now + timedelta(minutes=4))
    with db.write() as tx:
        values = {"id": "github-globex-international", "app": "github", "tenant": "globex", "mode": "live"}
        doubt = {"doubt_kind": "shrunken", "doubt": "it showed 3 accounts, the last trusted one 9", "doubt_at": now}
        tx.execute(sa.insert(Hub).values(**values, **doubt, created_at=now))
        for number, person in enumerate((None, None)):
            row = {"hub_id": values["id"], "ref": str(number), "status": "active", "person_id": person}
            tx.execute(sa.insert(AccountRow).values(**row, first_seen_at=now, seen_at=now))
    lines = run("status").stdout.splitlines()
    text = "\n".join(lines)
    assert max(map(len, lines)) <= 80
    assert "hub acme\n  state: needs_attention\n" in text
    assert "  last error: the app says 403: the installation of the app may not read\n    members; grant it" in text
    assert "hub github-globex-international\n  state: live   accounts: 2 unmatched, 2 unmanaged\n" in text
    assert "github-globex-international is untrusted: it showed 3 accounts" in text
