"""Revisions by commands and by a real ``serve``, on both databases."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from databases import postgresql_database

from scim_bridge.db import Database
from scim_bridge.hubs.tables import Hub
from scim_bridge.mapping import revisions

MAPPING = """\
app: github
connect: {org: acme, token: "env:GITHUB_TOKEN", api_url: "http://127.0.0.1:9"}
roles: [admin, member]
grants:
  - {name: engineers, group: Engineering, role: member}
"""
MORE = MAPPING + "  - {name: owners, group: Owners, role: admin}\n"
WRONG = MAPPING + "  - {name: owners, group: Owners, role: owner}\nchek: 1h\n"


@pytest.fixture(params=["sqlite", "postgresql"])
def db(
    request: pytest.FixtureRequest,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    migrated_sqlite: Path,
) -> Iterator[Database]:
    """The database that commands and processes in the working directory use."""
    if request.param == "sqlite":
        shutil.copy(migrated_sqlite, folder / "scim_bridge.db")
        database = Database(f"sqlite:///{folder}/scim_bridge.db")
        yield database
        database.close()
        return
    with postgresql_database(request.getfixturevalue("migrated_postgresql")) as url:
        monkeypatch.setenv("SCIM_BRIDGE_DATABASE_URL", url.replace("+psycopg", ""))
        database = Database(url)
        yield database
        database.close()


@pytest.fixture
def file(folder: Path) -> Path:
    """The one mapping file."""
    path = folder / "mappings" / "acme.yaml"
    path.write_text(MAPPING)
    return path


def in_force(db: Database) -> tuple[int, str, str | None]:
    """Revision, who, and the text of its one file."""
    with db.read() as tx:
        ref = revisions.in_force(tx)
    return (ref.id, ref.actor, next(iter(ref.files.values()), None)) if ref else (0, "", None)


def awaited(db: Database, text: str, *, within_s: float = 20.0) -> None:
    """Wait until ``text`` is in force."""
    begun_s = time.monotonic()
    while in_force(db)[2] != text:
        assert time.monotonic() < begun_s + within_s, in_force(db)
        time.sleep(0.02)


def listening(process: subprocess.Popen[str]) -> str:
    """The URL, once it listens."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("scim_bridge is listening on "), process.communicate()[1]
    return line.rpartition(" ")[2].strip()


# Commands


def test_publish_says_what_changes_and_puts_it_in_force(run, db: Database, file: Path):
    first = run("mapping", "publish")
    assert (first.exit_code, first.stdout) == (
        0,
        "acme: added; gathers changes until `scim-bridge apply acme`\n"
        "  + rule engineers\n"
        "revision 1 is in force\n"
        "who gains and loses by it: `scim-bridge plan HUB`\n",
    )
    file.write_text(MORE + "safety: {settle: 5s}\n")
    assert run("mapping", "publish").stdout == (
        "acme: changed\n"
        "  + rule owners\n"
        "  ~ safety\n"
        "revision 2 is in force\n"
        "who gains and loses by it: `scim-bridge plan HUB`\n"
    )
    assert in_force(db)[:2] == (2, in_force(db)[1])
    assert in_force(db)[1].startswith("cli:")


def test_publish_of_what_is_in_force(run, db: Database, file: Path):
    run("mapping", "publish")
    again = run("mapping", "publish")
    assert (again.exit_code, again.stdout) == (0, "these files are in force already\n")
    assert json.loads(run("mapping", "publish", "--json").stdout)["is_new"] is False


def test_a_comment_alone_is_a_revision_that_changes_nobody(run, db: Database, file: Path):
    run("mapping", "publish")
    file.write_text("# hm\n" + MAPPING)
    assert run("mapping", "publish").stdout == (
        "no hub or rule changes: only places, comments or spelling\nrevision 2 is in force\n"
    )


def test_a_dry_run_changes_nothing(run, db: Database, file: Path):
    run("mapping", "publish")
    file.write_text(MORE)
    tried = run("mapping", "publish", "--dry-run")
    assert (tried.exit_code, tried.stdout) == (
        0,
        "acme: changed\n  + rule owners\nrevision 2 would be in force\n",
    )
    assert in_force(db)[2] == MAPPING


