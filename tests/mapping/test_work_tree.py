"""The Git commit of a mapping folder, and whether the files that were read are what it has."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scim_bridge.mapping.load import read_folder
from scim_bridge.mapping.work_tree import Commit, find_commit


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Ops", "-c", "user.email=ops@acme.example", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A mapping folder inside a repository, with one file that is committed."""
    path = tmp_path / "company" / "mappings"
    path.mkdir(parents=True)
    git(path.parent, "init", "-q")
    (path / "acme.yaml").write_text("app: forge\n")
    git(path.parent, "add", "-A")
    git(path.parent, "commit", "-qm", "one")
    return path


def found(folder: Path) -> Commit | None:
    return find_commit(folder, read_folder(folder))


def test_a_clean_work_tree(folder: Path) -> None:
    assert found(folder) == Commit(git(folder, "rev-parse", "HEAD"), is_dirty=False)


def test_the_root_of_a_work_tree(folder: Path) -> None:
    (folder.parent / "root.yaml").write_text("app: forge\n")
    git(folder, "add", "-A", "..")
    git(folder, "commit", "-qm", "two")
    assert found(folder.parent) == Commit(git(folder, "rev-parse", "HEAD"), is_dirty=False)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("acme.yaml", "app: other\n", id="changed"),
        pytest.param("new.yaml", "app: forge\n", id="not-committed"),
        pytest.param("acme.yaml", None, id="deleted"),
    ],
)
def test_a_folder_with_changes_is_dirty(folder: Path, name: str, text: str | None) -> None:
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(text)
    assert found(folder) == Commit(git(folder, "rev-parse", "HEAD"), is_dirty=True)


def test_what_is_staged_and_not_committed_is_dirty(folder: Path) -> None:
    (folder / "acme.yaml").write_text("app: other\n")
    git(folder, "add", "-A")
    commit = found(folder)
    assert commit is not None
    assert commit.is_dirty


def test_other_files_do_not_count(folder: Path) -> None:
    (folder / "notes.md").write_text("hm")
    (folder / "old").mkdir()
    (folder / "old" / "beta.yaml").write_text("hm")
    (folder.parent / "else.yaml").write_text("hm")
    assert found(folder) == Commit(git(folder, "rev-parse", "HEAD"), is_dirty=False)


def test_the_texts_that_were_read_count_not_what_the_folder_has_by_now(folder: Path) -> None:
    files = read_folder(folder)
    (folder / "acme.yaml").write_text("app: other\n")
    commit = find_commit(folder, files)
    assert commit is not None
    assert not commit.is_dirty


def test_a_file_with_a_byte_order_mark(folder: Path) -> None:
    (folder / "acme.yaml").write_bytes(b"\xef\xbb\xbfapp: forge\n")
    git(folder, "commit", "-qam", "mark")
    commit = found(folder)
    assert commit is not None
    assert not commit.is_dirty


def test_a_hook_of_another_repository_does_not_mislead(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere/.git")
    assert found(folder) is not None


def test_outside_of_a_work_tree(tmp_path: Path) -> None:
    assert find_commit(tmp_path, {}) is None


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert find_commit(tmp_path, {}) is None


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert find_commit(tmp_path / "gone", {}) is None


def test_a_machine_without_git(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert found(folder) is None


def test_a_git_that_hangs_is_not_waited_for(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = tmp_path / "bin" / "git"
    hanging.parent.mkdir()
    hanging.write_text("#!/bin/sh\nexec sleep 60\n")
    hanging.chmod(0o755)
    monkeypatch.setenv("PATH", str(hanging.parent), prepend=":")
    assert found(folder) is None


def test_a_commit_in_short() -> None:
    assert str(Commit("0123456789abcdef", is_dirty=False)) == "0123456789ab"
    assert str(Commit("0123456789abcdef", is_dirty=True)) == "0123456789ab+"
