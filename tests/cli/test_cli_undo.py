"""``undo`` at the command line: the plan first, then only what was agreed to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from test_cli_with_engine import ana, bridge, github

from adapters.github.simulator import GithubSimulator
from scim_bridge.db import Database
from scim_bridge.engine.tables import Task

__all__ = ["ana", "bridge", "github"]


def emails(github: GithubSimulator) -> list[str]:
    return [account["email"] for account in github.state()["accounts"] if account["email"]]


@pytest.fixture
def applied(bridge: str, ana: None, run) -> dict[str, Any]:
    """Ana was invited by an apply; what it printed."""
    return json.loads(run("apply", "acme", "--json").stdout)["applied"]


def test_without_a_word_it_only_shows_what_it_would_do(applied: dict[str, Any], github: GithubSimulator, run):
    result = run("undo", applied["run"])
    assert result.exit_code == 0
    assert f"to undo {applied['run']}: 1 change\n" in result.stdout
    assert "cancel invitation" in result.stdout
    assert "nothing was changed: `--yes` carries it out\n" in result.stdout
    assert emails(github) == ["ana@acme.example"]


def test_yes_carries_it_out_and_names_the_run(applied: dict[str, Any], github: GithubSimulator, run):
    result = run("undo", applied["run"], "--yes", "--json")
    found = json.loads(result.stdout)
    assert [(one["action"], one["undoes"]) for one in found["changes"]] == [("cancel_invitation", 1)]
    assert emails(github) == []
    listed = json.loads(run("tasks", "list", "--run", found["run"], "--json").stdout)
    assert [(one["action"], one["state"]) for one in listed] == [("invite", "held"), ("cancel_invitation", "done")]
    assert result.exit_code == 3
    assert run("plan", "acme").exit_code == 3


def test_undone_twice_says_that_there_is_nothing(applied: dict[str, Any], run):
    run("undo", applied["run"], "--yes")
    result = run("undo", applied["run"], "--yes")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "does not come back:" in result.stdout
    assert result.stdout.endswith("there is nothing to undo\n")


def test_a_stretch_of_time_is_undone(applied: dict[str, Any], github: GithubSimulator, run):
    run("undo", "--hub", "acme", "--since", "1h", "--yes")
    assert emails(github) == []


def test_the_run_is_in_the_audit_and_in_the_list(applied: dict[str, Any], run):
    entries = json.loads(run("audit", "list", "--hub", "acme", "--json").stdout)
    runs = {entry["action"]: entry["detail"]["run"] for entry in entries if "run" in (entry["detail"] or {})}
    assert runs == {"hub.applied": applied["run"], "seat.invited": applied["run"]}
    assert f" {applied['run']} " in run("tasks", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param([], "name a RUN (r12) or a TASK (34)", id="nothing"),
        pytest.param(["--since", "2h"], "name a RUN (r12) or a TASK (34)", id="no-hub"),
        pytest.param(["r1", "--since", "2h"], "not both", id="both"),
        pytest.param(["r7"], "no run r7", id="unknown-run"),
        pytest.param(["7"], "no task 7", id="unknown-task"),
        pytest.param(["seven"], '"seven" is neither a run nor a task', id="no-number"),
        pytest.param(["r7", "--hub", "acne"], "no hub acne", id="unknown-hub"),
        pytest.param(["--hub", "acne", "--since", "2h"], "no hub acne", id="unknown-hub-since"),
        pytest.param(["--hub", "acne", "--since", "soon"], "soon", id="no-duration"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(run, db: Database, arguments: list[str], words: str):
    result = run("undo", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_a_run_list_needs_a_runs_name(run, db: Database):
    assert run("tasks", "list", "--run", "12").exit_code == 2


def test_what_was_never_done_is_told(applied: dict[str, Any], folder: Path, run):
    db = Database(f"sqlite:///{folder}/scim_bridge.db")
    with db.write() as tx:
        tx.execute(sa.update(Task).values(state="held"))
    db.close()
    result = run("undo", "1")
    assert result.exit_code == 1
    assert result.stderr == (
        "scim-bridge: task 1 is held, not done: there is nothing to take back; "
        "`scim-bridge tasks list` shows what it waits for\n"
    )
