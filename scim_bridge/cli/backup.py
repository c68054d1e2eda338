"""``scim-bridge backup``: a whole copy of the database while it is in use."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import click

from scim_bridge.cli.session import Session, pass_session
from scim_bridge.db import Database
from scim_bridge.errors import InvalidInput, NotFound, Permanent

_EXISTS = "{} exists already"
_ANOTHER = "name another file: a backup never overwrites one"


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@pass_session
def backup(session: Session, file: Path) -> None:
    """Copy the database to FILE, which must not exist yet. It holds people's data: keep it safe.

    SQLite: a database file that can be used as it is. PostgreSQL: pg_dump's custom format, for pg_restore.
    """
    db = session.db
    if file.exists():
        raise InvalidInput(_EXISTS.format(file), advice=_ANOTHER)
    partial = file.with_name(f".{file.name}.partial")
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        if db.is_sqlite:
            _copy_sqlite(db, partial)
        else:
            _dump_postgresql(db, partial)
        os.link(partial, file)  # unlike rename, it refuses a file that has appeared meanwhile
    except FileExistsError as error:
        raise InvalidInput(_EXISTS.format(file), advice=_ANOTHER) from error
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror}", advice="name another folder") from error
    finally:
        partial.unlink(missing_ok=True)
    click.echo(f"{file}: {file.stat().st_size:,} bytes")


def _copy_sqlite(db: Database, target: Path) -> None:
    with closing(sqlite3.connect(str(db.file))) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, no -wal beside it


def _dump_postgresql(db: Database, target: Path) -> None:
    if (command := shutil.which("pg_dump")) is None:
        raise NotFound("pg_dump is not installed here", advice="install PostgreSQL's client tools, or run it elsewhere")
    url = db.url.set(drivername="postgresql", password=None).render_as_string()
    environ = dict(os.environ)
    if db.url.password:
        environ["PGPASSWORD"] = str(db.url.password)  # not on the command line, where others could read it
    done = subprocess.run(  # noqa: S603  a fixed command
        [command, "--format=custom", f"--file={target}", url], env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Permanent(f"pg_dump failed: {last}", advice="its version must not be older than the server's")
