"""The laws that every adapter keeps, run against the app's own simulator; needs pytest.

An adapter's tests subclass ``Conformance`` under a name that begins with ``Test`` and say how to connect; what
the app cannot do (``Abilities``) is skipped. What is odd about an app is tested beside it, not here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, cast

import pytest

from scim_bridge.clock import SystemClock
from scim_bridge.contract.http import HttpSettings
from scim_bridge.contract.proof import Proof
from scim_bridge.contract.protocol import Adapter, SuspendingAdapter
from scim_bridge.contract.simulator import Simulator
from scim_bridge.contract.simulator_server import Reply
from scim_bridge.contract.state import Account, Alias, Asset, Holding, Invitation, Page, Status
from scim_bridge.errors import Conflict, Held, NeedsAttention, Transient

EMAIL = "ada.lovelace@example.com"


@dataclass
class Seen:
    """One observation, sorted out; ``order`` is the kinds in the order they came."""

    assets: list[Asset] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)
    holdings: set[Holding] = field(default_factory=set)
    aliases: set[Alias] = field(default_factory=set)
    order: list[type] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)

    def by_email(self, email: str) -> Account:
        """The one account that bears an address, its own or an alias."""
        refs = {alias.ref for alias in self.aliases if alias.email == email}
        (found,) = [one for one in self.accounts.values() if email in one.emails or one.ref in refs]
        return found

    def roles(self, ref: str) -> dict[str, str]:
        """What an account holds: role by asset key."""
        return {holding.asset: holding.role for holding in self.holdings if holding.ref == ref}


def seen(adapter: Adapter) -> Seen:
    """Observe once."""
    result = Seen()
    for item in adapter.observe():
        if isinstance(item, Page):
            result.pages.append(item)
            continue
        result.order.append(type(item))
        if isinstance(item, Asset):
            result.assets.append(item)
        elif isinstance(item, Account):
            result.accounts[item.ref] = item
        elif isinstance(item, Holding):
            result.holdings.add(item)
        else:
            result.aliases.add(item)
    return result


@dataclass
class Rig:
    """A simulator and the ways to an adapter on it."""

    sim: Simulator
    suite: Conformance
    adapters: list[Adapter] = field(default_factory=list)

    def adapter(self, http: HttpSettings | None = None) -> Adapter:
        """A fresh adapter; closed with the rig."""
        connect, secrets = self.suite.connection(self.sim)
        bounds = http or HttpSettings()
        adapter = self.suite.adapter_class.connect(connect, secrets.__getitem__, bounds, SystemClock())
        self.adapters.append(adapter)
        return adapter

    def member(self, adapter: Adapter, email: str = EMAIL, assets: Mapping[Asset, str] | None = None) -> Account:
        """Somebody who was invited with the lowest role and has accepted."""
        adapter.invite(Invitation(email, adapter.abilities.roles[-1], assets or {}))
        self.sim.accept(email)
        return seen(adapter).by_email(email)


class Conformance(ABC):
    """Subclass as ``TestForge(Conformance)``. The simulator starts with one holder of the highest role and an asset."""

    adapter_class: ClassVar[type[Adapter]]

    @abstractmethod
    def simulator(self) -> Simulator:
        """A fresh simulator, not started, that shows whose address is whose."""

    @abstractmethod
    def connection(self, simulator: Simulator) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """``connect`` and the secrets by key, for a started simulator."""

    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with self.simulator() as sim:
            rig = Rig(sim, self)
            yield rig
            for adapter in rig.adapters:
                adapter.close()

    @pytest.fixture
    def adapter(self, rig: Rig) -> Adapter:
        return rig.adapter()

    def test_the_probe_names_the_tenant(self, adapter: Adapter) -> None:
        probe = adapter.probe()
        assert probe.tenant
        assert probe.name

    def test_the_tenant_needs_no_secret_and_ignores_case(self, rig: Rig) -> None:
        connect, _ = self.connection(rig.sim)
        shouted = {key: value.upper() for key, value in connect.items()}
        assert self.adapter_class.tenant(connect) == self.adapter_class.tenant(shouted)

    def test_observing_twice_shows_the_same(self, adapter: Adapter) -> None:
        assert list(adapter.observe()) == list(adapter.observe())

    def test_assets_come_before_accounts_and_accounts_before_holdings(self, rig: Rig, adapter: Adapter) -> None:
        rig.member(adapter, assets=self._first_asset(adapter))
        order = seen(adapter).order
        kinds = [kind for kind in dict.fromkeys(order) if kind is not Alias]
        assert kinds == [Asset, Account, Holding]
        assert order.index(Holding) > max(place for place, kind in enumerate(order) if kind is Account)

    def test_every_list_is_proven_to_its_end(self, rig: Rig, adapter: Adapter) -> None:
        rig.member(adapter, assets=self._first_asset(adapter))
        pages = seen(adapter).pages
        assert pages, "an observation without a `Page` proves nothing, and would never be trusted"
        proof = Proof()
        for page in pages:
            proof.take(page)
        assert proof.lack() is None

    def test_an_invited_person_is_observed_as_invited(self, adapter: Adapter) -> None:
        role = adapter.abilities.roles[0]
        account = adapter.invite(Invitation(EMAIL, role))
        assert (account.status, account.role, account.emails) == (Status.INVITED, role, (EMAIL,))
        assert seen(adapter).accounts[account.ref] == account

    def test_assets_of_an_invitation_are_observed(self, adapter: Adapter) -> None:
        if not adapter.abilities.assets_at_invitation:
            pytest.skip("the app takes no assets at invitation")
        assets = self._first_asset(adapter)
        account = adapter.invite(Invitation(EMAIL, adapter.abilities.roles[-1], assets))
        assert set(seen(adapter).roles(account.ref)) == {asset.key for asset in assets}

    def test_inviting_twice_is_a_conflict_that_names_no_address(self, adapter: Adapter) -> None:
        adapter.invite(Invitation(EMAIL, adapter.abilities.roles[-1]))
        with pytest.raises(Conflict) as caught:
            adapter.invite(Invitation(EMAIL, adapter.abilities.roles[-1]))
        assert EMAIL not in str(caught.value)

    def test_inviting_a_member_is_a_conflict(self, rig: Rig, adapter: Adapter) -> None:
        rig.member(adapter)
        with pytest.raises(Conflict):
            adapter.invite(Invitation(EMAIL, adapter.abilities.roles[-1]))

    def test_a_cancelled_invitation_is_gone_and_a_second_cancel_proves_nothing(self, adapter: Adapter) -> None:
        account = adapter.invite(Invitation(EMAIL, adapter.abilities.roles[-1]))
        assert adapter.cancel(account) is True
        assert account.ref not in seen(adapter).accounts
        assert adapter.cancel(account) is False

    def test_an_accepted_invitation_cannot_be_cancelled(self, rig: Rig, adapter: Adapter) -> None:
        account = adapter.invite(Invitation(EMAIL, adapter.abilities.roles[-1]))
        rig.sim.accept(EMAIL)
        assert adapter.cancel(account) is False

    def test_a_lapsed_invitation_is_observed_as_expired(self, rig: Rig, adapter: Adapter) -> None:
        account = adapter.invite(Invitation(EMAIL, adapter.abilities.roles[-1]))
        rig.sim.change("expire", email=EMAIL)
        assert seen(adapter).accounts[account.ref].status is Status.EXPIRED

    def test_who_accepted_is_active_under_the_same_address_with_the_assets(self, rig: Rig, adapter: Adapter) -> None:
        assets = self._first_asset(adapter)
        account = rig.member(adapter, assets=assets)
        assert (account.status, account.role) == (Status.ACTIVE, adapter.abilities.roles[-1])
        assert set(seen(adapter).roles(account.ref)) == {asset.key for asset in assets}

    def test_look_finds_what_observe_shows(self, rig: Rig, adapter: Adapter) -> None:
        account = rig.member(adapter)
        found = adapter.look(account)
        assert found is not None
        assert (found.ref, found.status, found.role) == (account.ref, account.status, account.role)

    def test_a_role_is_changed_both_ways(self, rig: Rig, adapter: Adapter) -> None:
        account, (highest, lowest) = rig.member(adapter), self._outer_roles(adapter)
        assert adapter.change_role(account, highest).role == highest
        assert seen(adapter).accounts[account.ref].role == highest
        assert adapter.change_role(account, lowest).role == lowest
        assert seen(adapter).accounts[account.ref].role == lowest

    def test_an_asset_is_set_and_unset_and_each_may_be_repeated(self, rig: Rig, adapter: Adapter) -> None:
        account, (asset,) = rig.member(adapter), self._first_asset(adapter)
        for role in adapter.abilities.asset_types[asset.type].roles:
            adapter.set_asset(account, asset, role)
            adapter.set_asset(account, asset, role)
            assert seen(adapter).roles(account.ref) == {asset.key: role}
        adapter.unset_asset(account, asset, role)
        adapter.unset_asset(account, asset, role)
        assert seen(adapter).roles(account.ref) == {}

    def test_a_removed_account_is_gone_and_removing_may_be_repeated(self, rig: Rig, adapter: Adapter) -> None:
        account = rig.member(adapter)
        adapter.remove(account)
        adapter.remove(account)
        assert account.ref not in seen(adapter).accounts
        assert adapter.look(account) is None

    def test_a_suspended_account_rests_with_all_it_has_and_both_ways_may_be_repeated(
        self, rig: Rig, adapter: Adapter
    ) -> None:
        rests = self._suspends(adapter)
        account = rig.member(adapter)
        for _ in range(2):
            assert rests.suspend(account).status is Status.SUSPENDED
        assert seen(adapter).accounts[account.ref] == replace(account, status=Status.SUSPENDED)
        for _ in range(2):
            assert rests.resume(account).status is Status.ACTIVE
        assert seen(adapter).accounts[account.ref] == account

    def test_a_suspended_account_can_lose_assets_and_be_removed(self, rig: Rig, adapter: Adapter) -> None:
        rests = self._suspends(adapter)
        account, (asset,) = rig.member(adapter), self._first_asset(adapter)
        adapter.set_asset(account, asset, role := adapter.abilities.asset_types[asset.type].roles[-1])
        suspended = rests.suspend(account)
        adapter.unset_asset(suspended, asset, role)
        assert seen(adapter).roles(account.ref) == {}
        adapter.remove(suspended)
        assert account.ref not in seen(adapter).accounts

    def test_the_last_holder_of_the_highest_role_is_not_suspended(self, rig: Rig, adapter: Adapter) -> None:
        rests, highest = self._suspends(adapter), adapter.abilities.roles[0]
        (owner,) = [one for one in seen(adapter).accounts.values() if one.role == highest]
        before = rig.sim.state()
        with pytest.raises(Held):
            rests.suspend(owner)
        assert rig.sim.state() == before

    def test_a_change_of_somebody_who_left_invites_nobody(self, rig: Rig, adapter: Adapter) -> None:
        account, (asset,) = rig.member(adapter), self._first_asset(adapter)
        adapter.remove(account)
        before = rig.sim.state()
        with pytest.raises(Conflict):
            adapter.change_role(account, adapter.abilities.roles[0])
        with pytest.raises(Conflict):
            adapter.set_asset(account, asset, adapter.abilities.asset_types[asset.type].roles[0])
        assert rig.sim.state() == before

    def test_the_last_holder_of_the_highest_role_stays(self, rig: Rig, adapter: Adapter) -> None:
        highest, lowest = self._outer_roles(adapter)
        (owner,) = [one for one in seen(adapter).accounts.values() if one.role == highest]
        before = rig.sim.state()
        with pytest.raises(Held):
            adapter.remove(owner)
        with pytest.raises(Held):
            adapter.change_role(owner, lowest)
        assert rig.sim.state() == before

    def test_a_slow_app_may_have_done_the_write(self, rig: Rig) -> None:
        adapter = rig.adapter(HttpSettings(read_s=0.1))
        rig.sim.set_faults(latency_ms=400)
        with pytest.raises(Transient) as caught:
            adapter.invite(Invitation(EMAIL, adapter.abilities.roles[-1]))
        assert caught.value.maybe_done

    def test_an_app_that_is_down_surely_did_nothing(self, rig: Rig, adapter: Adapter) -> None:
        rig.sim.close()
        with pytest.raises(Transient) as caught:
            adapter.invite(Invitation(EMAIL, adapter.abilities.roles[-1]))
        assert not caught.value.maybe_done

    def test_an_app_with_errors_of_its_own_is_transient(self, rig: Rig, adapter: Adapter) -> None:
        rig.sim.set_faults(fail=1)
        with pytest.raises(Transient) as caught:
            adapter.invite(Invitation(EMAIL, adapter.abilities.roles[-1]))
        assert not caught.value.whole_hub

    def test_a_refused_credential_needs_attention(self, rig: Rig, adapter: Adapter) -> None:
        rig.sim.token = "another-one"  # noqa: S105 - no secret: any other bearer
        with pytest.raises(NeedsAttention):
            adapter.probe()

    def test_garbage_is_transient_and_an_observation_of_it_never_ends_well(self, rig: Rig, adapter: Adapter) -> None:
        bodies: tuple[Any, ...] = (b"<html>maintenance</html>", {"unexpected": 1}, [{"unexpected": 1}], "text")
        for body in bodies:
            rig.sim.override = lambda _request, body=body: Reply(200, body)
            with pytest.raises(Transient):
                list(adapter.observe())

    def test_a_rate_limit_is_meant_for_the_whole_hub_and_says_how_long(self, rig: Rig, adapter: Adapter) -> None:
        rig.sim.set_faults(rate=0.5, burst=1)
        for _ in range(2):  # the app may have several ways to say it
            with pytest.raises(Transient) as caught:
                list(adapter.observe())
            assert caught.value.whole_hub
            assert 0 < (caught.value.retry_after_s or 0) <= 60

    def test_before_call_runs_once_a_request_and_knows_reads_from_writes(self, rig: Rig) -> None:
        turns: list[bool] = []
        adapter = rig.adapter(HttpSettings(before_call=turns.append))
        account = rig.member(adapter)
        adapter.remove(account)
        assert len(turns) == len(rig.sim.journal())
        assert turns.count(True) == 2

    def _first_asset(self, adapter: Adapter) -> dict[Asset, str]:
        assets = seen(adapter).assets
        if not assets:
            pytest.skip("the app has no assets")
        return {assets[0]: adapter.abilities.asset_types[assets[0].type].roles[-1]}

    def _suspends(self, adapter: Adapter) -> SuspendingAdapter:
        if not adapter.abilities.suspend:
            pytest.skip("the app cannot suspend")
        return cast(SuspendingAdapter, adapter)

    def _outer_roles(self, adapter: Adapter) -> tuple[str, str]:
        if not adapter.abilities.change_role or len(adapter.abilities.roles) < 2:
            pytest.skip("the app has one role")
        return adapter.abilities.roles[0], adapter.abilities.roles[-1]
