"""An app in memory: invitations, roles, teams (one role each), boards (roles add up), and failures on order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, ClassVar, Self

from scim_bridge.clock import Clock
from scim_bridge.contract.http import HttpSettings
from scim_bridge.contract.limits import Limits
from scim_bridge.contract.protocol import Abilities, AssetType, ConnectKey
from scim_bridge.contract.registry import Registry
from scim_bridge.contract.state import Account, Asset, Holding, Invitation, Observed, Page, Probe, Status
from scim_bridge.errors import Conflict

CORE = Asset("team", "7", "Core", "core")
WEB = Asset("team", "8", "Web", "web")
ROADMAP = Asset("board", "1", "Roadmap", "roadmap")

_ASSETS = {"team": AssetType("team", ("maintainer", "member")), "board": AssetType("board", ("edit", "view"), False)}


@dataclass
class MemoryApp:
    """What the app holds, what it was asked (``calls``), and how it fails.

    ``failures[call]`` are raised one after another; ``after[call]`` too, but once the call has had its effect;
    ``during[call]`` runs in the middle of the call.
    """

    assets: list[Asset] = field(default_factory=lambda: [CORE, WEB, ROADMAP])
    accounts: dict[str, Account] = field(default_factory=dict)
    holdings: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    calls: list[tuple[str, ...]] = field(default_factory=list)
    failures: dict[str, list[BaseException]] = field(default_factory=dict)
    after: dict[str, list[BaseException]] = field(default_factory=dict)
    during: dict[str, Callable[[], None]] = field(default_factory=dict)
    readings: int = 0
    breaks_off: bool = False  # the end marker of the list of accounts is missing
    total: int | None = None  # how many accounts the app says it has
    _ids: int = 100

    def new_ref(self, prefix: str = "") -> str:
        self._ids += 1
        return f"{prefix}{self._ids}"

    def member(self, login: str, *emails: str, role: str = "member", holds: Mapping[Asset, str] | None = None) -> str:
        """Somebody who is there already, put in by hand. Returns the stable id."""
        ref = self.new_ref()
        self.accounts[ref] = Account(ref, Status.ACTIVE, role, login, emails)
        for asset, held in (holds or {}).items():
            self.holdings[ref, asset.key] = {held}
        return ref

    def invitation(self, email: str) -> Account | None:
        mine = (one for one in self.accounts.values() if one.emails == (email,) and one.status is Status.INVITED)
        return next(mine, None)

    def accept(self, email: str, *, shows_email: bool = True) -> str:
        """The invited person joins. Without ``shows_email`` nobody can tell whose login it is."""
        invited = self.invitation(email)
        assert invited is not None, f"{email} is not invited"
        self.drop(invited.ref)
        ref = self.member(email.partition("@")[0], *([email] if shows_email else []), role=invited.role or "member")
        for (account, asset), roles in list(self.holdings.items()):
            if account == invited.ref:
                self.holdings[ref, asset] = roles
        return ref

    def expire(self, email: str) -> None:
        invited = self.invitation(email)
        assert invited is not None
        self.accounts[invited.ref] = replace(invited, status=Status.EXPIRED)

    def drop(self, ref: str) -> None:
        del self.accounts[ref]

    def seats(self) -> dict[str, str | None]:
        """Role by address (or login); invited ones in brackets."""
        return {
            (one.emails or (one.login or "",))[0]: f"({one.role})" if one.status is Status.INVITED else one.role
            for one in self.accounts.values()
            if one.status is not Status.EXPIRED
        }

    def held(self, ref: str) -> dict[str, set[str]]:
        return {asset: roles for (account, asset), roles in self.holdings.items() if account == ref and roles}


class MemoryAdapter:
    """``connect.app`` names the app in ``APPS``. A seat starts by an invitation that carries assets."""

    APPS: ClassVar[dict[str, MemoryApp]] = {}
    abilities: ClassVar[Abilities] = Abilities(
        roles=("owner", "member", "guest"),
        asset_types=_ASSETS,
        connect=(ConnectKey("app", required=True), ConnectKey("token", secret=True)),
        limits=Limits(1, 1000.0, 1000),
        invites=True,
        assets_at_invitation=True,
        invitation_life_s=604_800,
        suspend=True,
    )

    def __init__(self, app: MemoryApp, secret: Callable[[], str], http: HttpSettings) -> None:
        self.app, self._secret, self._http = app, secret, http

    @classmethod
    def tenant(cls, connect: Mapping[str, str]) -> str:
        return connect["app"].casefold()

    @classmethod
    def connect(
        cls, connect: Mapping[str, str], secrets: Callable[[str], str], http: HttpSettings, clock: Clock
    ) -> Self:
        app = cls.APPS[connect["app"]]
        return cls(app, lambda: secrets("token") if "token" in connect else "", http)

    def probe(self) -> Probe:
        self._call("probe", "", writes=False)
        return Probe("t-1", "Memory")

    def observe(self) -> Iterator[Observed]:
        self.app.readings += 1
        self._call("observe", "", writes=False)
        yield from list(self.app.assets)
        yield Page("assets", 1, len(self.app.assets), is_last=True)
        accounts = sorted(self.app.accounts.values(), key=lambda one: (one.status is not Status.INVITED, one.ref))
        yield from accounts
        yield Page("accounts", 1, len(accounts), is_last=not self.app.breaks_off, total=self.app.total)
        for (ref, asset), roles in list(self.app.holdings.items()):
            if ref in self.app.accounts:
                yield from (Holding(ref, asset, role) for role in sorted(roles))
        self._call("observed", "", writes=False)

    def look(self, account: Account) -> Account | None:
        self._call("look", account.ref, writes=False)
        return self.app.accounts.get(account.ref)

    def invite(self, invitation: Invitation) -> Account:
        self._call("invite", invitation.email, invitation.role, *sorted(one.slug for one in invitation.assets))
        if any(one.emails == (invitation.email,) for one in self.app.accounts.values() if _is_there(one)):
            raise Conflict("somebody with this address is there already")
        account = self._new(invitation)
        self.app.accounts[account.ref] = account
        for asset, role in invitation.assets.items():
            self.app.holdings[account.ref, asset.key] = {role}
        self._raise("invite", self.app.after)
        return account

    def _new(self, invitation: Invitation) -> Account:
        ref = self.app.new_ref("invitation:")
        return Account(ref, Status.INVITED, invitation.role, None, (invitation.email,))

    def cancel(self, account: Account) -> bool:
        self._call("cancel", *account.emails)
        is_there = self.app.accounts.pop(account.ref, None) is not None
        self._raise("cancel", self.app.after)
        return is_there

    def change_role(self, account: Account, role: str) -> Account:
        self._call("change_role", account.login or "", role)
        changed = self.app.accounts[account.ref] = replace(self.app.accounts[account.ref], role=role)
        self._raise("change_role", self.app.after)
        return changed

    def set_asset(self, account: Account, asset: Asset, role: str) -> None:
        self._call("set_asset", account.login or "", asset.slug, role)
        roles = self.app.holdings.setdefault((account.ref, asset.key), set())
        if _ASSETS[asset.type].exclusive:
            roles.clear()
        roles.add(role)

    def unset_asset(self, account: Account, asset: Asset, role: str) -> None:
        self._call("unset_asset", account.login or "", asset.slug, role)
        self.app.holdings.get((account.ref, asset.key), set()).discard(role)

    def suspend(self, account: Account) -> Account:
        return self._rest("suspend", account, Status.SUSPENDED)

    def resume(self, account: Account) -> Account:
        return self._rest("resume", account, Status.ACTIVE)

    def _rest(self, call: str, account: Account, status: Status) -> Account:
        self._call(call, account.login or "")
        changed = self.app.accounts[account.ref] = replace(self.app.accounts[account.ref], status=status)
        self._raise(call, self.app.after)
        return changed

    def remove(self, account: Account) -> None:
        self._call("remove", account.login or "")
        self.app.accounts.pop(account.ref, None)
        self._raise("remove", self.app.after)

    def close(self) -> None:
        self.app.calls.append(("close",))

    def _call(self, name: str, *what: str, writes: bool = True) -> None:
        self._http.before_call(writes)
        self._secret()
        if writes:
            self.app.calls.append((name, *what))
        if name in self.app.during:
            self.app.during.pop(name)()
        self._raise(name, self.app.failures)

    @staticmethod
    def _raise(name: str, scripted: dict[str, list[BaseException]]) -> None:
        if scripted.get(name):
            raise scripted[name].pop(0)


class DirectAdapter(MemoryAdapter):
    """The same app where a seat is there at once and assets come after it."""

    abilities: ClassVar[Abilities] = replace(
        MemoryAdapter.abilities, invites=False, assets_at_invitation=False, invitation_life_s=0
    )

    def _new(self, invitation: Invitation) -> Account:
        known = next((ref for ref, email in self.app.__dict__.get("refs", {}).items() if email == invitation.email), "")
        ref = known or self.app.new_ref()
        self.app.__dict__.setdefault("refs", {})[ref] = invitation.email
        return Account(ref, Status.ACTIVE, invitation.role, invitation.email.partition("@")[0], (invitation.email,))


def _is_there(account: Account) -> bool:
    return account.status is not Status.EXPIRED


def memory_registry() -> Registry:
    """Apps ``memory`` and ``direct``."""
    packages: dict[str, Callable[[], Any]] = {
        "memory": lambda: SimpleNamespace(ADAPTER=MemoryAdapter, SIMULATOR=None),
        "direct": lambda: SimpleNamespace(ADAPTER=DirectAdapter, SIMULATOR=None),
    }
    return Registry(packages)
