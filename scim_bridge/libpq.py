"""Prepared statements of one PostgreSQL connection, run on libpq itself, below psycopg's cursors.

A cursor costs 80 microseconds a statement around the 20 that libpq needs, and a push runs four. What is
psycopg's stays psycopg's: its types turn values into text and rows into values, its errors are raised, and its
connection sees the transaction, for libpq itself keeps the state.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus

Row = tuple[Any, ...]
_MOST_PREPARED = 500
"""What a connection prepares at most: each takes memory on the server; any further statement is parsed each time."""


_numbers = count()


class Statements:
    """Runs statements on one connection; for the thread that has the connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._libpq = connection.pgconn
        self._names: dict[str, bytes] = {}
        self._dump = Transformer(connection)
        level = connection.isolation_level
        self._begin = b"BEGIN" if level is None else f"BEGIN ISOLATION LEVEL {level.name.replace('_', ' ')}".encode()

    def execute(self, text: str, values: Sequence[Any]) -> tuple[list[Row], int]:
        """Run ``text``, whose parameters are ``$1``, ``$2`` …; its rows, and how many it touched.

        Begins a transaction where psycopg would. Raises psycopg's errors.
        """
        libpq = self._libpq
        if not self._connection.autocommit and libpq.transaction_status == TransactionStatus.IDLE:
            self._sound(libpq.exec_(self._begin))
        dumped: Any = self._dump.dump_sequence(values, [PyFormat.TEXT] * len(values))
        name = self._names.get(text) or self._prepare(text)
        if name is None:
            result = self._sound(libpq.exec_params(text.encode(), dumped))
        else:
            result = self._sound(libpq.exec_prepared(name, dumped))
        if result.status == ExecStatus.TUPLES_OK:
            load = Transformer(self._connection)
            load.set_pgresult(result)
            return load.load_rows(0, result.ntuples, tuple), result.ntuples
        return [], result.command_tuples or 0

    def _prepare(self, text: str) -> bytes | None:
        if len(self._names) >= _MOST_PREPARED:
            return None
        name = f"bridge_{next(_numbers)}".encode()
        self._sound(self._libpq.prepare(name, text.encode()))
        self._names[text] = name
        return name

    def _sound(self, result: Any) -> Any:
        """The result, unless it tells of a failure."""
        if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            return result
        if self._libpq.status == ConnStatus.BAD:
            raise psycopg.OperationalError(result.get_error_message("utf-8"))
        raise error_from_result(result)
