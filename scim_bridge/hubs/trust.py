"""May a reading say that something is gone? Pure.

    a reading                                             | is
    ------------------------------------------------------+-----------
    proven, about as many accounts as before              | trusted
    a list of it is not proven to its end                 | unproven
    many accounts fewer than the last trusted one         | shrunken
    broken off by an error                                | failed

Only a trusted reading takes anything away: a mass of accounts that "vanished" is a fault of the app or of its
credential far more often than the truth, and whoever believes it removes, forgets and invites again en masse.
A person who knows better says ``hub check HUB --trust``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FROM_ACCOUNTS = 5
"""Below this many expected accounts a share of them says nothing."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a reading is not trusted; ``text`` is a sentence without names."""

    kind: Literal["unproven", "shrunken", "failed"]
    text: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is expected: accounts of the last trusted reading (None: there is none), and those we took away since.

    Those count, too, that we asked the app to take away and that are not there, though no answer came.
    """

    accounts: int | None = None
    taken: int = 0

    @property
    def expected(self) -> int | None:
        """How many accounts there should be at least; None: nobody knows."""
        return None if self.accounts is None else max(self.accounts - self.taken, 0)


def doubt(lack: str | None, accounts: int, before: Baseline, *, loss_percent: float) -> Doubt | None:
    """Why a reading that ended is not to be trusted; None: it is.

    ``lack`` is what its lists do not prove; ``accounts`` how many it showed. It is shrunken where more than
    ``loss_percent`` of the expected accounts are not there, from ``FROM_ACCOUNTS`` on.
    """
    if lack is not None:
        return Doubt("unproven", f"the app's lists were not read to their end: {lack}")
    expected = before.expected
    if expected is None or expected < FROM_ACCOUNTS:
        return None
    if (expected - accounts) * 100 <= expected * loss_percent:
        return None
    return Doubt("shrunken", f"{accounts} accounts where {expected} were expected")


def on_a_word(seen: Doubt | None, accounts: int, shown: int | None, *, loss_percent: float) -> Doubt | None:
    """The same where a person said to trust it: ``shown`` accounts were in the reading that the person saw.

    The word holds for about what was seen, not for whatever may come; None: the person saw none.
    """
    if seen is None or shown is None:
        return None
    return doubt(None, accounts, Baseline(shown), loss_percent=loss_percent)


def untrusted(hub_id: str, kind: str | None, text: str | None) -> str | None:
    """A hub's doubt and the way out, in a sentence; None: its last reading is trusted."""
    if text is None:
        return None
    if kind == "failed":
        return f"{text}; it is read again by itself"
    return (
        f"{text}; nothing was taken away, and it is read again by itself; "
        f"if the app is right, say `scim-bridge hub check {hub_id} --trust`"
    )
