"""Files that commands leave behind: whole or not at all, and for nobody else's eyes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from scim_bridge.errors import InvalidInput


@contextmanager
def new_file(path: Path) -> Iterator[TextIO]:
    """Text that becomes ``path`` at the end; what was there before stays until then, and after any error."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            yield file
        partial.replace(path)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}", advice="name another file") from error
    finally:
        partial.unlink(missing_ok=True)


def read_file(path: Path) -> str:
    """The whole text. Raises ``InvalidInput`` with the reason."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", advice="name the file that was made") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not text in UTF-8", advice="name the file that was made") from error
