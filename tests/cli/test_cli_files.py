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


FAULTY = 'app: github\nconnect: {org: acme, token: "env:T"}\nroles: [admin]\ngrants: []\nchek: 1h\n'


def test_lint_of_named_files_checks_them_together(run, folder: Path):
    good = FAULTY.replace("chek", "check")
    (folder / "mappings" / "one.yaml").write_text(good)
    (folder / "mappings" / "two.yaml").write_text(good)
    (folder / "mappings" / "three.yaml").write_text(FAULTY)
    assert run("mapping", "lint", "mappings/one.yaml").stdout == "mappings/one.yaml: 1 hub, no errors\n"
    both = run("mapping", "lint", "mappings/one.yaml", "mappings/two.yaml")
    assert both.exit_code == 1
    assert both.stdout.startswith(
        "error: mappings/two.yaml:1:1: mappings/one.yaml connects the same github tenant "
        '"https://api.github.com|acme"; '
        "one tenant is one hub: put the rules into one file\n"
    )


def test_lint_of_a_file_and_its_folder_checks_it_once(run, folder: Path):
    (folder / "mappings" / "one.yaml").write_text(FAULTY.replace("chek", "check"))
    result = run("mapping", "lint", "mappings", "mappings/one.yaml", f"{folder}/mappings/one.yaml")
    assert (result.exit_code, result.stdout.rpartition(": ")[2]) == (0, "1 hub, no errors\n")


def test_lint_of_a_file_that_is_not_there_still_checks_the_others(run, folder: Path):
    (folder / "mappings" / "acme.yaml").write_text(FAULTY)
    result = run("mapping", "lint", "gone.yaml", "mappings/acme.yaml", "away")
    assert result.exit_code == 1
    assert [line.partition(";")[0] for line in result.stdout.splitlines()] == [
        "error: away:1:1: the folder cannot be read: No such file or directory",
        "error: gone.yaml:1:1: the file cannot be read: No such file or directory",
        "error: mappings/acme.yaml:5:1: `mapping` has no key `chek`",
        "gone.yaml mappings/acme.yaml away: 3 errors",
    ]


def test_lint_for_github_is_workflow_commands(run, folder: Path):
    (folder / "mappings" / "a,b:50%.yaml").write_text(FAULTY)
    (folder / "mappings" / "acme.yaml").write_text('app: github\nroles: ["100%\\r\\n"]\ngrants: []\n')
    result = run("mapping", "lint", "--format", "github")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert (
        "::error file=mappings/a%2Cb%3A50%25.yaml,line=5,col=1,title=mapping error::"
        '`mapping` has no key `chek`; did you mean "check"?'
    ) in lines
    assert any('::the app has no role "100%25%0D%0A"; ' in line for line in lines)


def test_lint_shows_warnings_and_takes_the_files(run, folder: Path):
    text = FAULTY.replace("grants: []\nchek: 1h", "grants: [{name: all, group: '*', role: admin}]")
    (folder / "mappings" / "acme.yaml").write_text(text)
    result = run("mapping", "lint")
    assert result.exit_code == 0
    assert result.stdout == (
        'warning: mappings/acme.yaml:4:29: `group`: "*" is every group of every source; is that meant?\n'
        "mappings: 1 hub, no errors, 1 warning\n"
    )
    shown = run("mapping", "lint", "--format", "github").stdout
    assert shown.startswith("::warning file=mappings/acme.yaml,line=4,col=29,title=mapping warning::`group`: ")
    assert json.loads(run("mapping", "lint", "--format", "json").stdout)["ok"] is True


def test_a_form_that_lint_does_not_have_is_wrong_usage(run, folder: Path):
    assert run("mapping", "lint", "--format", "xml").exit_code == 2


def test_the_schema_is_printed_or_written_beside_the_files(run, folder: Path):
    printed = run("mapping", "schema")
    assert (printed.exit_code, json.loads(printed.stdout)["title"]) == (0, "scim_bridge mapping")
    written = run("mapping", "schema", "--out", "mappings/mapping.schema.json")
    assert written.stdout == (
        "mappings/mapping.schema.json: 1 app; the first line of a mapping beside it:\n"
        "# yaml-language-server: $schema=mapping.schema.json\n"
    )
    assert (folder / "mappings" / "mapping.schema.json").read_text() == printed.stdout
    assert run("mapping", "lint").stdout.endswith("mappings: 0 hubs, no errors, 1 warning\n")


def test_a_schema_that_cannot_be_written(run, folder: Path):
    refused = run("mapping", "schema", "--out", "nowhere/mapping.schema.json")
    assert (refused.exit_code, refused.stderr) == (
        2,
        "scim-bridge: nowhere/mapping.schema.json cannot be written: No such file or directory; "
        "name a file in a folder of yours\n",
    )
