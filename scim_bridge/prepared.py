"""Statements of the hot path: put together once, then handed to the driver as text and values.

SQLAlchemy's own way costs 35 to 80 microseconds a statement around some five that SQLite needs to run it,
and every push runs a dozen. What is compiled here is the same Core statement on the same typed tables; only
its execution skips the result and context objects. Errors leave in SQLAlchemy's families, so that whoever
catches them need not know which way a statement went.

On PostgreSQL each statement is a trip to the server, and trips are what a request waits for. So writes whose
outcome nobody asks for go ``later``: they are gathered and sent as one statement with common table expressions,
before the next statement of the transaction or its commit. SQLite runs them at once, inside this process.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from scim_bridge.db import BEFORE_NEXT, Base, Tx, insert_for, run_waiting

Values = Mapping[str, Any]
_T = TypeVar("_T")
STATEMENTS = "statements"
"""Key of ``Connection.info``: the ``Statements`` of a PostgreSQL connection."""


class Prepared:
    """One statement. ``build`` is given the dialect's name; every value that changes is a named bindparam.

    Lists travel as one value (``directory.keys``): there is no expanding ``IN`` here.
    """

    def __init__(self, build: Callable[[str], Any], *, is_once: bool = False) -> None:
        """``is_once``: it may touch the same row twice, which one statement cannot; ``later`` joins it once."""
        self._build = build
        self._is_once = is_once
        self._compiled: dict[str, _Compiled] = {}

    def all(self, tx: Tx, values: Values) -> list[tuple[Any, ...]]:
        """Every row that it answers, as plain tuples of Python values."""
        compiled = self.compiled(tx)
        rows, _ = _execute(tx, compiled.text, compiled.bind(values))
        return compiled.read(rows)

    def first(self, tx: Tx, values: Values) -> tuple[Any, ...] | None:
        """The first row, or None."""
        rows = self.all(tx, values)
        return rows[0] if rows else None

    def run(self, tx: Tx, values: Values) -> int:
        """Run it for its effect; how many rows it touched."""
        compiled = self.compiled(tx)
        _, count = _execute(tx, compiled.text, compiled.bind(values))
        return count

    def later(self, tx: Tx, values: Values, *, conflict: Conflict | None = None) -> None:
        """Run a statement that writes before the transaction's next one, at the latest before its commit.

        ``conflict``: a name that the database's message about a broken uniqueness holds, and the error to raise
        then. None may need what another of the same batch makes, but to point at it.
        """
        if tx.dialect.name != "sqlite":
            waiting: list[_Waiting] = tx.info.setdefault(BEFORE_NEXT, (_send, []))[1]
            is_full = len(waiting) == _TOGETHER
            if is_full or (self._is_once and any(one.insert is self for one in waiting)):
                run_waiting(tx)
                waiting = tx.info.setdefault(BEFORE_NEXT, (_send, []))[1]
            waiting.append(_Waiting(self, values, conflict))
            return
        try:
            self.run(tx, values)
        except IntegrityError as error:
            _raise_conflict(error, conflict)
            raise

    def compiled(self, tx: Tx) -> _Compiled:
        """Its text and types for the database of ``tx``."""
        found = self._compiled.get(tx.dialect.name)
        if found is None:
            found = self._compiled[tx.dialect.name] = _Compiled(self._build(tx.dialect.name), tx.dialect)
        return found


class PreparedRows:
    """One statement for many rows: SQLite runs it for each, PostgreSQL gets all in one trip, as one JSON text.

    ``build`` is given the dialect's name and, for each of ``columns``, the expression that stands for a row's value.
    """

    def __init__(self, columns: Mapping[str, Any], build: Callable[[str, Mapping[str, Any]], Any]) -> None:
        """``columns``: name -> SQLAlchemy type."""
        self._columns = dict(columns)
        self._build = build
        self._prepared = Prepared(self._of)

    def run(self, tx: Tx, rows: Sequence[Values]) -> None:
        """Run it for ``rows``: each names every column, and none touches what another does."""
        if not rows:
            return
        if tx.dialect.name != "sqlite":
            self._prepared.run(tx, {"rows": json.dumps(rows, default=str)})
            return
        compiled = self._prepared.compiled(tx)
        bound = [compiled.bind(row) for row in rows]
        _guarded(tx, compiled.text, lambda connection: connection.executemany(compiled.text, bound))

    def _of(self, dialect: str) -> Any:
        if dialect == "sqlite":
            return self._build(dialect, {name: sa.bindparam(name, type_=kind) for name, kind in self._columns.items()})
        rows = sa.func.json_to_recordset(sa.cast(sa.bindparam("rows", type_=sa.Text()), sa.JSON()))
        columns = (sa.column(name, kind) for name, kind in self._columns.items())
        given = rows.table_valued(*columns, name="given").render_derived(with_types=True)
        return self._build(dialect, {name: given.c[name] for name in self._columns})


def insert_rows(dialect: str, table: type[Base], values: Mapping[str, Any]) -> Any:
    """The INSERT that a ``build`` of ``PreparedRows`` begins with; ``values``: column -> expression."""
    insert = insert_for(dialect, table)
    if dialect == "sqlite":
        return insert.values(dict(values))
    return insert.from_select(list(values), sa.select(*values.values()))


Conflict = tuple[str, Callable[[], Exception]]


class _Waiting(NamedTuple):
    insert: Prepared
    values: Values
    conflict: Conflict | None


def _send(tx: Tx, waiting: Sequence[_Waiting]) -> None:
    """Everything that waits, in one trip and in its order."""
    joined = _joined(tx, tuple(one.insert for one in waiting))
    values = [value for one in waiting for value in one.insert.compiled(tx).bind(one.values)]
    try:
        _execute(tx, joined, values)
    except IntegrityError as error:
        for one in waiting:
            _raise_conflict(error, one.conflict)
        raise


_TOGETHER = 16  # statements in one: for each mixture of them a text is kept
_texts: dict[tuple[Prepared, ...], str] = {}


def _joined(tx: Tx, inserts: tuple[Prepared, ...]) -> str:
    text = _texts.get(inserts)
    if text is None:
        within: list[str] = []
        parts = []
        bound = 0
        for number, insert in enumerate(inserts):
            part = _NUMBERED.sub(partial(_moved, by=bound), insert.compiled(tx).text)
            bound += len(insert.compiled(tx).writers)
            if has_own := _WITH.fullmatch(part):  # which PostgreSQL takes at the top only
                name, first, part = has_own.groups()
                within.append(f"{name}_{number} AS ({first})")
                part = re.sub(rf"\b{name}\b", f"{name}_{number}", part)
            parts.append(part)
        main, *rest = parts
        # PostgreSQL promises no order; it runs the main statement, then the others from last to first.
        within += [f"part_{number} AS ({part})" for number, part in enumerate(reversed(rest))]
        text = _texts[inserts] = f"WITH {', '.join(within)} {main}" if within else main
    return text


def _moved(found: re.Match[str], *, by: int) -> str:
    return f"${int(found[1]) + by}"


_NUMBERED = re.compile(r"\$(\d+)")
_WITH = re.compile(r"WITH (\w+) AS \n\((.*)\)\n (INSERT .*)", re.DOTALL)


def _raise_conflict(error: IntegrityError, conflict: Conflict | None) -> None:
    if conflict is not None and conflict[0] in str(error.orig):
        raise conflict[1]() from error


def insert_of(table: type[Base], *names: str) -> Prepared:
    """``INSERT`` of one row with the columns ``names``; the other columns must be nullable."""
    return Prepared(lambda _: sa.insert(table).inline().values(_bound(table, names)))


def change_of(table: type[Base], *names: str) -> Prepared:
    """``UPDATE`` of the columns ``names`` in the one row whose ``id`` comes as ``row``."""

    key = sa.column("id", sa.Integer()) == sa.bindparam("row")
    return Prepared(lambda _: sa.update(table).where(key).values(_bound(table, names)))


def _bound(table: type[Base], names: Sequence[str]) -> dict[str, Any]:
    return {name: sa.bindparam(name, type_=getattr(table, name).type) for name in names}


class _Compiled:
    """What a driver needs: text, how values go in and how they come out."""

    def __init__(self, statement: Any, dialect: sa.Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        if compiled.insert_prefetch or compiled.update_prefetch or "POSTCOMPILE" in compiled.string:
            raise AssertionError(f"not for Prepared: {compiled.string}")
        self.text, names = compiled.string, compiled.positiontup
        if not compiled.positional:
            self.text, names = _numbered(compiled.string)
        self.writers = [
            (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in names
        ]
        self._fixed = {
            name: bind.value
            for name, bind in compiled.binds.items()
            if not bind.required and (bind.value is not None or bind.callable is None)
        }
        columns = getattr(statement, "exported_columns", ())
        readers = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._readers = readers if any(readers) else None

    def bind(self, values: Values) -> list[Any]:
        """``values`` as the driver takes them; a name that is missing is an error of ours (KeyError)."""
        given = {**self._fixed, **values} if self._fixed else values
        return [given[name] if write is None else write(given[name]) for name, write in self.writers]

    def read(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Rows of the driver as rows of Python values."""
        readers = self._readers
        if readers is None or not rows:
            return rows
        return [
            tuple(value if read is None else read(value) for value, read in zip(row, readers, strict=True))
            for row in rows
        ]


