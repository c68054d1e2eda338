"""``profile``: what a new account is told of its person, where the app takes that."""

from __future__ import annotations

from dataclasses import replace

import pytest
from engine_kit import World, mapping
from memory_app import MemoryAdapter

from scim_bridge.contract.state import Account, Invitation

PROFILE = 'profile: {email: "{emails.value|upper}", name: "{displayName}"}'


@pytest.fixture
def invited(monkeypatch: pytest.MonkeyPatch) -> list[Invitation]:
    """An app that takes profiles; every invitation that it got."""
    got: list[Invitation] = []
    monkeypatch.setattr(MemoryAdapter, "abilities", replace(MemoryAdapter.abilities, profile=True))
    invite = MemoryAdapter.invite

    def listen(self: MemoryAdapter, invitation: Invitation) -> Account:
        got.append(invitation)
        return invite(self, invitation)

    monkeypatch.setattr(MemoryAdapter, "invite", listen)
    return got


def test_a_new_account_is_told_of_its_person(world: World, invited: list[Invitation]) -> None:
    world.publish(mapping(more=PROFILE))
    world.run()
    world.push("ana", "Staff")
    world.run()
    assert [dict(one.profile) for one in invited] == [{"email": "ANA@ACME.EXAMPLE"}]


def test_without_a_profile_nothing_is_told(world: World, invited: list[Invitation]) -> None:
    world.publish(mapping())
    world.run()
    world.push("ana", "Staff")
    world.run()
    assert [dict(one.profile) for one in invited] == [{}]
