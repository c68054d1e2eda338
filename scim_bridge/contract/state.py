"""What an app shows, in our words; pure values that every adapter and the engine share.

An observation is a stream, because a hub of 100,000 accounts must not be held in memory: first the
``Asset``s, then ``Account``s (invitations before members, so that an acceptance in between shows twice
and never nowhere), then who holds what (``Holding``) and further addresses (``Alias``) as the app lists
them. Behind the items of each page comes its ``Page``: an observation is believed in full only where every
list that was begun is proven to its end. An adapter that knows it cannot go on raises instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

SEAT = "seat"
"""The thing that stands for the seat itself beside the assets, which are ``type/ref``."""

SUSPENSION = "suspension"
"""The thing that an account holds while it is suspended."""


class Status(StrEnum):
    """What an account is in its app."""

    INVITED = "invited"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"  # an invitation that lapsed or failed: it holds no seat


@dataclass(frozen=True, slots=True)
class Asset:
    """A thing inside the app with its own access. ``ref`` is the app's stable id."""

    type: str
    ref: str
    name: str
    slug: str = ""

    @property
    def key(self) -> str:
        """``type/ref``, as holdings and applied rows name it."""
        return f"{self.type}/{self.ref}"


@dataclass(frozen=True, slots=True)
class Account:
    """A login as the app shows it. ``ref`` never changes: a numeric id, or ``invitation:<id>``."""

    ref: str
    status: Status
    role: str | None = None
    login: str | None = None
    emails: tuple[str, ...] = ()
    detail: str = ""  # why an invitation failed, in the app's words
    name: str = ""  # the person's name as the app shows it
    is_outside: bool = False  # somebody who reaches assets without a seat, such as an outside collaborator


@dataclass(frozen=True, slots=True)
class Holding:
    """The account ``ref`` has ``role`` on the asset ``asset`` (``type/ref``)."""

    ref: str
    asset: str
    role: str


@dataclass(frozen=True, slots=True)
class Alias:
    """An address that the app itself vouches for as belonging to the account ``ref``."""

    ref: str
    email: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page of one of the app's lists was read; its items were yielded before.

    ``name`` tells lists apart, for people as well ("members"); a list that is read again needs another name.
    ``is_last``: the app's own end marker was there. ``pages`` and ``total``: how many pages and items the app says
    the list has now; None where it does not say.
    """

    name: str
    number: int  # from 1
    items: int
    is_last: bool
    pages: int | None = None
    total: int | None = None


Observed = Asset | Account | Holding | Alias | Page


@dataclass(frozen=True, slots=True)
class Invitation:
    """What to invite somebody with: an address, the seat role, and ``{asset: role}`` where the app takes assets.

    ``profile``: the app's attributes and what they shall say of the person, where it takes them.
    """

    email: str
    role: str
    assets: Mapping[Asset, str] = field(default_factory=dict)
    profile: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Probe:
    """What a connection test found: the tenant's stable id, its name, and warnings for the operator."""

    tenant: str
    name: str
    warnings: tuple[str, ...] = ()
