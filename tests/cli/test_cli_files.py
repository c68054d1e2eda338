"""Commands about files: the lint names what is wrong and where; a backup is whole and overwrites nothing."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from scim_bridge.db import Database


def test_lint_of_good_files_is_0(run, folder: Path):
    result = run("mapping", "lint")
    assert result.exit_code == 0
    assert "no errors" in result.stdout


def test_lint_names_files_as_the_folder_was_given(run, folder: Path, monkeypatch: pytest.MonkeyPatch):
    (folder / "mappings" / "acme.yaml").write_text("app: githbu\n")
    monkeypatch.chdir(folder / "mappings")
    assert "error: acme.yaml:1:" in run("mapping", "lint", ".").stdout
    assert f"error: {folder}/mappings/acme.yaml:1:" in run("mapping", "lint", f"{folder}/mappings").stdout


def test_lint_tells_of_a_file_that_cannot_be_read_beside_all_else(run, folder: Path):
    (folder / "mappings" / "acme.yaml").write_text("app: githbu\n")
    (folder / "mappings" / "beta.yaml").write_bytes(b"app: \xff\n")
    result = run("mapping", "lint")
    assert result.exit_code == 1
    assert 'did you mean "github"?' in result.stdout
    assert "mappings/beta.yaml:1:1: the file is not UTF-8" in result.stdout


def test_lint_prints_every_finding_and_is_1(run, folder: Path):
    (folder / "mappings" / "acme.yaml").write_text("app: githbu\nroles: [member]\ngrant: []\n")
    result = run("mapping", "lint")
    assert result.exit_code == 1
    assert "mappings/acme.yaml:1:" in result.stdout
    assert 'did you mean "github"?' in result.stdout
    findings = json.loads(run("mapping", "lint", "--json").stdout)
    assert findings["ok"] is False
    assert {(each["file"], each["line"]) for each in findings["findings"]} >= {("mappings/acme.yaml", 1)}


def test_a_backup_is_a_whole_database(run, db: Database, folder: Path):
    run("source", "add", "okta", "--kind", "okta")
    assert run("backup", "copy.db").exit_code == 0
    copy = sqlite3.connect(folder / "copy.db")
    assert copy.execute("SELECT name FROM sources").fetchall() == [("okta",)]
    copy.close()
    assert (folder / "copy.db").stat().st_mode & 0o077 == 0
    assert json.loads(run("source", "list", "--json", DATABASE_URL="sqlite:///copy.db").stdout)[0]["name"] == "okta"


def test_a_backup_never_overwrites(run, db: Database, folder: Path):
    (folder / "copy.db").write_text("mine")
    result = run("backup", "copy.db")
    assert result.exit_code == 2
    assert (folder / "copy.db").read_text() == "mine"
    assert sorted(each.name for each in folder.iterdir() if "partial" in each.name) == []


def test_a_backup_into_a_folder_that_is_not_there_names_it(run, db: Database):
    result = run("backup", "nowhere/copy.db")
    assert result.exit_code == 2
    assert result.stderr.startswith("scim-bridge: nowhere/copy.db cannot be written")
