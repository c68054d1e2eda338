"""Two sets of mapping files, line by line, as `diff -u` shows them. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import PurePath


def unified_diff(before: Mapping[str, str], after: Mapping[str, str], *, names: tuple[str, str]) -> Iterator[str]:
    """Lines without their ends, file by file; nothing where the sets say the same.

    Files are the same by their last name, since a set may have been published from a folder of another name.
    ``names`` of the two sets stand behind the file's, as times do in `diff -u`.
    """
    old, new = _by_name(before), _by_name(after)
    for name in sorted(old.keys() | new.keys()):
        was, text = old.get(name, ("/dev/null", "")), new.get(name, ("/dev/null", ""))
        lines = difflib.unified_diff(
            was[1].splitlines(),
            text[1].splitlines(),
            fromfile=was[0],
            tofile=text[0],
            fromfiledate=names[0],
            tofiledate=names[1],
            lineterm="",
        )
        yield from lines


def _by_name(files: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    return {PurePath(file).name: (file, text) for file, text in files.items()}
