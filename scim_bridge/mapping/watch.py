"""Notice that mapping files changed, by a look each second: works on every file system, NFS and Kubernetes too.

Only names, times, sizes and inodes are looked at; nothing is read while they stand still.
"""

from __future__ import annotations

import os
from pathlib import Path

from scim_bridge.mapping.load import mapping_files, read_folder

_Signature = tuple[tuple[str, int, int, int, int], ...] | None


class FolderWatch:
    """One folder of mapping files. Not for several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: _Signature = None
        self._is_first = True

    def poll(self) -> dict[str, str] | None:
        """The files, if anything changed since the last poll (the first always gives them); else None.

        Raises ``MappingError`` where they cannot be read: once, and again only after a further change.
        """
        seen = self._look()  # before reading: what changes meanwhile is seen by the next poll
        if seen == self._seen and not self._is_first:
            return None
        self._seen, self._is_first = seen, False
        return read_folder(self._folder)

    def _look(self) -> _Signature:
        try:
            return tuple((entry.name, *_look(entry.path)) for entry in mapping_files(self._folder))
        except OSError:
            return None


def _look(path: str) -> tuple[int, int, int, int]:
    try:
        seen = os.stat(path)
    except OSError as error:  # a link to nowhere, or to itself: the other files are seen nonetheless
        return (error.errno or 0, 0, 0, 0)
    return (seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_ino)
