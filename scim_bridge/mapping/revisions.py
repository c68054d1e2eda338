"""Which set of mapping files is in force, in the database: every process obeys the same rules at the same moment.

The files on disk only propose. A valid set becomes a revision, whole; an invalid one leaves a note of trouble
and changes nothing. To roll back is to publish an earlier content anew, so the newest revision is always the one
in force and history only grows.

The folder on disk still has what was rolled back. So that it does not come back in the next second, or at the
next start, the contents that the folder was seen with are remembered, and only another one is a proposal.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.db import Tx, upsert
from scim_bridge.errors import NotFound
from scim_bridge.mapping.findings import Finding
from scim_bridge.mapping.tables import FolderTaken, MappingTrouble, Revision, RevisionChange
from scim_bridge.mapping.work_tree import Commit

_ONLY = 1  # the id of the one row about the folder
ON_DISK = 1  # ids of the rows of trouble
IN_FORCE = 2
DOUBTS = 3
_NEWEST = sa.select(sa.func.max(Revision.id))


@dataclass(frozen=True, slots=True)
class RevisionRef:
    """A revision: its id, its files (name -> text), their digest, who published it and when, and where from."""

    id: int
    files: Mapping[str, str]
    digest: str
    actor: str
    at: datetime
    commit: Commit | None = None
    restores: int | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with files, one line per finding."""

    findings: tuple[str, ...]
    since: datetime


def digest_of(files: Mapping[str, str]) -> str:
    """SHA-256 over names and texts, hex; the order of the files does not matter."""
    whole = json.dumps(sorted(files.items()), ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(whole.encode()).hexdigest()


def publish(
    tx: Tx,
    files: Mapping[str, str],
    *,
    actor: str,
    now: datetime,
    commit: Commit | None = None,
    restores: int | None = None,
) -> int | None:
    """Put a **checked** set in force and have fan-out carry it to everybody; None: it is in force already.

    Two processes that see the same change publish it once. ``restores``: the revision that is rolled back to.
    """
    lock(tx)
    digest = digest_of(files)
    if digest == tx.execute(sa.select(Revision.digest).order_by(Revision.id.desc()).limit(1)).scalar():
        return None
    # The next number under the lock: a sequence would skip one for each dry run and each refusal.
    revision_id: int = (in_force_id(tx) or 0) + 1
    values = {
        "id": revision_id,
        "digest": digest,
        "files": dict(sorted(files.items())),
        "actor": actor,
        "created_at": now,
        "git_commit": commit.id if commit else None,
        "is_dirty": commit is not None and commit.is_dirty,
        "restores": restores,
    }
    tx.execute(sa.insert(Revision).values(values))
    tx.execute(sa.insert(RevisionChange).values(revision_id=revision_id))
    detail: dict[str, object] = {"revision": revision_id, "digest": digest, "files": sorted(files)}
    if commit:
        detail |= {"commit": commit.id, "is_dirty": commit.is_dirty}
    if restores:
        detail["restores"] = restores
    action = "mapping.rolled_back" if restores else "mapping.published"
    record(tx, at=now, actor=actor, action=action, detail=detail)
    return revision_id


def lock(tx: Tx) -> None:
    """Let nobody else publish until ``tx`` ends: what was read of revisions stays so."""
    if tx.dialect.name == "postgresql":  # SQLite has one writer anyway
        tx.execute(sa.text("LOCK TABLE revisions IN SHARE ROW EXCLUSIVE MODE"))


_COLUMNS = (
    Revision.id,
    Revision.files,
    Revision.digest,
    Revision.actor,
    Revision.created_at,
    Revision.git_commit,
    Revision.is_dirty,
    Revision.restores,
)


def in_force(tx: Tx) -> RevisionRef | None:
    """The newest revision with its files; None before the first."""
    row = tx.execute(sa.select(*_COLUMNS).order_by(Revision.id.desc()).limit(1)).one_or_none()
    return None if row is None else _ref(row)


def in_force_id(tx: Tx) -> int | None:
    """The newest revision's id alone: cheap enough to ask before each use of a set that was read earlier."""
    return tx.execute(_NEWEST).scalar()


def get_revision(tx: Tx, revision_id: int) -> RevisionRef:
    """One revision. Raises ``NotFound``."""
    row = tx.execute(sa.select(*_COLUMNS).where(Revision.id == revision_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no revision {revision_id}", advice="`scim-bridge mapping list` shows all")
    return _ref(row)


def newest_first(tx: Tx, *, at_most: int) -> list[RevisionRef]:
    """The latest revisions."""
    return [_ref(row) for row in tx.execute(sa.select(*_COLUMNS).order_by(Revision.id.desc()).limit(at_most))]


def before(tx: Tx, revision: RevisionRef) -> RevisionRef:
    """The revision to roll back to from ``revision``: the one before its content came first.

    A second step back goes further back: never forward again to what was just left. Raises ``NotFound``.
    """
    start = revision
    while start.restores is not None:
        start = get_revision(tx, start.restores)
    query = sa.select(*_COLUMNS).where(Revision.id < start.id, Revision.digest != start.digest)
    row = tx.execute(query.order_by(Revision.id.desc()).limit(1)).one_or_none()
    if row is None:
        raise NotFound(
            f"there is no revision before {start.id}", advice="`scim-bridge mapping list` shows all; name one"
        )
    return _ref(row)


def _ref(row: sa.Row[*tuple[Any, ...]]) -> RevisionRef:
    commit = Commit(row.git_commit, row.is_dirty) if row.git_commit else None
    return RevisionRef(row.id, row.files, row.digest, row.actor, row.created_at, commit, row.restores)


def is_taken(tx: Tx, digest: str) -> bool:
    """Whether the watched folder was dealt with while it had this content."""
    digests = tx.execute(sa.select(FolderTaken.digests)).scalar()
    return digest in (digests or ())


def take(tx: Tx, digest: str) -> None:
    """The watched folder is dealt with as it is; any other content is a proposal again, also an earlier one."""
    _write_taken(tx, [digest])


def leave_alone(tx: Tx, digests: Sequence[str]) -> None:
    """What the folder may show now is no proposal either: it was rolled back."""
    known = tx.execute(sa.select(FolderTaken.digests)).scalar() or []
    _write_taken(tx, list(dict.fromkeys([*known, *digests])))


def _write_taken(tx: Tx, digests: list[str]) -> None:
    upsert(tx, FolderTaken, [{"id": _ONLY, "digests": digests}], keys=["id"], update=["digests"])


def note_trouble(tx: Tx, findings: Sequence[Finding], now: datetime, *, where: int = ON_DISK) -> None:
    """Remember why the files on disk are not in force; ``since`` stays while they are wrong, however.

    ``where`` ``IN_FORCE``: why those in force are not obeyed in full; ``DOUBTS``: the warnings about them.
    """
    level = "warning" if where == DOUBTS else "error"
    lines = [str(finding) for finding in findings if finding.level == level]
    row = {"id": where, "findings": lines, "since": now}
    upsert(tx, MappingTrouble, [row], keys=["id"], update=["findings"])


def clear_trouble(tx: Tx, *, where: int = ON_DISK) -> None:
    """The files are good again."""
    tx.execute(sa.delete(MappingTrouble).where(MappingTrouble.id == where))


def trouble(tx: Tx, *, where: int = ON_DISK) -> Trouble | None:
    """What is wrong with the files on disk, or those in force; None: nothing."""
    found = sa.select(MappingTrouble.findings, MappingTrouble.since).where(MappingTrouble.id == where)
    row = tx.execute(found).one_or_none()
    return None if row is None else Trouble(tuple(row.findings), row.since)
