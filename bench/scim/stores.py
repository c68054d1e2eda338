"""Where databases come from: an SQLite file each, or a database each on a PostgreSQL server.

A filled database is made once and copied for every server, so that each begins with the same rows, and none
with the traces of the one before.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import psycopg
import sqlalchemy as sa

POSTGRES = os.environ.get("SCIM_BRIDGE_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
"""A server where the benchmark may make databases of its own, as a libpq address."""


class Store(Protocol):
    """Databases by name, as SQLAlchemy URLs."""

    kind: str
    processes: int  # that serve side by side: SQLite takes one writer, so one

    def new(self) -> str:
        """An empty database."""

    def copy(self, url: str) -> str:
        """A copy of one that nobody has open."""

    def close(self) -> None:
        """Drop all of them."""


class SqliteStore:
    """Files in a folder, which its owner deletes."""

    kind = "SQLite"
    processes = 1

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new(self) -> str:
        return f"sqlite:///{self._folder / uuid4().hex}.db"

    def copy(self, url: str) -> str:
        copied = self.new()
        shutil.copyfile(url.removeprefix("sqlite:///"), copied.removeprefix("sqlite:///"))
        os.sync()  # or the kernel writes it out while commits wait for the disk
        return copied

    def close(self) -> None:
        """The folder's owner does it."""


class PostgresStore:
    """Databases on ``POSTGRES``."""

    kind = "PostgreSQL"
    processes = 2

    def __init__(self) -> None:
        self._server = psycopg.connect(POSTGRES, autocommit=True, connect_timeout=3)
        self._made: list[str] = []

    def new(self) -> str:
        return self._make("")

    def copy(self, url: str) -> str:
        copied = self._make(f' TEMPLATE "{url.rpartition("/")[2]}"')
        self._server.execute("CHECKPOINT")  # now, not in the middle of a round
        return copied

    def close(self) -> None:
        for name in self._made:
            self._server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
        self._server.close()

    def _make(self, template: str) -> str:
        name = f"scim_bridge_bench_{uuid4().hex}"
        self._server.execute(f'CREATE DATABASE "{name}"{template}'.encode())
        self._made.append(name)
        url = sa.make_url(POSTGRES).set(drivername="postgresql+psycopg", database=name)
        return url.render_as_string(hide_password=False)