def test_publish_refuses_an_invalid_set_with_every_finding(run, db: Database, file: Path):
    run("mapping", "publish")
    file.write_text(WRONG)
    refused = run("mapping", "publish")
    assert refused.exit_code == 1
    assert "error: mappings/acme.yaml:6:41: there is no role" in refused.stdout
    assert "error: mappings/acme.yaml:7:1: `mapping` has no key `chek`" in refused.stdout
    assert refused.stdout.endswith("mappings: 2 errors, nothing was changed\n")
    assert len(json.loads(run("mapping", "publish", "--json").stdout)["findings"]) == 2
    assert in_force(db)[0] == 1


def test_publish_of_another_folder_names_its_files_as_they_can_be_opened(run, db: Database, folder: Path):
    (folder / "deep" / "rules").mkdir(parents=True)
    (folder / "deep" / "rules" / "acme.yaml").write_text(WRONG)
    assert "error: deep/rules/acme.yaml:7:1: " in run("mapping", "publish", "deep/rules").stdout
    (folder / "deep" / "rules" / "acme.yaml").write_text(MAPPING)
    assert run("mapping", "publish", "deep/rules").exit_code == 0
    assert list(json.loads(run("mapping", "show", "--json").stdout)["files"]) == ["rules/acme.yaml"]


def test_publish_refuses_another_tenant_under_a_known_name(run, db: Database, file: Path):
    run("mapping", "publish")
    file.write_text(MAPPING.replace("org: acme", "org: other"))
    for options in ([], ["--dry-run"]):
        refused = run("mapping", "publish", *options)
        assert refused.exit_code == 1
        assert "hub acme was another tenant before" in refused.stdout


def test_publish_of_a_folder_that_is_not_there(run, db: Database):
    refused = run("mapping", "publish", "nowhere")
    assert refused.exit_code == 1
    assert refused.stdout.startswith("error: nowhere:1:1: the folder cannot be read: No such file or directory")


def test_rollback_puts_the_earlier_files_in_force(run, db: Database, file: Path):
    run("mapping", "publish")
    file.write_text(MORE)
    run("mapping", "publish")
    assert run("mapping", "rollback", "--dry-run").stdout == (
        "acme: changed\n  - rule owners\nrevision 3 would be in force, with the files of revision 1\n"
    )
    assert in_force(db)[0] == 2
    back = run("mapping", "rollback")
    assert (back.exit_code, back.stdout) == (
        0,
        "acme: changed\n"
        "  - rule owners\n"
        "revision 3 is in force, with the files of revision 1\n"
        "the files in the folder count again from their next change on: mend them there, too\n"
        "who gains and loses by it: `scim-bridge plan HUB`\n",
    )
    assert in_force(db)[::2] == (3, MAPPING)
    assert json.loads(run("audit", "list", "--json").stdout)[-1]["action"] == "mapping.rolled_back"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["rollback"], "there is no revision before 1; `scim-bridge mapping list` shows all; name one"),
        (["rollback", "1"], "revision 1 is in force; name another: `scim-bridge mapping list`"),
        (["rollback", "9"], "there is no revision 9; `scim-bridge mapping list` shows all"),
        (["show", "9"], "there is no revision 9; `scim-bridge mapping list` shows all"),
        (["show", "1", "acm"], 'revision 1 has no hub "acm"; did you mean "acme"?'),
        (["diff", "1", "9"], "there is no revision 9; `scim-bridge mapping list` shows all"),
    ],
    ids=" ".join,
)
def test_revisions_that_are_not_there(run, db: Database, file: Path, arguments: list[str], line: str):
    run("mapping", "publish")
    refused = run("mapping", *arguments)
    assert (refused.exit_code, refused.stderr) == (2, f"scim-bridge: {line}\n")


@pytest.mark.parametrize("arguments", [["rollback", "x"], ["show", "0"], ["diff", "1.5"], ["rollback", "9" * 30]])
def test_what_is_no_number_is_wrong_usage(run, db: Database, file: Path, arguments: list[str]):
    run("mapping", "publish")
    assert run("mapping", *arguments).exit_code == 2


@pytest.mark.parametrize("command", ["rollback", "show", "diff"])
def test_before_the_first_revision(run, db: Database, command: str):
    refused = run("mapping", command)
    assert (refused.exit_code, refused.stderr) == (
        2,
        "scim-bridge: no revision is in force; `scim-bridge mapping publish` makes the first\n",
    )


