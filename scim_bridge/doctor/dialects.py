"""Entra's two dialects: a check is written once and carried out in each.

*Legacy* is the default; *flagged* is sent where the tenant URL has ``aadOptscim062020``. Provision on demand ignores
the flag, so one tenant sends both.
"""

from __future__ import annotations

from collections.abc import Callable

from scim_bridge.doctor.checks import Family, Visit
from scim_bridge.local.entra import EntraClient

_Both = Callable[[Visit, EntraClient], None]


class EntraFamily(Family):
    """Checks of what Entra sends."""

    def __init__(self) -> None:
        super().__init__("entra")

    def both(self, name: str, why: str) -> Callable[[_Both], _Both]:
        """Decorate a function that is a check with the client of each dialect: ``NAME_legacy``, ``NAME_flagged``."""

        def add(run: _Both) -> _Both:
            self(f"{name}_legacy", why)(lambda visit: run(visit, visit.legacy))
            self(f"{name}_flagged", why)(lambda visit: run(visit, visit.flagged))
            return run

        return add


def new_user(visit: Visit) -> str:
    """The id of a user that Entra created."""
    return str(visit.legacy.create(visit.name(), "Ada", "Byron")["id"])
