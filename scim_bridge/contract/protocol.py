"""What an adapter is: what it can do (``Abilities``), how it is connected, and its calls.

Writes go to a target state and are safe to repeat; what an app cannot do is absent from ``Abilities``
and is refused by the lint, so no call here raises "not supported". Every call may raise the families of
``errors``; ``contract.http`` raises the right one for the usual answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

from scim_bridge.clock import Clock
from scim_bridge.contract.limits import Limits
from scim_bridge.contract.state import Account, Asset, Invitation, Observed, Probe

if TYPE_CHECKING:  # every command knows what an adapter is, few call an app
    from scim_bridge.contract.http import HttpSettings


@dataclass(frozen=True, slots=True)
class AssetType:
    """A kind of asset and its roles, highest first; ``exclusive``: one role at a time, the highest wins."""

    name: str
    roles: tuple[str, ...]
    exclusive: bool = True


@dataclass(frozen=True, slots=True)
class ConnectKey:
    """One key of a mapping's ``connect``."""

    name: str
    required: bool = False
    secret: bool = False  # only as env:NAME or file:/path
    help: str = ""


@dataclass(frozen=True, slots=True)
class Abilities:
    """An app's catalogue: what there is to give, and what the app lets us do with it."""

    roles: tuple[str, ...]  # every seat role of the app, highest first
    asset_types: Mapping[str, AssetType]
    connect: tuple[ConnectKey, ...]
    connect_one_of: tuple[tuple[str, ...], ...] = ()  # exactly one of these sets of keys must be given
    limits: Limits = field(default_factory=Limits)  # what holds for writes where the mapping says nothing
    invites: bool = False  # a seat starts as an invitation that the person accepts
    assets_at_invitation: bool = False
    invitation_life_s: int = 0
    change_role: bool = True
    suspend: bool = False
    partners: bool = False
    profile: bool = False  # takes attributes of the person along with a seat
    create_assets: tuple[str, ...] = ()
    lost_on_removal: str = ""  # what the app deletes with a seat, and no new invitation brings back


class Adapter(Protocol):
    """One connected tenant. Calls may come from several threads at once."""

    abilities: ClassVar[Abilities]

    @classmethod
    def tenant(cls, connect: Mapping[str, str]) -> str:
        """Which tenant a ``connect`` means, case-folded; two hubs with the same are an error. Needs no secret."""

    @classmethod
    def connect(
        cls, connect: Mapping[str, str], secrets: Callable[[str], str], http: HttpSettings, clock: Clock
    ) -> Self:
        """An adapter for one tenant. ``secrets(key)`` reads the secret behind a key anew at each call."""

    def probe(self) -> Probe:
        """Prove that the credential works and sees what it must."""

    def observe(self) -> Iterator[Observed]:
        """Everything that the app shows, and the proof that this is all: a ``Page`` for each page (see ``state``)."""

    def look(self, account: Account) -> Account | None:
        """One account as it is now, found by its stable ref, without its assets; None: surely gone.

        None for an invitation says only that it is neither pending nor failed: it may have been accepted.
        """

    def invite(self, invitation: Invitation) -> Account:
        """Invite (or add). Returns the new account. Somebody there already: ``Conflict``."""

    def cancel(self, account: Account) -> bool:
        """Cancel a pending invitation. True: surely cancelled. False: it is not there, which proves nothing."""

    def change_role(self, account: Account, role: str) -> Account:
        """Give an active account another seat role. Refuses (``Held``) to demote the last holder of the highest."""

    def set_asset(self, account: Account, asset: Asset, role: str) -> None:
        """Give an active account this role on the asset, replacing another exclusive one."""

    def unset_asset(self, account: Account, asset: Asset, role: str) -> None:
        """Take the role on the asset away. Not there: fine."""

    def remove(self, account: Account) -> None:
        """End an active account's seat. Surely gone already: fine. Compares the stable id before it removes.
        Refuses (``Held``) to remove the app's last holder of the highest role."""

    def close(self) -> None:
        """Give back connections."""


class SuspendingAdapter(Adapter, Protocol):
    """An adapter whose ``abilities`` say ``suspend``: an account can rest, with its role and its assets kept."""

    def suspend(self, account: Account) -> Account:
        """Let an active account rest; suspended already: fine. Nobody there: ``Conflict``.
        Refuses (``Held``) to suspend the last active holder of the highest role.

        Its assets can still be taken and its seat be removed.
        """

    def resume(self, account: Account) -> Account:
        """Let a suspended account work again, with the role and assets that it had; active already: fine."""
