"""GitHub organizations: seats, teams, invitations. The registry finds ``ADAPTER`` and ``SIMULATOR``.

Both are imported when they are asked for: a bridge in service never loads the simulator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adapters.github.adapter import GithubAdapter as ADAPTER  # noqa: N814
    from adapters.github.simulator import GithubSimulator as SIMULATOR  # noqa: N814

__all__ = ["ADAPTER", "SIMULATOR"]


def __getattr__(name: str) -> Any:
    if name == "ADAPTER":
        from adapters.github.adapter import GithubAdapter

        return GithubAdapter
    if name == "SIMULATOR":
        from adapters.github.simulator import GithubSimulator

        return GithubSimulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
