"""The directory, the apps as last observed, and what is ours, as one file: enough to plan, nothing to act with.

A machine that checks change requests has no database, no network and no credential. The snapshot carries the rows
that a plan reads (and no other: tokens, keys, networks, the journal and the audit trail stay), as one JSON row a
line, in a steady order, so that two snapshots of the same state differ in their first line alone. Reading it back
fills a database of its own in a temporary folder, and the plan takes the same way as at home.

It holds people's names and addresses: keep it like a backup. What a source pushed under a telling name (a password,
a token) is left out.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from scim_bridge.clock import FrozenClock
from scim_bridge.db import Base, Database, Tx, UTCDateTime
from scim_bridge.directory import tables as directory
from scim_bridge.engine import brake_tables as brake
from scim_bridge.engine import tables as engine
from scim_bridge.engine.statements import OPEN_TASKS
from scim_bridge.engine.sync import sync_hubs
from scim_bridge.errors import InvalidInput
from scim_bridge.hubs import tables as hubs
from scim_bridge.mapping import revisions
from scim_bridge.mapping.load import MappingSet

FORMAT: Final = "scim-bridge snapshot"
VERSION: Final = 1
_ANEW = "make a new one: `scim-bridge snapshot --out FILE`"
_AT_ONCE = 1000
_TELLING = re.compile(r"passw|secret|token|authorization|credential|private_?key|cookie", re.IGNORECASE)

KEPT: Final[Mapping[type[Base], frozenset[str]]] = {
    directory.Source: frozenset(
        {"tenant_id", "audience", "tenant_used_at", "networks", "requests_per_second", "takes_basic"}
    ),
    directory.Person: frozenset(),
    directory.User: frozenset(),
    directory.UserEmail: frozenset(),
    directory.FormerEmail: frozenset(),
    directory.DeletedUser: frozenset(),
    directory.DeletedEmail: frozenset(),
    directory.Departure: frozenset(),
    directory.Group: frozenset(),
    directory.Membership: frozenset(),
    directory.NestedGroup: frozenset(),
    directory.PersonChange: frozenset(),
    directory.GroupChange: frozenset(),
    hubs.Hub: frozenset({"probe_result", "last_error", "last_error_at", "check_owner", "check_lease_until"}),
    hubs.AccountRow: frozenset({"detail"}),
    hubs.AccountEmail: frozenset(),
    hubs.RefusedMatch: frozenset(),
    hubs.AssetRow: frozenset(),
    hubs.HoldingRow: frozenset(),
    hubs.Binding: frozenset(),
    engine.AccessRow: frozenset(),
    engine.AppliedRow: frozenset(),
    engine.DriftRow: frozenset(),
    engine.Pair: frozenset({"owner", "lease_until"}),
    engine.Task: frozenset(),
    engine.Reservation: frozenset(),
    engine.InvitationRow: frozenset(),
    engine.UndoneRow: frozenset(),
    brake.ApprovalRow: frozenset({"reason"}),
    brake.SourceLoss: frozenset({"reason"}),
}
"""The tables that a plan reads, parents first, each with the columns that stay at home."""

LEFT_OUT: Final = frozenset(
    {
        "tokens",
        "signing_key",
        "pending_members",
        "requests",
        "audit",
        "revisions",
        "revision_changes",
        "mapping_trouble",
        "folder_taken",
        "account_removals",
        "runs",
    }
)
"""The other tables: secrets, records, and what no plan reads. A new table belongs to one of the two."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A snapshot that was read back: its database, the moment it shows, and what the files change about the hubs."""

    db: Database
    taken_at: datetime
    notes: tuple[str, ...]


def write(tx: Tx, put: Callable[[str], object], *, schema: str, now: datetime) -> int:
    """Hand the snapshot to ``put``, line by line; ``tx`` shows one moment. Returns the number of rows.

    ``schema``: the schema's revision, so that another version does not misread it.
    """
    digest = hashlib.sha256()

    def line(value: Any) -> None:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
        digest.update(text.encode())
        put(text)

    head = {"format": FORMAT, "version": VERSION, "schema": schema, "taken_at": now.isoformat()}
    line({**head, "revision": revisions.in_force_id(tx)})
    rows = 0
    for table, home in KEPT.items():
        for row in _rows(tx, table, home, now):
            line([table.__tablename__, row])
            rows += 1
    put(json.dumps({"rows": rows, "hash": f"sha256:{digest.hexdigest()}"}) + "\n")
    return rows


def _rows(tx: Tx, table: type[Base], home: frozenset[str], now: datetime) -> Iterator[list[Any]]:
    keys = [column for column in table.__table__.columns if column.primary_key]
    query = sa.select(*_columns(table, home)).order_by(*keys)
    if table is engine.Task:
        query = query.where(engine.Task.state.in_(OPEN_TASKS))
    elif table is engine.Reservation:
        recent = engine.Reservation.at > now - timedelta(hours=1)  # the brake looks no further back
        query = query.where(sa.or_(engine.Reservation.is_open, recent))
    elif table is brake.ApprovalRow:
        query = query.where(brake.ApprovalRow.ended_at.is_(None))
    for row in tx.execute(query, execution_options={"stream_results": True, "yield_per": _AT_ONCE}):
        yield [_plain(value) for value in row]


