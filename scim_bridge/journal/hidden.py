"""Where a request may hold what the operator's schemas say is never shown (``returned: never``). Pure.

The attribute is known by its schema and its path, in every form in which it may be sent:

    {"urn:…:User": {"badge": {"code": …}}}     {"urn:…:User:badge.code": …}     {"urn:…:User:badge": {"code": …}}
    {"path": "urn:…:User:badge[type eq \"x\"].code", "value": …}     {"path": "urn:…:User", "value": {…}}

and without its URN, where no attribute of the resource itself has the name. Others of its name stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_OPERATORS = "eq|ne|co|sw|ew|gt|ge|lt|le"


@dataclass(frozen=True, slots=True)
class Hidden:
    """``paths`` are hidden, ``leading`` lead to one; ``words``: a body without any of these has none of them."""

    paths: frozenset[str] = frozenset()
    leading: frozenset[str] = frozenset()
    urns: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()
    compared: re.Pattern[str] | None = None

    def hides(self, path: str) -> bool:
        """Whether what stands at ``path`` (see ``path_of``) is hidden, or a part of what is."""
        return path in self.paths or path.rpartition(".")[0] in self.paths

    def path_of(self, key: str, scope: str = "") -> str:
        """The full path of ``key`` in an object at ``scope``, in lower case and without what chooses values."""
        begin, end = key.find("["), key.rfind("]")
        path = (key[:begin] + key[end + 1 :] if 0 <= begin < end else key).lower()
        if not scope:
            return path
        return f"{scope}:{path}" if scope in self.urns else f"{scope}.{path}"

    def scope_of(self, path: str) -> str:
        """The scope of an object at ``path``: empty where it leads to nothing hidden."""
        return path if path in self.leading else ""


def hidden(attributes: Iterable[tuple[str, str]]) -> Hidden:
    """What hides ``attributes``: the URN of the schema (empty: named without it), and ``name`` or ``name.part``."""
    known = [(urn.lower(), path.lower()) for urn, path in attributes]
    paths = frozenset(f"{urn}:{path}" if urn else path for urn, path in known)
    parents = {path.rpartition(".")[0] for path in paths if "." in path.rpartition(":")[2]}
    urns = frozenset(urn for urn, _ in known if urn)
    last = sorted({path.rpartition(".")[2] for _, path in known})
    parts = {path.rpartition(".")[2] for _, path in known if "." in path}
    named = "|".join(map(re.escape, sorted(paths | parts)))
    compared = rf"(?<![\w.:$-])((?:{named})\s+(?:{_OPERATORS})\s).*"
    return Hidden(
        paths, urns | parents, urns, tuple(last), re.compile(compared, re.IGNORECASE | re.DOTALL) if known else None
    )


NOTHING_HIDDEN = Hidden()
