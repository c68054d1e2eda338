"""The schema of the database: where it stands, where it must stand, and the way between.

The whole way up is one transaction on both databases (SQLite's DDL is transactional once we say BEGIN
ourselves), so that a failed upgrade leaves the old schema. SQLite checks no foreign keys meanwhile:
altering a table there means copying and dropping it, and the drop would delete what points at it.

Every command asks where the schema stands, few move it: so the question is answered without alembic, whose
import is a tenth of a command's start.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import sqlalchemy as sa

from scim_bridge.db import Database, Tx
from scim_bridge.errors import InvalidInput, Permanent

if TYPE_CHECKING:
    from alembic.config import Config

_LOCK = 0x5C1B_0001  # PostgreSQL: one upgrade at a time
_MIGRATION = re.compile(r"(\d{4})_\w+\.py")


def config(tx: Tx | None = None) -> Config:
    """What alembic needs to know; ``tx`` is the transaction that the migrations run in."""
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(resources.files("scim_bridge.migrations")).replace("%", "%%"))
    settings.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    settings.attributes["connection"] = tx
    return settings


@cache
def revisions() -> tuple[str, ...]:
    """Every revision that this version of the bridge knows, in order: the numbers that its migrations begin with."""
    files = (resources.files("scim_bridge.migrations") / "versions").iterdir()
    found = tuple(sorted(match[1] for file in files if (match := _MIGRATION.fullmatch(file.name))))
    if not found:
        raise AssertionError("no migrations are packaged")
    return found


def head() -> str:
    """The revision that this version of the bridge works with."""
    return revisions()[-1]


def current(db: Database) -> str | None:
    """The revision of the database; None: it has no schema of ours yet."""
    with db.read() as tx:
        return _current(tx)


def _current(tx: Tx) -> str | None:
    if not sa.inspect(tx).has_table("alembic_version"):
        return None
    found: str | None = tx.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return found


def is_empty(db: Database) -> bool:
    """Whether there is no table at all."""
    with db.read() as tx:
        return _is_empty(tx)


def _is_empty(tx: Tx) -> bool:
    return not sa.inspect(tx).get_table_names()


def upgrade(db: Database) -> None:
    """Bring the schema to ``head()``, from nothing or from any older revision; one transaction."""
    if db.is_sqlite:
        _upgrade_sqlite(db)
        return
    with db.write() as tx:
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        _run(tx)


def check_schema(db: Database) -> None:
    """Raise ``InvalidInput`` with the mending command unless the schema is the one of this version."""
    if current(db) == head():
        return
    was_empty = is_empty(db)
    found = current(db)  # asked last: whoever upgrades just now brings tables and revision in one commit
    if found == head():
        return
    if found is None:
        raise InvalidInput("the database is empty", advice=_MEND) if was_empty else _foreign()
    advice = _MEND if found in revisions() else _NEWER
    raise InvalidInput(f"the database is at revision {found}, this version needs {head()}", advice=advice)


def prepare_schema(db: Database) -> None:
    """Make the schema of a new database; any other must be at ``head()`` already."""
    if is_empty(db):
        upgrade(db)
    check_schema(db)


_MEND = "run `scim-bridge db upgrade`"
_NEWER = "it was written by a newer version: install that version, or restore a backup"


def _run(tx: Tx) -> None:
    from alembic import command

    _check_upgradable(tx)
    command.upgrade(config(tx), "head")


def _check_upgradable(tx: Tx) -> None:
    found = _current(tx)
    if found is None and not _is_empty(tx):
        raise _foreign()
    if found is not None and found not in revisions():
        raise InvalidInput(f"the database is at revision {found}, which this version does not know", advice=_NEWER)


def _foreign() -> InvalidInput:
    return InvalidInput(
        "the database holds tables, but no schema of scim_bridge",
        advice="point DATABASE_URL at a database of its own",
    )


def _upgrade_sqlite(db: Database) -> None:
    with db.engine.connect().execution_options(writes=True) as connection:
        _pragma(connection, "foreign_keys=OFF")  # has no effect once a transaction is open
        try:
            with connection.begin():
                _run(connection)
                if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                    raise Permanent(
                        f'the upgrade would leave a row of "{broken[0]}" that points nowhere',
                        advice="nothing was changed; report this",
                    )
        finally:
            _pragma(connection, "foreign_keys=ON")


def _pragma(connection: sa.Connection, text: str) -> None:
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA {text}")
    cursor.close()
