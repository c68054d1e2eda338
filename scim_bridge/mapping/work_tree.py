"""Which Git commit a mapping folder stands at, and whether its files are what that commit has.

Asked of `git` itself, with a time limit; without Git, outside of a work tree, or where Git refuses (a folder of
another user), the answer is None and nobody is hindered. The texts that were read are compared with the commit's
blobs instead of asking `git status`: so the answer is about just these texts, whatever is edited meanwhile, no
index is written, and no hook of the repository runs.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scim_bridge.mapping.load import is_mapping_name

_TIMEOUT_S: Final = 1.0
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit's id in hex; ``is_dirty``: the folder's files are not, or not all, what it has."""

    id: str
    is_dirty: bool

    def __str__(self) -> str:
        return self.id[:12] + ("+" if self.is_dirty else "")


def find_commit(folder: Path, files: Mapping[str, str]) -> Commit | None:
    """The commit under ``folder``, whose ``files`` (name -> text) were read; None: none, or Git cannot say."""
    head = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if not head:
        return None
    commit = head.decode().strip()
    tree = _git(folder, "ls-tree", "-z", commit, "./")
    if tree is None:
        return None
    known = {}
    for entry in tree.decode(errors="replace").split("\0")[:-1]:
        about, _, path = entry.partition("\t")
        name = path.rpartition("/")[2]
        if about.split()[1] == "blob" and is_mapping_name(name):
            known[name] = about.split()[2]
    found = {Path(name).name: text for name, text in files.items()}
    is_same = known.keys() == found.keys() and all(_is_blob(known[name], found[name]) for name in known)
    return Commit(commit, not is_same)


def _is_blob(blob: str, text: str) -> bool:
    name = "sha1" if len(blob) == 40 else "sha256"
    for content in (text.encode(), _BOM + text.encode()):  # a mark at the start is not read
        digest = hashlib.new(name, b"blob %d\0" % len(content) + content, usedforsecurity=False)
        if digest.hexdigest() == blob:
            return True
    return False


def _git(folder: Path, *arguments: str) -> bytes | None:
    """What `git` says; None where it fails, is missing or takes too long."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}  # a hook's
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(folder), *arguments],  # noqa: S607
            env=environ | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