def _columns(table: type[Base], home: frozenset[str]) -> list[sa.ColumnElement[Any]]:
    return [column for column in table.__table__.columns if column.name not in home]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return _untold(value) if isinstance(value, dict | list) else value


def _untold(value: Any) -> Any:
    """JSON without what stands under a telling name."""
    if isinstance(value, dict):
        return {key: _untold(each) for key, each in value.items() if not _TELLING.search(key)}
    return [_untold(each) for each in value] if isinstance(value, list) else value


@contextmanager
def opened(path: Path, mappings: MappingSet, *, schema: str) -> Iterator[Opened]:
    """A snapshot as a database of its own, gone at the end; hubs are as these mappings have them.

    Raises ``InvalidInput`` for a file that is none, was changed, cut off, or made by another version;
    ``MappingError`` where a file means another tenant than its hub.
    """
    with tempfile.TemporaryDirectory(prefix="scim-bridge-snapshot-") as folder:
        db = Database(f"sqlite:///{folder}/snapshot.db", synchronous="OFF")
        try:
            taken_at = _fill(db, path, schema)
            db.clock = FrozenClock(taken_at)
            with db.write() as tx:
                known = set(tx.execute(sa.select(hubs.Hub.id)).scalars())
                synced = sync_hubs(tx, mappings, actor="snapshot", now=taken_at)
            new = [f"hub {hub_id} is new" for hub_id in mappings.hubs if hub_id not in known]
            gone = [f"hub {hub_id} is detached: it has no file; its seats stay" for hub_id in synced.detached]
            yield Opened(db, taken_at, (*new, *gone))
        finally:
            db.close()


def _fill(db: Database, path: Path, schema: str) -> datetime:
    Base.metadata.create_all(db.engine)
    try:
        with path.open(encoding="utf-8") as file, db.write() as tx:
            return _load(tx, file, path.name, schema)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", advice=_ANEW) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path.name} is no snapshot of scim-bridge", advice=_ANEW) from error
    except (sa.exc.SQLAlchemyError, ValueError, TypeError, KeyError) as error:
        raise InvalidInput(f"{path.name} was changed after it was made", advice=_ANEW) from error


def _load(tx: Tx, lines: Iterable[str], name: str, schema: str) -> datetime:
    digest = hashlib.sha256()
    by_name = {table.__tablename__: (table, home) for table, home in KEPT.items()}
    taken_at: datetime | None = None
    end: Any = None
    batch: list[dict[str, Any]] = []
    filling: type[Base] | None = None
    rows = 0
    for text in lines:
        value = _parse(text, name, is_first=taken_at is None)
        if taken_at is None:
            taken_at = _check_head(value, name, schema)
        elif isinstance(value, dict):
            end = value
            break
        else:
            table, home = by_name[value[0]]
            if batch and (table is not filling or len(batch) >= _AT_ONCE):
                _insert(tx, filling, batch)
            filling = table
            batch.append(_row(table, home, value[1]))
            rows += 1
        digest.update(text.encode())
    if batch:
        _insert(tx, filling, batch)
    if taken_at is None or end is None:
        raise InvalidInput(f"{name} was cut off: its last line is missing", advice=_ANEW)
    if end != {"rows": rows, "hash": f"sha256:{digest.hexdigest()}"}:
        raise InvalidInput(f"{name} was changed after it was made: its hash is another", advice=_ANEW)
    return taken_at


def _parse(text: str, name: str, *, is_first: bool) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        if is_first:
            raise InvalidInput(f"{name} is no snapshot of scim-bridge", advice=_ANEW) from error
        raise InvalidInput(f"{name} was cut off in the middle of a line", advice=_ANEW) from error


def _check_head(head: Any, name: str, schema: str) -> datetime:
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise InvalidInput(f"{name} is no snapshot of scim-bridge", advice=_ANEW)
    if (head.get("version"), head.get("schema")) != (VERSION, schema):
        made = f"version {head.get('version')!r:.20}, schema {head.get('schema')!r:.20}"
        raise InvalidInput(
            f"{name} is of another scim-bridge ({made}); this one has version {VERSION}, schema {schema!r}",
            advice="make and read it by the same version of scim-bridge",
        )
    return datetime.fromisoformat(head["taken_at"])


def _row(table: type[Base], home: frozenset[str], values: list[Any]) -> dict[str, Any]:
    columns = _columns(table, home)
    return {
        column.name: datetime.fromisoformat(value) if value and isinstance(column.type, UTCDateTime) else value
        for column, value in zip(columns, values, strict=True)
    }


def _insert(tx: Tx, table: type[Base] | None, batch: list[dict[str, Any]]) -> None:
    if table is not None:
        tx.execute(sa.insert(table), batch)
    batch.clear()
