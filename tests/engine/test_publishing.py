"""Which set is in force: by the folder, by a command, by a rollback, and the three of them meeting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from engine_kit import GRANTS, World, mapping

from scim_bridge.db import Database
from scim_bridge.engine.keeper import Keeper
from scim_bridge.engine.publishing import Published, publish_files, roll_back
from scim_bridge.errors import InvalidInput, NotFound
from scim_bridge.hubs.tables import Hub
from scim_bridge.mapping import revisions
from scim_bridge.mapping.compare import HubChange
from scim_bridge.mapping.findings import MappingError
from scim_bridge.mapping.revisions import digest_of

A = mapping()
B = mapping(safety="max_removals: {count: 3}")
C = mapping(grants=GRANTS + "  - {name: sales, group: Sales, role: member}\n")


class Desk:
    """The folder, an operator's commands, and the engine's look at the folder."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.folder: Path = world.settings.mappings
        self.folder.mkdir(exist_ok=True)

    @property
    def name(self) -> str:
        return f"{self.folder.name}/acme.yaml"

    def edit(self, text: str) -> None:
        (self.folder / "acme.yaml").write_text(text)

    def look(self) -> None:
        """The engine's sweep."""
        self.world.keeper.watch_mappings(self.world.now)

    def restart(self) -> None:
        self.world.keeper.stop()
        self.world.start_engine()

    def publish(self, text: str, *, is_watched: bool = False) -> Published:
        with self.world.db.write() as tx:
            return publish_files(
                tx,
                self.world.rules,
                {self.name: text},
                actor="cli:eve",
                now=self.world.now,
                commit=None,
                is_watched=is_watched,
            )

    def roll_back(self, revision: int | None = None) -> Published:
        text = (self.folder / "acme.yaml").read_text() if (self.folder / "acme.yaml").exists() else None
        on_disk = [] if text is None else [digest_of({self.name: text})]
        with self.world.db.write() as tx:
            return roll_back(tx, self.world.rules, revision, actor="cli:eve", now=self.world.now, on_disk=on_disk)

    @property
    def in_force(self) -> tuple[int, str, str]:
        """Revision, text and who."""
        with self.world.db.read() as tx:
            ref = revisions.in_force(tx)
        assert ref is not None
        return ref.id, next(iter(ref.files.values())), ref.actor


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def test_the_folder_puts_itself_in_force(desk: Desk) -> None:
    desk.edit(A)
    desk.look()
    revision, text, who = desk.in_force
    assert (text, who) == (A, "engine")
    desk.edit(B)
    desk.look()
    assert desk.in_force == (revision + 1, B, "engine")


def test_a_published_set_says_what_it_changes(desk: Desk) -> None:
    assert desk.publish(A).changes[0].what == "added"
    done = desk.publish(C)
    assert done.changes == (HubChange("acme", "changed", added=("sales",)),)
    assert desk.publish(C).revision is None


def test_the_folder_does_not_undo_what_a_command_published(desk: Desk) -> None:
    desk.edit(A)
    desk.look()
    desk.publish(B)
    desk.restart()
    desk.look()
    assert desk.in_force[1:] == (B, "cli:eve")


def test_a_folder_that_a_command_published_counts_again_when_it_goes_back(desk: Desk) -> None:
    desk.edit(A)
    desk.look()
    desk.edit(B)
    desk.publish(B, is_watched=True)
    desk.edit(A)
    desk.look()
    assert desk.in_force[1:] == (A, "engine")


@pytest.mark.parametrize("restarted", [False, True], ids=["at-once", "over-a-restart"])
def test_a_rollback_is_not_undone_by_the_folder(desk: Desk, restarted: bool) -> None:
    for text in (A, B):
        desk.edit(text)
        desk.look()
    done = desk.roll_back()
    if restarted:
        desk.restart()
    desk.look()
    assert desk.in_force == (done.revision, A, "cli:eve")


def test_touching_the_files_after_a_rollback_changes_nothing(desk: Desk) -> None:
    for text in (A, B):
        desk.edit(text)
        desk.look()
    desk.roll_back()
    desk.edit(B)
    desk.look()
    assert desk.in_force[1] == A


def test_a_change_of_the_folder_after_a_rollback_counts(desk: Desk) -> None:
    for text in (A, B):
        desk.edit(text)
        desk.look()
    desk.roll_back()
    desk.edit(C)
    desk.look()
    assert desk.in_force[1:] == (C, "engine")


