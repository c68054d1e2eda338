"""The schema of the database: where it stands, where it must stand, and the way between.

The whole way up is one transaction on both databases (SQLite's DDL is transactional once we say BEGIN
ourselves), so that a failed upgrade leaves the old schema. SQLite checks no foreign keys meanwhile:
altering a table there means copying and dropping it, and the drop would delete what points at it.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from scim_bridge.db import Database, Tx
from scim_bridge.errors import InvalidInput, Permanent

_LOCK = 0x5C1B_0001  # PostgreSQL: one upgrade at a time


def config(tx: Tx | None = None) -> Config:
    """What alembic needs to know; ``tx`` is the transaction that the migrations run in."""
    settings = Config()
    settings.set_main_option("script_location", str(resources.files("scim_bridge.migrations")).replace("%", "%%"))
    settings.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    settings.attributes["connection"] = tx
    return settings


@cache
def head() -> str:
    """The revision that this version of the bridge works with."""
    revision = ScriptDirectory.from_config(config()).get_current_head()
    if revision is None:
        raise AssertionError("no migrations are packaged")
    return revision


def current(db: Database) -> str | None:
    """The revision of the database; None: it has no schema of ours yet."""
    with db.read() as tx:
        return _current(tx)


def _current(tx: Tx) -> str | None:
    return MigrationContext.configure(tx).get_current_revision()


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
        _check_upgradable(tx)
        command.upgrade(config(tx), "head")


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
    advice = _MEND if found in _known() else _NEWER
    raise InvalidInput(f"the database is at revision {found}, this version needs {head()}", advice=advice)


def prepare_schema(db: Database) -> None:
    """Make the schema of a new database; any other must be at ``head()`` already."""
    if is_empty(db):
        upgrade(db)
    check_schema(db)


_MEND = "run `scim-bridge db upgrade`"
_NEWER = "it was written by a newer version: install that version, or restore a backup"


@cache
def _known() -> frozenset[str]:
    return frozenset(each.revision for each in ScriptDirectory.from_config(config()).walk_revisions())


def _check_upgradable(tx: Tx) -> None:
    found = _current(tx)
    if found is None and not _is_empty(tx):
        raise _foreign()
    if found is not None and found not in _known():
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
                _check_upgradable(connection)
                command.upgrade(config(connection), "head")
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
