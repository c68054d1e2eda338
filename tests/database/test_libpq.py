"""Statements on libpq itself: what psycopg would do for them is done, and what they share with it stays in step."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa
from databases import POSTGRES, postgresql_server

from scim_bridge.db import Database
from scim_bridge.libpq import Statements
from scim_bridge.prepared import Prepared

_NUMBER: sa.BindParameter[int] = sa.bindparam("number", type_=sa.Integer())
_SAME = Prepared(lambda _: sa.select((_NUMBER + 0).label("same")))


@pytest.fixture
def connection() -> Iterator[psycopg.Connection]:
    postgresql_server().close()
    connection = psycopg.connect(POSTGRES, prepare_threshold=None)
    connection.execute("CREATE TEMPORARY TABLE things (number INTEGER PRIMARY KEY, name TEXT)")
    yield connection
    connection.close()


def test_rows_and_their_number_come_back(connection: psycopg.Connection) -> None:
    found = Statements(connection).execute("SELECT $1::INTEGER, $2::TEXT[], $3::TEXT", [7, ["a,b", 'c"d'], None])
    assert found == ([(7, ["a,b", 'c"d'], None)], 1)


def test_rows_touched_are_counted(connection: psycopg.Connection) -> None:
    statements = Statements(connection)
    statements.execute("INSERT INTO things SELECT generate_series(1, 5)", [])
    assert statements.execute("DELETE FROM things WHERE number > $1", [3]) == ([], 2)


def test_a_transaction_begins_with_the_first_statement_and_ends_with_the_connections(
    connection: psycopg.Connection,
) -> None:
    connection.commit()
    statements = Statements(connection)
    statements.execute("CREATE TEMPORARY TABLE others (number INTEGER)", [])
    connection.rollback()
    assert statements.execute("SELECT to_regclass('others')::TEXT", []) == ([(None,)], 1)


def test_statements_outlive_a_rollback(connection: psycopg.Connection) -> None:
    statements = Statements(connection)
    statements.execute("SELECT $1::INTEGER", [1])
    for _ in range(10):  # more often than psycopg waits before it prepares what is its own
        connection.execute("SELECT %s::INTEGER", [1])
    connection.rollback()
    assert statements.execute("SELECT $1::INTEGER", [2]) == ([(2,)], 1)


def test_an_error_is_the_one_that_psycopg_raises(connection: psycopg.Connection) -> None:
    statements = Statements(connection)
    statements.execute("INSERT INTO things VALUES ($1)", [1])
    with pytest.raises(psycopg.errors.UniqueViolation, match="things_pkey"):
        statements.execute("INSERT INTO things VALUES ($1)", [1])


def test_a_connection_that_was_ended_is_an_operational_error(connection: psycopg.Connection) -> None:
    statements = Statements(connection)
    ((pid,),), _ = statements.execute("SELECT pg_backend_pid()", [])
    with postgresql_server() as server:
        server.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    with pytest.raises(psycopg.OperationalError):
        statements.execute("SELECT 1", [])
    assert connection.broken


def test_beyond_what_is_prepared_at_most_statements_run_all_the_same(connection: psycopg.Connection) -> None:
    statements = Statements(connection)
    for number in range(501):
        assert statements.execute(f"SELECT {number} + $1::INTEGER", [1]) == ([(number + 1,)], 1)
    ((prepared,),), _ = statements.execute("SELECT count(*) FROM pg_prepared_statements", [])
    assert prepared == 500


def test_text_that_no_database_takes_is_a_data_error(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.DataError):
        Statements(connection).execute("SELECT $1::TEXT", ["a\0b"])


@pytest.mark.parametrize("db", ["postgresql"], indirect=True)
def test_a_moment_stays_what_it_was(db: Database) -> None:
    with db.moment() as tx:
        _SAME.all(tx, {"number": 1})
        assert tx.execute(sa.text("SHOW transaction_isolation")).scalar() == "repeatable read"