def test_the_folder_mended_like_the_rollback_counts_from_then_on(desk: Desk) -> None:
    for text in (A, B):
        desk.edit(text)
        desk.look()
    done = desk.roll_back()
    desk.edit(A)
    desk.look()
    assert desk.in_force[0] == done.revision
    desk.edit(B)
    desk.look()
    assert desk.in_force[1:] == (B, "engine")


def test_a_rollback_before_the_engine_ever_saw_the_folder(desk: Desk) -> None:
    desk.publish(A)
    desk.edit(B)
    desk.publish(B)
    desk.roll_back()
    desk.look()
    assert desk.in_force[1:] == (A, "cli:eve")


def test_a_rollback_from_where_the_folder_is_not(desk: Desk) -> None:
    for text in (A, B):
        desk.edit(text)
        desk.look()
    (desk.folder / "acme.yaml").rename(desk.folder / "away")
    desk.roll_back()
    (desk.folder / "away").rename(desk.folder / "acme.yaml")
    desk.restart()
    desk.look()
    assert desk.in_force[1] == A


def test_a_second_rollback_goes_further_back(desk: Desk) -> None:
    for text in (A, B, C):
        desk.publish(text)
    desk.roll_back()
    assert desk.in_force[1] == B
    desk.roll_back()
    assert desk.in_force[1] == A
    with pytest.raises(NotFound, match="there is no revision before"):
        desk.roll_back()


def test_a_rollback_detaches_the_hubs_that_came_since(desk: Desk) -> None:
    desk.publish(A)
    files = {desk.name: A, desk.name.replace("acme", "other"): mapping(app="direct")}
    with desk.world.db.write() as tx:
        desk.world.rules.publish(tx, files, actor="cli:eve", now=desk.world.now)
    assert desk.roll_back().changes == (HubChange("other", "detached"),)
    with desk.world.db.read() as tx:
        assert tx.execute(sa.select(Hub.detached_at).where(Hub.id == "other")).scalar() is not None


def test_what_is_in_force_is_not_rolled_back_to(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="no revision is in force"):
        desk.roll_back()
    for text in (A, B, A):
        desk.publish(text)
    current = desk.in_force[0]
    with pytest.raises(InvalidInput, match=f"revision {current} is in force; name another"):
        desk.roll_back(current)
    with pytest.raises(InvalidInput, match=f"revision {current - 2} says what {current} says"):
        desk.roll_back(current - 2)


def test_a_revision_that_todays_adapters_do_not_take_is_refused(desk: Desk, db: Database) -> None:
    old = A.replace("[owner, member, guest]", "[owner, member, guest, dean]")
    with db.write() as tx:
        first = revisions.publish(tx, {desk.name: old}, actor="cli:eve", now=desk.world.now)
    desk.publish(A)
    before = desk.in_force
    with pytest.raises(MappingError) as refused:
        desk.roll_back(first)
    assert 'the app has no role "dean"' in refused.value.findings[0].message
    assert desk.in_force == before


def test_a_set_in_force_that_todays_adapters_do_not_take_keeps_no_better_one_out(desk: Desk, db: Database) -> None:
    old = A.replace("[owner, member, guest]", "[owner, member, guest, dean]")
    with db.write() as tx:
        revisions.publish(tx, {desk.name: old}, actor="cli:eve", now=desk.world.now)
    assert desk.publish(A).revision is not None


def test_an_invalid_folder_is_told_and_the_last_good_set_stays(desk: Desk, db: Database) -> None:
    desk.edit(A)
    desk.look()
    desk.edit("app: memory\n")
    desk.look()
    with db.read() as tx:
        assert revisions.trouble(tx) is not None
    desk.restart()
    desk.look()
    with db.read() as tx:
        assert revisions.trouble(tx) is not None
    assert desk.in_force[1] == A
    desk.edit(A)
    desk.look()
    with db.read() as tx:
        assert revisions.trouble(tx) is None


def test_a_folder_that_is_not_watched_counts_only_by_publish(desk: Desk, db: Database) -> None:
    desk.edit("app: memory\n")
    desk.look()
    world = desk.world
    world.keeper.stop()
    world.settings = replace(world.settings, watch_mappings=False)
    world.keeper = Keeper(world.db, world.rules, world.connections, world.settings)
    desk.edit(A)
    desk.look()
    with db.read() as tx:
        assert revisions.in_force(tx) is None
        assert revisions.trouble(tx) is None
    desk.publish(A, is_watched=True)
    assert desk.in_force[1] == A
