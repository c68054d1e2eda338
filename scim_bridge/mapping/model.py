"""A mapping file, read and checked: what the operator wrote, as values. Pure.

Names of groups and assets stay as written; what they mean today (bindings) is looked up by ``evaluate``
and by the hub.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal, get_args

from scim_bridge.contract.limits import Limits
from scim_bridge.filters import CORE_TRAITS, Filter, Traits
from scim_bridge.mapping.patterns import Pattern


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: file as the operator knows it, line and column from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{printable(self.file)}:{self.line}:{self.column}"


def printable(name: str) -> str:
    """A file's name in one line: a name may hold a line break, or bytes that are no text in any encoding."""
    if name.isprintable():
        return name
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in name)


@dataclass(frozen=True, slots=True)
class GroupName:
    """A plain name: binds to the id of the group that it first meets, per source."""

    name: str
    key: str  # NFC, case-folded


@dataclass(frozen=True, slots=True)
class GroupPattern:
    """A name with ``*`` or ``{word}``: follows the names, never binds."""

    pattern: Pattern


@dataclass(frozen=True, slots=True)
class GroupId:
    """The bridge's group id, or the source's externalId."""

    id: str


GroupRef = GroupName | GroupPattern | GroupId


@dataclass(frozen=True, slots=True)
class AssetGrant:
    """``assets`` entry of a rule: the type, a name or id (a template over captures; ``*`` for all), its roles."""

    type: str
    name: str
    roles: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Partner:
    """Another business inside the app, the subject of a rule; ``owner`` answers for it here (an address)."""

    id: str
    name: str
    owner: str


HubRole = Literal["owner", "manager", "collaborator"]
"""What a person may do to the hub, highest first."""

HUB_ROLES: Final[tuple[HubRole, ...]] = get_args(HubRole)


@dataclass(frozen=True, slots=True)
class Grant:
    """One rule. ``groups``: any of; with ``where``: both; or ``partner``. ``until``: the last day it holds, UTC."""

    name: str
    place: Place
    groups: tuple[GroupRef, ...] = ()
    where: Filter | None = None
    exclude: Filter | None = None
    role: str | None = None
    assets: tuple[AssetGrant, ...] = ()
    hub_role: HubRole | None = None
    source: str | None = None  # holds for users of this identity source only
    source_place: Place | None = None
    until: date | None = None
    partner: Partner | None = None


@dataclass(frozen=True, slots=True)
class MatchRule:
    """Whose account is it: an account's attribute against a person's."""

    account: str
    person: str
    review: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One timed step of leaving: ``after_s`` seconds from the loss."""

    after_s: int
    do: Literal["remove_assets", "suspend", "remove", "nothing"]


@dataclass(frozen=True, slots=True)
class MaxRemovals:
    """Removals in a sliding hour beyond which they are held; the stricter of the two, None: not given."""

    count: int | None = 10
    percent: float | None = 20.0


@dataclass(frozen=True, slots=True)
class Safety:
    """The brake of one hub."""

    start: Literal["plan", "apply"] = "plan"
    settle_s: int = 60
    max_removals: MaxRemovals = MaxRemovals()
    keep_at_least: Mapping[str, int] = field(default_factory=dict)  # role -> holders
    protect: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    unmanaged: Literal["report", "hold"] = "report"
    drift: Literal["report", "fix"] = "report"
    approve_roles: tuple[str, ...] = ()
    create_assets: tuple[str, ...] = ()  # asset types


@dataclass(frozen=True, slots=True)
class Login:
    """How a seat holder signs in: by the company's SSO, or with what the vault keeps."""

    method: Literal["sso", "vault"] = "sso"
    mfa: Literal["totp"] | None = None
    rotate_s: int | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a test says somebody comes out with; None: the test does not say. An empty role: none."""

    role: str | None = None
    because: str | None = None  # the name of a rule that gives the seat; or the hub role, where only that is expected
    assets: Mapping[str, tuple[str, ...]] | None = None
    hub_role: HubRole | Literal[""] | None = None


@dataclass(frozen=True, slots=True)
class MappingTest:
    """An entry of ``tests``: a person by their SCIM attributes, ``groups`` by name or id. ``expect`` None: nothing.

    ``source``: of which identity source they are; None: of one that no rule names.
    """

    person: Mapping[str, Any]
    groups: tuple[str | GroupId, ...]
    expect: Expectation | None
    place: Place
    source: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class HubMapping:
    """One file of ``mappings/``: all that a hub is told.

    Compared by identity, so that what is worked out of it once (``evaluate.compile_hub``) can be kept.
    """

    hub_id: str
    app: str
    tenant: str  # app-specific, from the adapter; two hubs with the same are an error
    connect: Mapping[str, str]  # secrets still as references
    roles: tuple[str, ...]
    asset_roles: Mapping[str, tuple[str, ...]]
    exclusive_types: frozenset[str]  # asset types whose roles exclude each other
    grants: tuple[Grant, ...]
    place: Place
    limits: Limits | None = None  # None: the adapter's, for writes only
    scope: Filter | None = None
    match: tuple[MatchRule, ...] = ()
    lost_access: tuple[Step, ...] = (Step(0, "remove"),)
    disabled: tuple[Step, ...] = (Step(0, "remove"),)
    safety: Safety = Safety()
    check_s: int = 86_400
    profile: Mapping[str, str] = field(default_factory=dict)  # target attribute -> template, as written
    login: Login = Login()
    is_manual_fallback: bool = False  # connect.fallback: manual
    tests: tuple[MappingTest, ...] = ()
    traits: Traits = CORE_TRAITS  # what conditions and templates know of a user's attributes
