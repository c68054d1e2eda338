"""A folder of one's own with a database in it, and commands run there: inside this process, or as real ones."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from databases import migrated_postgresql, migrated_sqlite

from scim_bridge.cli.main import cli
from scim_bridge.db import Database

__all__ = ["migrated_postgresql", "migrated_sqlite"]

Run = Callable[..., Result]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: no database yet, an empty mappings folder."""
    for name in list(os.environ):
        if name.startswith("SCIM_BRIDGE_") and not name.startswith("SCIM_BRIDGE_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mappings").mkdir()
    return tmp_path


@pytest.fixture
def db(folder: Path, migrated_sqlite: Path) -> Iterator[Database]:
    """The database in the working directory, at the present schema."""
    shutil.copy(migrated_sqlite, folder / "scim_bridge.db")
    db = Database(f"sqlite:///{folder}/scim_bridge.db")
    yield db
    db.close()


@pytest.fixture
def run(folder: Path) -> Run:
    """``run("source", "list", PORT="9000")``: one command, with settings from the environment."""

    def run(*arguments: str, **settings: str) -> Result:
        environ = {f"SCIM_BRIDGE_{name}": value for name, value in settings.items()}
        return CliRunner().invoke(cli, arguments, env=environ, prog_name="scim-bridge")

    return run


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """``start("serve")``: a real process in the working directory, killed at the end of the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **settings: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "scim_bridge", *arguments],
            cwd=folder,
            env=os.environ | {f"SCIM_BRIDGE_{name}": value for name, value in settings.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
