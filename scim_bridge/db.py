"""The one way to the database: a transaction is a ``Connection``, opened and committed by an entrance.

Core statements on typed tables, no ORM session: every statement on a request's way is visible, and
none is paid for twice. Putting a statement together costs ten times as much as running it (0.2 ms
to 0.02 ms), so those on the way of every push are built once and take bound values. SQLite takes
one writer at a time and answers a second with "busy" after a random wait, so writers of this
process queue (``turns``; p99 at 8 clients: 703 ms without, 17 ms with) and say BEGIN IMMEDIATE;
readers never wait, thanks to WAL.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.orm import DeclarativeBase

from scim_bridge.clock import Clock, SystemClock
from scim_bridge.errors import InvalidInput
from scim_bridge.kept import Kept, Lost
from scim_bridge.sql_functions import postgresql as postgresql_functions
from scim_bridge.sql_functions import register
from scim_bridge.turns import Turns

BEFORE_NEXT = "before_next"
"""Key of ``Connection.info``: what waits for the next statement, and the function that runs it."""

_BUSY_S = 15.0  # a writer waits so long for the writers before it
Tx = Connection
"""An open transaction; helpers take one and never commit it."""


to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""A value as the shortest JSON text; the encoder is made once."""


class JsonText(str):
    """JSON that is text already: stored and sent as it is."""

    __slots__ = ()


class UTCDateTime(sa.TypeDecorator[datetime]):
    """An aware time in UTC. SQLite forgets the zone; this type gives it back."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Any:
        """One request writes its one moment into many rows: it is turned into text once."""
        write = super().bind_processor(dialect)
        return write and lru_cache(maxsize=64)(write)

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone reached the database")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class Json(sa.TypeDecorator[Any]):
    """JSON kept as text on both databases: read as it was written, keys in their order."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        return value if value is None or isinstance(value, JsonText) else to_json(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        return None if value is None else json.loads(value)


class Base(DeclarativeBase):
    """Parent of all tables. Constraint names are fixed, so that migrations can name them."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


@sa.event.listens_for(Base.metadata, "before_create")
def _make_functions(_metadata: Any, connection: Connection, **_: Any) -> None:
    """Tables that are made without a migration, as tests do, come with our functions too."""
    if connection.dialect.name == "postgresql":
        for statement in postgresql_functions():
            connection.exec_driver_sql(statement)


def new_id() -> str:
    """A fresh public id (UUID version 4, text)."""
    return str(uuid4())


class Database:
    """A pool of connections to one database, and the rules for using it.

    ``url`` is an SQLAlchemy URL; SQLite (a file) and PostgreSQL (psycopg 3) are supported.
    ``synchronous`` is SQLite's pragma: ``FULL`` survives loss of power, ``NORMAL`` only loss of the process.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock | None = None,
        pool_size: int = 40,
        synchronous: str = "FULL",
    ) -> None:
        self.url = sa.make_url(url)
        self.clock: Clock = clock or SystemClock()
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and not self.url.database:
            raise InvalidInput("DATABASE_URL names no SQLite file", advice="use sqlite:///path/to/file.db")
        if self.file is not None and not self.file.parent.is_dir():
            raise InvalidInput(
                f"DATABASE_URL names a file in {self.file.parent}, which is no folder",
                advice="make the folder, or mend DATABASE_URL",
            )
        options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 20}
        if self.is_sqlite:
            options["connect_args"] = {"check_same_thread": False, "timeout": _BUSY_S, "cached_statements": 512}
        else:
            # psycopg would forget our prepared statements (libpq.py) with its own, at any rollback.
            options["connect_args"] = {"connect_timeout": 3, "prepare_threshold": None}
        self.engine = sa.create_engine(self.url, **options)
        self._engines = {self.engine}
        self._moments = self.engine
        self._writers: Kept | Turns
        if self.is_sqlite:
            _prepare_sqlite(self.engine, synchronous)
            self._readers = Kept(self.engine, None)
            self._writers = Turns(self.engine.execution_options(writes=True), patience_s=_BUSY_S)
        else:
            # Pools of their own: to turn a connection into a reader and back, or to roll back what has
            # ended already, costs as much as a look-up.
            options["pool_reset_on_return"] = None
            reader = sa.create_engine(self.url, isolation_level="AUTOCOMMIT", **options)
            self._moments = sa.create_engine(self.url, isolation_level="REPEATABLE READ", **options)
            writer = sa.create_engine(self.url, **options)
            self._engines |= {reader, self._moments, writer}
            lost = Lost()
            for engine in self._engines:
                _prepare_postgresql(engine)
                lost.watch(engine)
            for engine in (self.engine, writer):
                _keep_order(engine)
            self._readers, self._writers = Kept(reader, lost), Kept(writer, lost)

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.engine.dialect.name

    @property
    def file(self) -> Path | None:
        """The SQLite file, or None on a server."""
        return Path(str(self.url.database)).resolve() if self.is_sqlite else None

    @property
    def idle_readers(self) -> int:
        """Open connections for reading that nobody uses now."""
        return self._readers.idle

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """For reading; it blocks nobody.

        SQLite shows one moment from the first SQLAlchemy statement on; ``Prepared`` ones see the latest commit.
        On PostgreSQL each statement sees the latest commit, as READ COMMITTED has it in a transaction, too:
        without one a look-up is a single trip to the server instead of three.
        """
        with self._readers.use() as connection:
            yield connection

    @contextmanager
    def moment(self) -> Iterator[Tx]:
        """For reading several things as they were in one moment, at two trips more on PostgreSQL than ``read``."""
        with self._moments.connect() as connection, connection.begin():
            yield connection

    def write(self, *, together: bool = False) -> AbstractContextManager[Tx]:
        """A transaction that may write; commits at the end, rolls back on any error.

        ``together``: a short one, whose commit may be that of others, too, who came at the same time (``turns``).
        It may see what they wrote; if the commit fails, it fails for all. PostgreSQL does that by itself.
        """
        if isinstance(self._writers, Turns):
            return self._writers.write(together=together)
        return _write(self._writers)

    def now(self) -> datetime:
        """The database's own time where several machines share it, else the clock's."""
        if self.is_sqlite:
            return self.clock.now()
        with self.read() as tx:
            return tx.execute(sa.select(sa.func.clock_timestamp(type_=UTCDateTime()))).scalar_one()

    def close(self) -> None:
        self._readers.close()
        self._writers.close()
        for engine in self._engines:
            engine.dispose()


