"""Migrations make exactly the tables that the code knows, on both databases; an old or newer schema is refused."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import scim_bridge.tables  # noqa: F401
from scim_bridge.db import Base, Database
from scim_bridge.errors import InvalidInput
from scim_bridge.schema import check_schema, config, current, head, prepare_schema, revisions, upgrade


def test_migrations_and_tables_say_the_same(blank_db: Database):
    upgrade(blank_db)
    with blank_db.read() as tx:
        assert compare_metadata(MigrationContext.configure(tx), Base.metadata) == []


def test_the_revisions_are_those_that_alembic_finds(blank_db: Database):
    script = ScriptDirectory.from_config(config())
    assert list(reversed(revisions())) == [each.revision for each in script.walk_revisions()]
    upgrade(blank_db)
    with blank_db.read() as tx:
        assert MigrationContext.configure(tx).get_current_revision() == current(blank_db) == head()


def test_an_upgraded_database_folds_and_reads_times(blank_db: Database):
    upgrade(blank_db)
    with blank_db.read() as tx:
        functions = sa.select(sa.func.scim_fold("STRAẞE"), sa.func.scim_moment("1970-01-01T00:00:01Z"))
        assert tuple(tx.execute(functions).one()) == ("strasse", 1_000_000)


def test_a_new_database_is_made(blank_db: Database):
    prepare_schema(blank_db)
    assert current(blank_db) == head()


def test_upgrading_twice_changes_nothing_more(blank_db: Database):
    upgrade(blank_db)
    upgrade(blank_db)
    check_schema(blank_db)


def test_two_who_upgrade_at_once_do_not_hurt_each_other(blank_db: Database):
    errors: list[Exception] = []

    def go() -> None:
        try:
            upgrade(blank_db)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    check_schema(blank_db)


def test_an_empty_database_is_refused_with_the_mending_command(blank_db: Database):
    with pytest.raises(InvalidInput, match="the database is empty; run `scim-bridge db upgrade`"):
        check_schema(blank_db)


def test_a_newer_schema_is_refused_and_left_alone(blank_db: Database):
    upgrade(blank_db)
    with blank_db.write() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(InvalidInput, match=f"at revision 9999, this version needs {head()}; it was written by a newer"):
        prepare_schema(blank_db)
    with pytest.raises(InvalidInput, match="9999, which this version does not know"):
        upgrade(blank_db)
    assert current(blank_db) == "9999"


def test_somebody_elses_database_is_not_touched(blank_db: Database):
    with blank_db.write() as tx:
        tx.execute(sa.text("CREATE TABLE theirs (id INTEGER)"))
    for refuse in (prepare_schema, upgrade):
        with pytest.raises(InvalidInput, match="no schema of scim_bridge; point DATABASE_URL at a database of its own"):
            refuse(blank_db)
    with blank_db.read() as tx:
        assert sa.inspect(tx).get_table_names() == ["theirs"]
