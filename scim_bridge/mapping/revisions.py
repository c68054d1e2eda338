"""Which set of mapping files is in force, in the database: every process obeys the same rules at the same moment.

The files on disk only propose. A valid set becomes a revision, whole; an invalid one leaves a note of trouble
and changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.db import Tx, upsert
from scim_bridge.mapping.findings import Finding
from scim_bridge.mapping.tables import MappingTrouble, Revision, RevisionChange

_ONLY = 1  # the id of the one row of trouble
_NEWEST = sa.select(sa.func.max(Revision.id))


@dataclass(frozen=True, slots=True)
class RevisionRef:
    """A revision: its id, its files (name -> text) and their digest."""

    id: int
    files: Mapping[str, str]
    digest: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the files on disk are not in force, one line per finding."""

    findings: tuple[str, ...]
    since: datetime


def digest_of(files: Mapping[str, str]) -> str:
    """SHA-256 over names and texts, hex; the order of the files does not matter."""
    whole = json.dumps(sorted(files.items()), ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(whole.encode()).hexdigest()


def publish(tx: Tx, files: Mapping[str, str], *, actor: str, now: datetime) -> int | None:
    """Put a **checked** set in force and have fan-out carry it to everybody; None: it is in force already.

    Two processes that see the same change publish it once.
    """
    if tx.dialect.name == "postgresql":  # SQLite has one writer anyway
        tx.execute(sa.text("LOCK TABLE revisions IN SHARE ROW EXCLUSIVE MODE"))
    digest = digest_of(files)
    if digest == tx.execute(sa.select(Revision.digest).order_by(Revision.id.desc()).limit(1)).scalar():
        return None
    revision_id: int = tx.execute(
        sa.insert(Revision)
        .values(digest=digest, files=dict(sorted(files.items())), actor=actor, created_at=now)
        .returning(Revision.id)
    ).scalar_one()
    tx.execute(sa.insert(RevisionChange).values(revision_id=revision_id))
    detail = {"revision": revision_id, "digest": digest, "files": sorted(files)}
    record(tx, at=now, actor=actor, action="mapping.published", detail=detail)
    return revision_id


def in_force(tx: Tx) -> RevisionRef | None:
    """The newest revision with its files; None before the first."""
    row = tx.execute(
        sa.select(Revision.id, Revision.files, Revision.digest).order_by(Revision.id.desc()).limit(1)
    ).one_or_none()
    return None if row is None else RevisionRef(row.id, row.files, row.digest)


def in_force_id(tx: Tx) -> int | None:
    """The newest revision's id alone: cheap enough to ask before each use of a set that was read earlier."""
    return tx.execute(_NEWEST).scalar()


def note_trouble(tx: Tx, findings: Sequence[Finding], now: datetime) -> None:
    """Remember why the files on disk are not in force; ``since`` stays while they are wrong, however."""
    lines = [str(finding) for finding in findings if finding.level == "error"]
    row = {"id": _ONLY, "findings": lines, "since": now}
    upsert(tx, MappingTrouble, [row], keys=["id"], update=["findings"])


def clear_trouble(tx: Tx) -> None:
    """The files on disk are good again."""
    tx.execute(sa.delete(MappingTrouble))


def trouble(tx: Tx) -> Trouble | None:
    """What is wrong with the files on disk; None: nothing."""
    row = tx.execute(sa.select(MappingTrouble.findings, MappingTrouble.since)).one_or_none()
    return None if row is None else Trouble(tuple(row.findings), row.since)
