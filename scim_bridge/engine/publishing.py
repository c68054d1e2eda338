"""Put a set of mapping files in force: from the watched folder, from a command, or from an earlier revision.

All three come here, so that what the folder said is remembered the same way by each (`mapping/revisions`): two
processes that publish at once make one revision, and a rollback is not undone by the folder it left behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from scim_bridge.db import Tx
from scim_bridge.engine.doubts import doubts
from scim_bridge.engine.rules import Rules
from scim_bridge.errors import InvalidInput
from scim_bridge.mapping import revisions
from scim_bridge.mapping.compare import HubChange, compare
from scim_bridge.mapping.findings import Finding, in_order
from scim_bridge.mapping.load import MappingSet
from scim_bridge.mapping.model import HubMapping
from scim_bridge.mapping.revisions import RevisionRef, digest_of
from scim_bridge.mapping.work_tree import Commit


@dataclass(frozen=True, slots=True)
class Published:
    """``revision`` None: what was to be published is in force already. ``restored``: the revision rolled back to."""

    revision: int | None
    changes: tuple[HubChange, ...]
    hubs: Mapping[str, HubMapping]
    warnings: tuple[Finding, ...]
    restored: RevisionRef | None = None


def take_folder(
    tx: Tx, rules: Rules, files: dict[str, str], *, actor: str, now: datetime, commit: Commit | None
) -> int | None:
    """What the watcher does with a changed folder. The new revision; None: it changes nothing, or was rolled back."""
    revisions.lock(tx)
    published = None
    digest = digest_of(files)
    if not revisions.is_taken(tx, digest):
        published = rules.publish(tx, files, actor=actor, now=now, commit=commit)
        revisions.take(tx, digest)
    revisions.clear_trouble(tx)
    return published.revision if published else None


def publish_files(
    tx: Tx,
    rules: Rules,
    files: dict[str, str],
    *,
    actor: str,
    now: datetime,
    commit: Commit | None,
    is_watched: bool,
) -> Published:
    """Put ``files`` in force because somebody said so. ``is_watched``: they are those of the watched folder.

    Raises ``MappingError`` with every finding, and changes nothing.
    """
    revisions.lock(tx)
    before = rules.in_force(tx).mappings.hubs
    loaded = rules.load(files, today=now.date())
    published = rules.publish(tx, files, actor=actor, now=now, commit=commit)
    if is_watched:
        revisions.take(tx, digest_of(files))
        revisions.clear_trouble(tx)
    changes = tuple(compare(before, loaded.hubs))
    return Published(published.revision if published else None, changes, loaded.hubs, _warnings(tx, loaded))


def roll_back(
    tx: Tx, rules: Rules, revision_id: int | None, *, actor: str, now: datetime, on_disk: Sequence[str]
) -> Published:
    """Put an earlier revision's files in force again; None: those of the one before.

    ``on_disk``: digests that the watched folder may have now; it is not taken while it has one of them. Raises
    ``NotFound`` for a revision that is not there, ``InvalidInput`` for one that says what is in force, and
    ``MappingError`` for one that is not valid today; then nothing is changed.
    """
    revisions.lock(tx)
    current = revisions.in_force(tx)
    if current is None:
        raise InvalidInput("no revision is in force", advice="`scim-bridge mapping publish` makes the first")
    target = revisions.before(tx, current) if revision_id is None else revisions.get_revision(tx, revision_id)
    if target.digest == current.digest:
        said = "is in force" if target.id == current.id else f"says what {current.id} says, which is in force"
        raise InvalidInput(f"revision {target.id} {said}", advice="name another: `scim-bridge mapping list`")
    before = rules.in_force(tx).mappings.hubs
    files = dict(target.files)
    loaded = rules.load(files)
    published = rules.publish(tx, files, actor=actor, now=now, commit=target.commit, restores=target.id)
    revisions.leave_alone(tx, [current.digest, *on_disk])
    changes = tuple(compare(before, loaded.hubs))
    return Published(published.revision if published else None, changes, loaded.hubs, _warnings(tx, loaded), target)


def _warnings(tx: Tx, loaded: MappingSet) -> tuple[Finding, ...]:
    """What the files alone show, and what only the directory does."""
    return tuple(in_order([*loaded.warnings, *doubts(tx, loaded.hubs.values())]))
