"""The folder is looked at each second and read only when something changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scim_bridge.mapping.findings import MappingError
from scim_bridge.mapping.watch import FolderWatch


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "mappings"
    path.mkdir()
    (path / "acme.yaml").write_text("one")
    return path


@pytest.fixture
def watch(folder: Path) -> FolderWatch:
    """A watch that has looked once."""
    watch = FolderWatch(folder)
    assert watch.poll() == {"mappings/acme.yaml": "one"}
    return watch


def test_nothing_new_is_none(watch: FolderWatch) -> None:
    assert watch.poll() is None


def test_a_changed_text(watch: FolderWatch, folder: Path) -> None:
    (folder / "acme.yaml").write_text("another")
    assert watch.poll() == {"mappings/acme.yaml": "another"}
    assert watch.poll() is None


def test_a_file_of_the_same_size_and_time_put_in_its_place(watch: FolderWatch, folder: Path) -> None:
    before = (folder / "acme.yaml").stat()
    (folder / "new").write_text("two")
    os.utime(folder / "new", ns=(before.st_atime_ns, before.st_mtime_ns))
    (folder / "new").rename(folder / "acme.yaml")
    assert watch.poll() == {"mappings/acme.yaml": "two"}


def test_files_that_come_and_go(watch: FolderWatch, folder: Path) -> None:
    (folder / "beta.yml").write_text("b")
    assert watch.poll() == {"mappings/acme.yaml": "one", "mappings/beta.yml": "b"}
    (folder / "acme.yaml").unlink()
    assert watch.poll() == {"mappings/beta.yml": "b"}


def test_what_cannot_be_read_is_told_once(watch: FolderWatch, folder: Path) -> None:
    (folder / "acme.yaml").write_bytes(b"\xff")
    with pytest.raises(MappingError):
        watch.poll()
    assert watch.poll() is None


def test_beside_a_link_to_itself_the_others_are_seen(watch: FolderWatch, folder: Path) -> None:
    (folder / "loop.yaml").symlink_to("loop.yaml")
    with pytest.raises(MappingError):
        watch.poll()
    (folder / "acme.yaml").write_text("another")
    with pytest.raises(MappingError):
        watch.poll()
    assert watch.poll() is None
    (folder / "loop.yaml").unlink()
    assert watch.poll() == {"mappings/acme.yaml": "another"}


def test_a_folder_that_vanishes_is_told_once_and_may_come_back(watch: FolderWatch, folder: Path) -> None:
    folder.rename(folder.with_name("away"))
    with pytest.raises(MappingError):
        watch.poll()
    assert watch.poll() is None
    folder.with_name("away").rename(folder)
    assert watch.poll() == {"mappings/acme.yaml": "one"}
