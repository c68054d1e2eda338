"""The set in force: published whole, once, and with a trace."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

import scim_bridge.tables  # noqa: F401
from scim_bridge.audit.tables import AuditRow
from scim_bridge.db import Database
from scim_bridge.errors import NotFound
from scim_bridge.mapping import revisions
from scim_bridge.mapping.findings import Finding
from scim_bridge.mapping.model import Place
from scim_bridge.mapping.tables import RevisionChange
from scim_bridge.mapping.work_tree import Commit

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FILES = {"mappings/b.yaml": "b", "mappings/a.yaml": "a"}


def publish_all(db: Database, *contents: dict[str, str], restores: dict[int, int] | None = None) -> list[int]:
    """One revision each, from 1 on; ``restores``: position (from 0) -> the revision it restores."""
    with db.write() as tx:
        found = [
            revisions.publish(tx, files, actor="cli:ana", now=NOW, restores=(restores or {}).get(at))
            for at, files in enumerate(contents)
        ]
    assert None not in found
    return [revision for revision in found if revision is not None]


def test_before_the_first_nothing_is_in_force(db: Database) -> None:
    with db.read() as tx:
        assert revisions.in_force(tx) is None
        assert revisions.in_force_id(tx) is None


def test_a_published_set_is_in_force_whole(db: Database) -> None:
    with db.write() as tx:
        first = revisions.publish(tx, FILES, actor="cli:ana", now=NOW)
    with db.read() as tx:
        assert first is not None
        assert revisions.in_force(tx) == revisions.RevisionRef(
            first, FILES, revisions.digest_of(FILES), "cli:ana", NOW, commit=None, restores=None
        )
        assert revisions.in_force_id(tx) == first


def test_fan_out_is_told(db: Database) -> None:
    with db.write() as tx:
        revision = revisions.publish(tx, FILES, actor="cli:ana", now=NOW)
        rows = tx.execute(sa.select(RevisionChange.revision_id, RevisionChange.after_person_id)).all()
    assert rows == [(revision, 0)]


def test_the_audit_says_who(db: Database) -> None:
    with db.write() as tx:
        revision = revisions.publish(tx, FILES, actor="cli:ana", now=NOW)
        row = tx.execute(sa.select(AuditRow.actor, AuditRow.action, AuditRow.detail)).one()
    assert (row.actor, row.action) == ("cli:ana", "mapping.published")
    assert row.detail == {
        "revision": revision,
        "digest": revisions.digest_of(FILES),
        "files": ["mappings/a.yaml", "mappings/b.yaml"],
    }


def test_the_same_set_again_changes_nothing(db: Database) -> None:
    with db.write() as tx:
        revisions.publish(tx, FILES, actor="cli:ana", now=NOW)
        assert revisions.publish(tx, dict(sorted(FILES.items())), actor="cli:ana", now=NOW) is None


def test_an_older_set_may_come_back(db: Database) -> None:
    with db.write() as tx:
        first, second, third = (revisions.publish(tx, files, actor="cli:ana", now=NOW) for files in (FILES, {}, FILES))
    assert first is not None
    assert second is not None
    assert third is not None
    assert first < second < third


def test_two_processes_publish_a_change_once(db: Database) -> None:
    published: list[int | None] = []
    start = threading.Barrier(4)

    def publish() -> None:
        start.wait()
        with db.write() as tx:
            published.append(revisions.publish(tx, FILES, actor="engine", now=NOW))

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(revision is None for revision in published) == [False, True, True, True]


@pytest.mark.parametrize("other", [{"a": "1", "b": "2"}, {"a1": "", "b": "2"}, {"a": "1b", "2": ""}])
def test_digests_tell_sets_apart(other: dict[str, str]) -> None:
    assert revisions.digest_of({"a": "1b2"}) != revisions.digest_of(other)


def test_a_revision_keeps_its_commit_and_so_does_the_audit(db: Database) -> None:
    with db.write() as tx:
        revision = revisions.publish(tx, FILES, actor="cli:ana", now=NOW, commit=Commit("f00d", is_dirty=True))
        assert revision is not None
        assert revisions.get_revision(tx, revision).commit == Commit("f00d", is_dirty=True)
        detail = tx.execute(sa.select(AuditRow.detail)).scalar_one()
    assert (detail["commit"], detail["is_dirty"]) == ("f00d", True)


def test_a_rollback_is_a_revision_that_says_so(db: Database) -> None:
    first, _, third = publish_all(db, FILES, {}, FILES, restores={2: 1})
    with db.read() as tx:
        assert revisions.get_revision(tx, third).restores == first
        actions = tx.execute(sa.select(AuditRow.action, AuditRow.detail).order_by(AuditRow.id)).all()
    assert [row.action for row in actions] == ["mapping.published", "mapping.published", "mapping.rolled_back"]
    assert actions[2].detail["restores"] == first


def test_a_revision_that_is_not_there(db: Database) -> None:
    with db.read() as tx, pytest.raises(NotFound, match="there is no revision 7"):
        revisions.get_revision(tx, 7)


def test_the_newest_come_first(db: Database) -> None:
    first, second, third = publish_all(db, {}, FILES, {})
    with db.read() as tx:
        assert [ref.id for ref in revisions.newest_first(tx, at_most=2)] == [third, second]
        assert first == 1


@pytest.mark.parametrize(
    ("contents", "restores", "to"),
    [
        pytest.param("ab", {}, 1, id="the-one-before"),
        pytest.param("aba", {2: 1}, None, id="nothing-is-before-the-first"),
        pytest.param("abcb", {3: 2}, 1, id="a-second-step-goes-further-back"),
        pytest.param("abcbcb", {3: 2, 4: 3, 5: 4}, 1, id="through-rollbacks-of-rollbacks"),
        pytest.param("aba", {}, 2, id="an-edit-back-is-an-edit"),
        pytest.param("a", {}, None, id="only-one"),
    ],
)
def test_what_is_before(db: Database, contents: str, restores: dict[int, int], to: int | None) -> None:
    publish_all(db, *({"a": letter} for letter in contents), restores=restores)
    with db.read() as tx:
        current = revisions.in_force(tx)
        assert current is not None
        if to is None:
            with pytest.raises(NotFound, match="there is no revision before 1"):
                revisions.before(tx, current)
        else:
            assert revisions.before(tx, current).id == to


def test_only_another_content_of_the_folder_is_a_proposal(db: Database) -> None:
    with db.write() as tx:
        assert not revisions.is_taken(tx, "one")
        revisions.take(tx, "one")
        assert revisions.is_taken(tx, "one")
        revisions.take(tx, "two")
        assert (revisions.is_taken(tx, "one"), revisions.is_taken(tx, "two")) == (False, True)


def test_what_is_left_alone_stays_so_until_the_folder_is_taken_again(db: Database) -> None:
    with db.write() as tx:
        revisions.leave_alone(tx, ["two"])
        revisions.leave_alone(tx, ["one", "two"])
        assert all(revisions.is_taken(tx, digest) for digest in ("one", "two"))
        revisions.take(tx, "three")
        assert not revisions.is_taken(tx, "two")


def test_trouble_is_noted_kept_and_cleared(db: Database) -> None:
    error = Finding(Place("mappings/a.yaml", 3, 1), "no such key", "remove it")
    doubt = Finding(Place("mappings/a.yaml", 4, 1), "hm", "", "warning")
    with db.write() as tx:
        assert revisions.trouble(tx) is None
        revisions.note_trouble(tx, [error, doubt], NOW)
        revisions.note_trouble(tx, [error, error], NOW + timedelta(hours=1))
        line = "mappings/a.yaml:3:1: no such key; remove it"
        assert revisions.trouble(tx) == revisions.Trouble((line, line), NOW)
        revisions.clear_trouble(tx)
        assert revisions.trouble(tx) is None
