"""Databases with people and groups in them, for the bridge and for the limit.

The bridge's are filled through its own functions, so that every row is there that a push leaves; over HTTP that
would take an hour. What fan-out does later is taken as done: its change rows are deleted, and the rules (none) are
in force already, so that an engine finds nothing to do when it starts. PostgreSQL gets the rows of the SQLite
database by COPY, which takes seconds where the functions take minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import sqlalchemy as sa

import scim_bridge.tables  # noqa: F401  (fills the metadata)
from bench import limit_app
from bench.scim.shapes import person
from bench.scim.stores import Store
from scim_bridge.db import Base, Database
from scim_bridge.directory import groups, sources, users
from scim_bridge.directory.authentication import authenticate
from scim_bridge.directory.source_settings import MOST_PER_SECOND, SourceChange, change_source
from scim_bridge.directory.sources import SourceRef
from scim_bridge.directory.tables import GroupChange, PersonChange
from scim_bridge.mapping import revisions
from scim_bridge.mapping.tables import RevisionChange
from scim_bridge.schema import upgrade

GROUP_SIZES = (10, 1_000, 10_000, 100_000)
"""Groups of these sizes are there, as far as there are people."""
_EMPTY_GROUPS = 200
_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Filled:
    """A filled database: SCIM ids of its ``people``, of its groups by size, and of its empty groups."""

    url: str
    token: str
    people: list[str]
    groups: dict[int, str]
    empty_groups: list[str]

    def __len__(self) -> int:
        return len(self.people)


def fill_bridge(file: Database, people: int) -> Filled:
    """Make the schema and all rows in an SQLite database, and close it."""
    upgrade(file)
    now = file.clock.now()
    with file.write() as tx:
        token, source = _add_source(tx, now)
        revisions.publish(tx, {}, actor="bench", now=now)
    ids: list[str] = []
    for start in range(0, people, _AT_ONCE):
        with file.write() as tx:
            for number in range(start, min(people, start + _AT_ONCE)):
                ids.append(users.create_user(tx, source, _stored(number), now=now).scim_id)
    sizes = [size for size in GROUP_SIZES if size <= people]
    with file.write() as tx:
        sized = {
            size: groups.create_group(tx, source, _group(f"Group of {size}"), tuple(ids[:size]), now=now).scim_id
            for size in sizes
        }
        empty = [
            groups.create_group(tx, source, _group(f"Group {number}"), (), now=now).scim_id
            for number in range(_EMPTY_GROUPS)
        ]
        for changes in (GroupChange, PersonChange, RevisionChange):
            tx.execute(sa.delete(changes))
    url = file.url.render_as_string()
    file.close()
    return Filled(url, token, ids, sized, empty)


def _add_source(tx: sa.Connection, now: datetime) -> tuple[str, SourceRef]:
    """The one source, which pushes all of them."""
    source_id = sources.add_source(tx, name="okta", kind="okta", joins=True, now=now)
    change_source(tx, "okta", SourceChange(requests_per_second=MOST_PER_SECOND), now=now)
    token = sources.new_token(tx, source_id, now=now)
    source = authenticate(tx, token, now)
    if source is None:
        raise AssertionError("a new token is known")
    return token, source


def _stored(number: int) -> dict[str, Any]:
    document = person(number)
    del document["groups"], document["password"]  # read-only, never stored
    return document


def _group(name: str) -> dict[str, Any]:
    return {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name}


def copy_to_postgres(filled: Filled, url: str) -> Filled:
    """The same rows in an empty PostgreSQL database."""
    source, target = Database(filled.url), Database(url)
    upgrade(target)
    with source.read() as rows, target.write() as tx:
        for table in Base.metadata.sorted_tables:
            _copy_table(rows, tx, table)
    with target.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    source.close()
    target.close()
    return Filled(url, filled.token, filled.people, filled.groups, filled.empty_groups)


def _copy_table(rows: sa.Connection, tx: sa.Connection, table: sa.Table) -> None:
    binds = [column.type.bind_processor(tx.dialect) for column in table.columns]
    cursor = tx.connection.cursor()
    tx.execute(sa.delete(table))  # rows of the migrations' own
    with cursor.copy(f'COPY "{table.name}" ({", ".join(column.name for column in table.columns)}) FROM STDIN') as copy:
        for row in rows.execution_options(yield_per=_AT_ONCE).execute(sa.select(table)):
            copy.write_row([bind(value) if bind else value for bind, value in zip(binds, row, strict=True)])
    key = table.autoincrement_column
    if key is not None:
        last = f'SELECT max({key.name}) FROM "{table.name}"'
        tx.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table.name}', '{key.name}'), ({last}))")


def fill_limit(store: Store, people: int) -> Filled:
    """The limit's two tables with the same people and memberships."""
    limit = limit_app.Limit(store.new())
    limit_app.metadata.create_all(limit.engine)
    ids = [str(UUID(int=number)) for number in range(people)]
    sized = {size: f"group-{size}" for size in GROUP_SIZES if size <= people}
    with limit.write() as connection:
        rows = (limit_app.user_row(person(number), ids[number]) for number in range(people))
        while some := list(islice(rows, _AT_ONCE)):
            connection.execute(limit_app.users.insert(), some)
        for size, group in sized.items():
            connection.execute(
                limit_app.members.insert(), [{"group_id": group, "user_id": member} for member in ids[:size]]
            )
    url = limit.engine.url.render_as_string()
    if store.kind == "PostgreSQL":
        with limit.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
    limit.close()
    return Filled(url, "none", ids, sized, [f"group-{number}-empty" for number in range(_EMPTY_GROUPS)])