def test_a_revision_that_is_not_valid_any_more_is_refused_with_its_findings(run, db: Database, file: Path):
    with db.write() as tx:
        revisions.publish(tx, {"mappings/acme.yaml": WRONG}, actor="engine", now=db.clock.now())
    run("mapping", "publish")
    refused = run("mapping", "rollback", "1")
    assert refused.exit_code == 1
    assert "there is no role" in refused.stdout
    assert refused.stdout.endswith("revision 1 is not valid any more: 2 errors, nothing was changed\n")
    assert in_force(db)[::2] == (2, MAPPING)


def test_the_list_shows_who_when_and_which_commit(run, db: Database, folder: Path, file: Path):
    run("mapping", "publish")
    for arguments in (["init", "-q"], ["add", "mappings"], ["commit", "-qm", "one"]):
        who = ["-c", "user.name=Ops", "-c", "user.email=ops@acme.example", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=folder, check=True)
    file.write_text(MORE)
    run("mapping", "publish")
    subprocess.run(["git", "checkout", "-q", "mappings"], cwd=folder, check=True)
    run("mapping", "publish")
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True)
    found = json.loads(run("mapping", "list", "--json").stdout)
    assert [(each["revision"], each["commit"], each["is_dirty"]) for each in found] == [
        (3, head.stdout.strip(), False),
        (2, head.stdout.strip(), True),
        (1, None, None),
    ]
    shown = run("mapping", "list")
    assert f"{head.stdout[:12]}+" in shown.stdout
    assert "in force" in shown.stdout.splitlines()[1]
    assert shown.stderr == "+ the files were not, or not all, what the commit has\n"
    file.write_text(MAPPING + "# hm\n")
    run("mapping", "publish")
    run("mapping", "rollback", "2")
    assert run("mapping", "list").stdout.splitlines()[1].rstrip().endswith("in force, 2 again")


def test_show_gives_a_file_back_as_it_was(run, db: Database, file: Path):
    run("mapping", "publish")
    assert run("mapping", "show", "1", "acme").stdout == MAPPING
    shown = run("mapping", "show").stdout
    assert shown.startswith("# revision 1 (in force)\n")
    assert shown.endswith(f"\n# mappings/acme.yaml\n{MAPPING}")


def test_diff_of_revisions_and_of_the_folder(run, db: Database, file: Path):
    run("mapping", "publish")
    same = run("mapping", "diff")
    assert (same.exit_code, same.stdout, same.stderr) == (0, "", "no difference: revision 1 and on disk\n")
    file.write_text(MORE)
    added = "+  - {name: owners, group: Owners, role: admin}\n"
    assert run("mapping", "diff").stdout.endswith(added)
    run("mapping", "publish")
    assert run("mapping", "diff", "1", "2").stdout.startswith(
        "--- mappings/acme.yaml\trevision 1\n+++ mappings/acme.yaml\trevision 2\n"
    )
    assert run("mapping", "diff", "2", "1").stdout.endswith(added.replace("+", "-", 1))
    assert run("mapping", "diff", "1").stdout.endswith(added)


# Processes


def test_two_processes_that_publish_at_once_make_one_revision(start, db: Database, file: Path):
    publishing = [start("mapping", "publish") for _ in range(3)]
    said = sorted(process.communicate(timeout=60)[0].splitlines()[-1] for process in publishing)
    assert [process.returncode for process in publishing] == [0, 0, 0]
    assert said[0] == said[1] == "these files are in force already"
    assert in_force(db)[0] == 1


def test_serve_publishes_a_valid_change_within_two_seconds(start, db: Database, file: Path):
    bridge = start("serve", "--port", "0")
    listening(bridge)
    assert published(bridge)[0] == 1
    written_at = datetime.now(UTC)
    file.write_text(MORE)
    revision, at = published(bridge)
    assert at - written_at < timedelta(seconds=2)
    assert in_force(db) == (revision, "engine", MORE)


def published(process: subprocess.Popen[str], *, within_s: float = 60.0) -> tuple[int, datetime]:
    """Wait until the log says that a revision was published: its number, and when that was committed."""
    assert process.stderr is not None
    watchdog = threading.Timer(within_s, process.kill)  # ends the log
    watchdog.start()
    try:
        for line in process.stderr:
            entry = json.loads(line)
            if entry["event"] == "mapping.published":
                return entry["revision"], datetime.fromisoformat(entry["at"])
    finally:
        watchdog.cancel()
    raise AssertionError("nothing was published")


