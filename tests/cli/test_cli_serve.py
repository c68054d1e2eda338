"""``serve`` as a real process: one engine a database, a clear word for what is in the way, and no harm by kill -9."""

from __future__ import annotations

import signal
import socket
import subprocess
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa

from scim_bridge.db import Database
from scim_bridge.engine.lock import is_held


def address_of(process: subprocess.Popen[str]) -> str:
    """Wait for the line that says where it listens."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("scim_bridge is listening on "):
            return line.removeprefix("scim_bridge is listening on ").strip()
    raise AssertionError(process.communicate()[1])


def test_it_makes_a_new_database_and_says_what_to_do_next(start, folder: Path):
    bridge = start("serve", "--port", "0")
    url = address_of(bridge)
    assert bridge.stdout.readline() == f"SCIM base URL: {url}/scim/v2\n"
    assert bridge.stdout.readline() == "no identity source yet: `scim-bridge source add okta --kind okta`\n"
    assert (folder / "scim_bridge.db").exists()
    assert requests.get(f"{url}/health/ready", timeout=5).json() == {"state": "ready"}
    assert requests.get(f"{url}/status", timeout=5).json()["components"]["engine"]["runs"] is True
    assert requests.get(f"{url}/scim/v2/Users", timeout=5).status_code == 401


def test_sigterm_ends_it_well_and_gives_everything_back(start, db: Database):
    bridge = start("serve", "--port", "0")
    address_of(bridge)
    assert is_held(db)
    bridge.send_signal(signal.SIGTERM)
    _, errors = bridge.communicate(timeout=30)
    assert bridge.returncode == 0
    assert "Traceback" not in errors
    assert not is_held(db)


def test_kill_9_and_a_restart_at_once_on_the_same_port(start, folder: Path):
    first = start("serve", "--port", "0")
    url = address_of(first)
    first.kill()
    second = start("serve", "--port", url.rpartition(":")[2])
    assert address_of(second) == url
    assert requests.get(f"{url}/health/ready", timeout=5).status_code == 200


def test_a_second_engine_on_the_same_file_is_refused(start, folder: Path):
    address_of(start("serve", "--port", "0"))
    second = start("serve", "--port", "0")
    _, errors = second.communicate(timeout=30)
    assert second.returncode == 1
    assert errors.startswith("scim-bridge: another engine already runs on this database")
    assert errors.count("\n") == 1


def test_beside_it_another_may_serve_without_an_engine(start, folder: Path):
    address_of(start("serve", "--port", "0"))
    second = start("serve", "--port", "0", "--no-engine")
    assert requests.get(f"{address_of(second)}/health/ready", timeout=5).status_code == 200


def test_a_port_that_is_taken_is_named(start, folder: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        bridge = start("serve", "--port", str(port))
        _, errors = bridge.communicate(timeout=30)
    assert bridge.returncode == 1
    assert errors == f"scim-bridge: port {port} on 127.0.0.1 is taken; set PORT (or --port) to another\n"


def test_a_host_that_is_not_ours_is_a_wrong_setting(run):
    result = run("serve", "--host", "no.such.host.invalid", "--port", "0")
    assert result.exit_code == 2
    assert result.stderr.startswith('scim-bridge: HOST "no.such.host.invalid" is no address of this machine')


def test_a_database_server_that_is_away_is_named_without_its_password(run):
    result = run("serve", "--port", "0", DATABASE_URL="postgresql://bridge:pa55@127.0.0.1:1/bridge")
    assert result.exit_code == 1
    assert result.stderr == (
        "scim-bridge: the database at 127.0.0.1:1 cannot be used: Connection refused; start it, or mend DATABASE_URL\n"
    )


def test_a_folder_of_the_database_that_is_missing_is_named(run, folder: Path):
    result = run("serve", "--port", "0", DATABASE_URL="sqlite:///data/bridge.db")
    assert result.exit_code == 2
    assert result.stderr == (
        f"scim-bridge: DATABASE_URL names a file in {folder}/data, which is no folder; "
        "make the folder, or mend DATABASE_URL\n"
    )


def test_a_simulator_whose_port_is_taken_names_the_option(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("simulate", "github", "--port", str(port))
    assert result.exit_code == 1
    assert result.stderr == f"scim-bridge: port {port} on 127.0.0.1 is taken; choose another with --port\n"


def test_a_newer_schema_is_refused(run, db: Database):
    with db.write() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    result = run("serve", "--port", "0")
    assert result.exit_code == 2
    assert "the database is at revision 9999, this version needs" in result.stderr
    assert not is_held(db)


@pytest.mark.parametrize("arguments", [["serve", "--port", "many"], ["serve", "--prot", "1"]])
def test_wrong_usage_is_exit_code_2(run, arguments: list[str]):
    assert run(*arguments).exit_code == 2
