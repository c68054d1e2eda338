"""What a request does to a group's members, as a value. Pure: the wire adds it up, the directory carries it out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MemberDelta:
    """Members to add and to remove, as ids that were pushed. ``replace``: whoever is not in ``add`` goes."""

    replace: bool = False
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.replace or bool(self.add) or bool(self.remove)