def _numbered(text: str) -> tuple[str, list[str]]:
    """psycopg's ``%(name)s`` as the server's ``$1``; the names in the order of their numbers."""
    names: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        return names.setdefault(found[1], f"${len(names) + 1}") if found[1] else "%"

    return _NAMED.sub(number, text), list(names)


_NAMED = re.compile(r"%\((\w+)\)s|%%")


def _execute(tx: Tx, text: str, values: Sequence[Any]) -> tuple[list[tuple[Any, ...]], int]:
    """Run ``text`` on the driver; its rows, and how many it touched."""
    return _guarded(tx, text, lambda connection: _run(tx, connection, text, values))


def _run(tx: Tx, connection: Any, text: str, values: Sequence[Any]) -> tuple[list[tuple[Any, ...]], int]:
    if tx.dialect.name == "sqlite":
        cursor = connection.execute(text, values)
        return cursor.fetchall(), cursor.rowcount
    run_waiting(tx)
    statements = tx.info.get(STATEMENTS)
    if statements is None:
        from scim_bridge.libpq import Statements  # an install for SQLite alone has no psycopg

        statements = tx.info[STATEMENTS] = Statements(connection)
    return statements.execute(text, values)


def _guarded(tx: Tx, text: str, run: Callable[[Any], _T]) -> _T:
    """``run`` with the driver's connection; its errors leave in SQLAlchemy's families."""
    connection: Any = tx.connection.dbapi_connection
    try:
        return run(connection)
    except Exception as error:
        dialect: Any = tx.dialect
        if not isinstance(error, dialect.loaded_dbapi.Error):
            raise
        is_lost = dialect.is_disconnect(error, connection, None)
        if is_lost:
            tx.invalidate(error)
        raise DBAPIError.instance(
            text,
            None,
            error,
            dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=is_lost,
            dialect=dialect,
        ) from error
