"""``snapshot`` and ``plan --snapshot``: the same plan on a machine without database, network or credentials."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from plan_kit import company

from scim_bridge.db import Base, Database
from scim_bridge.directory import sources
from scim_bridge.engine.snapshot import KEPT, LEFT_OUT


@pytest.fixture
def acme(db: Database, folder: Path) -> Database:
    company(db, folder)
    return db


@pytest.fixture
def snapshot(run, acme: Database) -> Path:
    """``s.json`` of the company."""
    assert run("snapshot", "--out", "s.json").exit_code == 0
    return Path("s.json")


def _plan(text: str) -> dict[str, object]:
    plan = json.loads(text)
    return {name: value for name, value in plan.items() if name not in ("made_at", "revision")}


def test_it_plans_the_same_without_a_database(run, acme: Database, snapshot: Path):
    at_home = _plan(run("plan", "acme", "--json").stdout)
    acme.close()
    Path("scim_bridge.db").unlink()
    away = run("plan", "acme", "--snapshot", "s.json", "--mappings", "mappings", "--json")
    assert away.stderr == ""
    assert _plan(away.stdout) == at_home
    assert not Path("scim_bridge.db").exists()


def test_it_plans_by_changed_files(run, snapshot: Path, folder: Path):
    file = folder / "mappings" / "acme.yaml"
    file.write_text(file.read_text().replace("Misspelt", "Staff"))
    assert "+ invite as admin" in run("plan", "--snapshot", "s.json").stdout


def test_a_hub_whose_file_is_new_is_planned_and_one_whose_file_is_gone_is_named(run, snapshot: Path, folder: Path):
    file = folder / "mappings" / "acme.yaml"
    (folder / "mappings" / "beta.yaml").write_text(file.read_text().replace("org: acme", "org: beta"))
    file.unlink()
    result = run("plan", "--snapshot", "s.json")
    assert result.stdout.startswith("beta: mode plan, ")
    assert "+ invite as member" in result.stdout
    assert "warning: hub beta is new\n" in result.stderr
    assert "warning: hub acme is detached: it has no file; its seats stay\n" in result.stderr


def test_a_file_that_means_another_tenant_is_refused(run, snapshot: Path, folder: Path):
    file = folder / "mappings" / "acme.yaml"
    file.write_text(file.read_text().replace("org: acme", "org: other"))
    result = run("plan", "--snapshot", "s.json")
    assert result.exit_code != 0
    assert "hub acme was another tenant before (github" in result.stderr


def test_two_snapshots_of_one_state_differ_in_their_first_line_alone(run, snapshot: Path):
    run("snapshot", "--out", "again.json")
    assert snapshot.read_text().splitlines()[1:-1] == Path("again.json").read_text().splitlines()[1:-1]


def test_every_table_is_either_kept_or_left_out_on_purpose() -> None:
    kept = {table.__tablename__ for table in KEPT}
    assert kept | LEFT_OUT == set(Base.metadata.tables)
    assert not kept & LEFT_OUT


def test_no_secret_is_in_it(run, acme: Database):
    now = acme.clock.now()
    with acme.write() as tx:
        token = sources.new_token(tx, 1, now=now)
        stored = tx.execute(sa.text("SELECT public_id, secret_hash FROM tokens")).all()
        document = {"userName": "ana@acme.example", "password": "hunter2", "x": {"apiToken": "t0p"}, "nickName": "Ann"}
        tx.execute(sa.text("UPDATE users SET document = :d WHERE id = 1"), {"d": json.dumps(document)})
        tx.execute(sa.text("UPDATE sources SET networks = '[\"10.1.2.0/24\"]', tenant_id = 'ten-ant'"))
    run("snapshot", "--out", "s.json")
    text = Path("s.json").read_text()
    secrets = [token, *(each for row in stored for each in row), "hunter2", "t0p", "10.1.2.0", "ten-ant"]
    assert [secret for secret in secrets if secret in text] == []
    assert "Ann" in text


def test_it_is_for_nobody_else(snapshot: Path):
    assert snapshot.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(lambda text: "", "cut off: its last line is missing", id="empty"),
        pytest.param(
            lambda text: text[: len(text) // 2].rpartition("\n")[0] + "\n", "its last line", id="cut-at-a-line"
        ),
        pytest.param(lambda text: text[: len(text) // 2], "cut off in the middle of a line", id="cut-in-a-line"),
        pytest.param(lambda text: text.replace("ana@", "eve@"), "was changed after it was made", id="edited"),
        pytest.param(lambda text: "app: github\n", "no snapshot of scim-bridge", id="yaml"),
        pytest.param(lambda text: '{"format": "scim-bridge plan"}\n', "no snapshot of scim-bridge", id="a-plan"),
        pytest.param(
            lambda text: text.replace('"version":1', '"version":2', 1), "of another scim-bridge", id="version"
        ),
        pytest.param(lambda text: text.replace('["users"', '["losers"', 1), "was changed", id="unknown-table"),
    ],
)
def test_a_file_that_is_no_whole_snapshot_is_refused(run, snapshot: Path, spoil, message: str):
    Path("bad.json").write_text(spoil(snapshot.read_text()))
    result = run("plan", "--snapshot", "bad.json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert "bad.json" in result.stderr


def test_a_missing_snapshot_is_a_usage_error(run, folder: Path):
    result = run("plan", "--snapshot", "none.json")
    assert (result.exit_code, "none.json cannot be read" in result.stderr) == (2, True)


def test_wrong_mapping_files_are_told_with_their_place(run, snapshot: Path, folder: Path):
    (folder / "mappings" / "acme.yaml").write_text("app: githbu\n")
    result = run("plan", "--snapshot", "s.json")
    assert result.exit_code != 0
    assert "mappings/acme.yaml:1:" in result.stderr


def test_a_plan_from_a_snapshot_can_be_applied_at_home(run, acme: Database, snapshot: Path):
    assert run("plan", "--snapshot", "s.json", "--out", "plan.json").exit_code == 0
    assert run("apply", "--from", "plan.json").stdout.startswith("acme: 3 changes for 2 people")