def test_serve_keeps_the_last_good_set_and_says_so(start, run, db: Database, file: Path):
    listening(start("serve", "--port", "0"))
    awaited(db, MAPPING)
    file.write_text(WRONG)
    until_s = time.monotonic() + 20
    while True:
        with db.read() as tx:
            if revisions.trouble(tx):
                break
        assert time.monotonic() < until_s
        time.sleep(0.02)
    assert in_force(db)[2] == MAPPING


def test_serve_with_rules_in_force_that_this_version_refuses(start, run, db: Database, file: Path):
    """As after an upgrade: what was taken once is not valid any more. Nothing breaks, and a valid set heals it."""
    with db.write() as tx:
        old = {"mappings/acme.yaml": MAPPING.replace("[admin, member]", "[admin, member, dean]")}
        revisions.publish(tx, old, actor="cli:eve", now=db.now())
        hub = {"id": "acme", "app": "github", "tenant": "http://127.0.0.1:9|acme", "mode": "live"}
        tx.execute(sa.insert(Hub).values(created_at=db.now(), **hub))
    token = json.loads(run("source", "add", "okta", "--kind", "okta", "--json").stdout)["token"]
    url = listening(start("serve", "--port", "0", WATCH_MAPPINGS="off"))
    rules = mappings_of(url, "degraded")
    assert rules["finding"].startswith('mappings/acme.yaml:3:24: the app has no role "dean"')
    assert "scim-bridge mapping publish" in rules["way_out"]
    shown = run("status")
    assert shown.exit_code == 1
    assert 'mappings in force: mappings/acme.yaml:3:24: the app has no role "dean"' in shown.stdout
    assert requests.get(f"{url}/health/ready", timeout=10).status_code == 200
    user = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ana@acme.example"}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
    assert requests.post(f"{url}/scim/v2/Users", json=user, headers=headers, timeout=10).status_code == 201
    assert run("mapping", "publish").exit_code == 0
    assert mappings_of(url, "ok")["revision"] == 2


def mappings_of(url: str, state: str, *, within_s: float = 20.0) -> dict[str, Any]:
    """What ``/status`` says of the rules, once their state is this one."""
    until_s = time.monotonic() + within_s
    while True:
        found: dict[str, Any] = requests.get(f"{url}/status", timeout=10).json()["components"]["mappings"]
        if found["state"] == state:
            return found
        assert time.monotonic() < until_s, found
        time.sleep(0.05)


def test_a_rollback_stays_beside_a_running_serve_and_over_its_restart(start, run, db: Database, file: Path):
    bridge = start("serve", "--port", "0")
    listening(bridge)
    awaited(db, MAPPING)
    file.write_text(MORE)
    awaited(db, MORE)
    assert run("mapping", "rollback").exit_code == 0
    bridge.terminate()
    bridge.communicate(timeout=60)
    assert in_force(db)[2] == MAPPING
    listening(start("serve", "--port", "0"))
    other = file.with_name("beta.yaml")
    other.write_text("app: nowhere\n")  # what the new process says of it shows that it has looked at the folder
    until_s = time.monotonic() + 20
    while True:
        with db.read() as tx:
            if revisions.trouble(tx):
                break
        assert time.monotonic() < until_s
        time.sleep(0.02)
    assert in_force(db)[2] == MAPPING
    other.unlink()
    file.write_text(MORE + "# again\n")
    awaited(db, MORE + "# again\n")


def test_serve_without_the_watch_leaves_publishing_to_the_command(start, run, db: Database, file: Path):
    with db.write() as tx:  # the engine's first sweep takes this away, and would have published then
        revisions.note_trouble(tx, [], db.clock.now())
    listening(start("serve", "--port", "0", WATCH_MAPPINGS="off"))
    until_s = time.monotonic() + 20
    while True:
        with db.read() as tx:
            if revisions.trouble(tx) is None:
                break
        assert time.monotonic() < until_s
        time.sleep(0.02)
    assert in_force(db)[0] == 0
    assert run("mapping", "publish").exit_code == 0
    assert in_force(db)[2] == MAPPING
