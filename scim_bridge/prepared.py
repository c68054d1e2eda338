"""Statements of the hot path: put together once, then handed to the driver as text and values.

SQLAlchemy's own way costs 35 to 80 microseconds a statement around some five that SQLite needs to run it,
and every push runs a dozen. What is compiled here is the same Core statement on the same typed tables; only
its execution skips the result and context objects. Errors leave in SQLAlchemy's families, so that whoever
catches them need not know which way a statement went.

On PostgreSQL each statement is a trip to the server, and trips are what a request waits for: ``Bundle`` sends
several inserts as one statement with common table expressions. SQLite has none that write, and needs none: it
runs them one by one, inside this process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from scim_bridge.db import Base, Tx

Values = Mapping[str, Any]
Statement = sa.Select[Any] | sa.Insert | sa.Update | sa.Delete | sa.CompoundSelect[Any]


class Prepared:
    """One statement. ``build`` is given the dialect's name; every value that changes is a named bindparam.

    Lists travel as one value (``directory.keys``): there is no expanding ``IN`` here.
    """

    def __init__(self, build: Callable[[str], Any]) -> None:
        self._build = build
        self._compiled: dict[str, _Compiled] = {}

    def all(self, tx: Tx, values: Values) -> list[tuple[Any, ...]]:
        """Every row that it answers, as plain tuples of Python values."""
        compiled = self.compiled(tx)
        rows = _execute(tx, compiled.text, compiled.bind(values)).fetchall()
        return compiled.read(rows)

    def first(self, tx: Tx, values: Values) -> tuple[Any, ...] | None:
        """The first row, or None."""
        rows = self.all(tx, values)
        return rows[0] if rows else None

    def run(self, tx: Tx, values: Values) -> int:
        """Run it for its effect; how many rows it touched."""
        compiled = self.compiled(tx)
        count: int = _execute(tx, compiled.text, compiled.bind(values)).rowcount
        return count

    def compiled(self, tx: Tx) -> _Compiled:
        """Its text and types for the database of ``tx``."""
        found = self._compiled.get(tx.dialect.name)
        if found is None:
            found = self._compiled[tx.dialect.name] = _Compiled(self._build(tx.dialect.name), tx.dialect)
        return found


class Bundle:
    """Inserts that go together: one trip on PostgreSQL. None of them may need what another makes."""

    def __init__(self, *inserts: Prepared) -> None:
        self._inserts = inserts
        self._text = ""
        self._names: list[list[tuple[str, str, Callable[[Any], Any] | None]]] = []

    def run(self, tx: Tx, rows: Sequence[Values]) -> None:
        """Insert ``rows``, one for each statement in their order."""
        if tx.dialect.name == "sqlite":
            for insert, row in zip(self._inserts, rows, strict=True):
                insert.run(tx, row)
            return
        if not self._text:
            self._join(tx)
        values: dict[str, Any] = {}
        for names, row in zip(self._names, rows, strict=True):
            for sent, name, write in names:
                value = row[name]
                values[sent] = value if write is None else write(value)
        _execute(tx, self._text, values)

    def _join(self, tx: Tx) -> None:
        parts: list[str] = []
        names = []
        for number, insert in enumerate(self._inserts):
            compiled = insert.compiled(tx)
            text = compiled.text
            mine = []
            for name, write in compiled.writers:
                sent = f"{name}_{number}"
                text = text.replace(f"%({name})s", f"%({sent})s")
                mine.append((sent, name, write))
            parts.append(text)
            names.append(mine)
        *first, last = parts
        within = ", ".join(f"part_{number} AS ({text})" for number, text in enumerate(first))
        self._names, self._text = names, f"WITH {within} {last}" if first else last


def insert_of(table: type[Base], *names: str) -> Prepared:
    """``INSERT`` of one row with the columns ``names``; the other columns must be nullable."""
    return Prepared(lambda _: sa.insert(table).inline().values({name: sa.bindparam(name) for name in names}))


class _Compiled:
    """What a driver needs: text, how values go in and how they come out."""

    def __init__(self, statement: Any, dialect: sa.Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        if compiled.insert_prefetch or compiled.update_prefetch or "POSTCOMPILE" in compiled.string:
            raise AssertionError(f"not for Prepared: {compiled.string}")
        self.text: str = compiled.string
        self._by_place = bool(compiled.positional)
        self.writers = [
            (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in (compiled.positiontup if self._by_place else compiled.binds)
        ]
        self._fixed = {
            name: bind.value
            for name, bind in compiled.binds.items()
            if not bind.required and (bind.value is not None or bind.callable is None)
        }
        columns = getattr(statement, "exported_columns", ())
        readers = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._readers = readers if any(readers) else None

    def bind(self, values: Values) -> Any:
        """``values`` as the driver takes them; a name that is missing is an error of ours (KeyError)."""
        if self._by_place:
            return [_written(self._value(values, name), write) for name, write in self.writers]
        return {name: _written(self._value(values, name), write) for name, write in self.writers}

    def _value(self, values: Values, name: str) -> Any:
        return values[name] if name in values else self._fixed[name]

    def read(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Rows of the driver as rows of Python values."""
        readers = self._readers
        if readers is None or not rows:
            return rows
        return [
            tuple(value if read is None else read(value) for value, read in zip(row, readers, strict=True))
            for row in rows
        ]


def _written(value: Any, write: Callable[[Any], Any] | None) -> Any:
    return value if write is None else write(value)


def _execute(tx: Tx, text: str, values: Any) -> Any:
    """A cursor of the driver that has run ``text``."""
    connection: Any = tx.connection.dbapi_connection
    try:
        return connection.execute(text, values)
    except Exception as error:
        dialect: Any = tx.dialect
        if not isinstance(error, dialect.loaded_dbapi.Error):
            raise
        is_lost = dialect.is_disconnect(error, connection, None)
        if is_lost:
            tx.invalidate(error)
            tx.engine.dispose(close=False)  # its neighbours went the same way
        raise DBAPIError.instance(
            text,
            None,
            error,
            dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=is_lost,
            dialect=dialect,
        ) from error