@contextmanager
def _write(writers: Kept) -> Iterator[Tx]:
    with writers.use() as connection, connection.begin():
        connection.info.pop(BEFORE_NEXT, None)
        yield connection
        run_waiting(connection)


def _prepare_sqlite(engine: sa.Engine, synchronous: str) -> None:
    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "cache_size=-16000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        register(connection)

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        raw: Any = connection.connection.dbapi_connection
        try:
            raw.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
        except sqlite3.Error as error:
            raise sa.exc.DBAPIError.instance(
                "BEGIN", None, error, sqlite3.Error, hide_parameters=True, dialect=connection.dialect
            ) from error


def _prepare_postgresql(engine: sa.Engine) -> None:
    """Without compilation of plans: the planner cannot know how far nested groups reach, takes them for expensive,
    and then spends 20 ms on compiling what runs for one.
    """

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.autocommit, was = True, connection.autocommit
        connection.execute("SET jit = off")
        connection.autocommit = was


def _keep_order(engine: sa.Engine) -> None:
    """Statements of both kinds run in their order."""

    @sa.event.listens_for(engine, "before_cursor_execute")
    def before(connection: Connection, *_: Any) -> None:
        run_waiting(connection)


def run_waiting(tx: Tx) -> None:
    """Run what was put off until the next statement (``prepared``)."""
    waiting = tx.info.pop(BEFORE_NEXT, None)
    if waiting is not None:
        run, what = waiting
        run(tx, what)


def where(condition: str) -> dict[str, Any]:
    """Options of an index that covers only some rows, on both databases."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def insert(tx: Tx, table: type[Base]) -> Any:
    """The dialect's own INSERT, the one that knows ON CONFLICT (the same words on both databases)."""
    return insert_for(tx.dialect.name, table)


def insert_for(dialect: str, table: type[Base]) -> Any:
    """The same before there is a transaction, for statements that are built once."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def upsert(tx: Tx, table: type[Base], rows: list[dict[str, Any]], *, keys: list[str], update: list[str]) -> None:
    """INSERT … ON CONFLICT (``keys``) DO UPDATE the columns ``update``; with none, DO NOTHING."""
    if rows:
        tx.execute(_upsert(tx.dialect.name, table, tuple(keys), tuple(update)), rows)


@lru_cache(maxsize=256)
def _upsert(dialect: str, table: type[Base], keys: tuple[str, ...], update: tuple[str, ...]) -> Any:
    statement = insert_for(dialect, table)
    if not update:
        return statement.on_conflict_do_nothing(index_elements=keys)
    return statement.on_conflict_do_update(
        index_elements=keys, set_={name: statement.excluded[name] for name in update}
    )
