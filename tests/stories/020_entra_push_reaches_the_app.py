"""Entra ID's own request sequence does the same, in both of its dialects."""

from __future__ import annotations

import pytest
from story_kit import HUB, accept, at_rest, becomes, check_hub, seats, write_mapping, writes

from adapters.github.simulator import GithubSimulator
from scim_bridge.local.entra import EntraClient
from scim_bridge.local.process import BridgeProcess

ADA, BEN, EVE = "ada@acme.example", "ben@acme.example", "eve@acme.example"
MARRIED = "ada.king@acme.example"


@pytest.mark.parametrize("is_flagged", [pytest.param(False, id="legacy"), pytest.param(True, id="aadOptscim062020")])
def test_a_provisioning_cycle_becomes_seats(bridge: BridgeProcess, app: GithubSimulator, is_flagged: bool) -> None:
    write_mapping(bridge, app)
    bridge.start()
    entra = EntraClient(*bridge.add_source("entra", "entra"), is_flagged=is_flagged)
    entra.test_connection()

    ada, ben, eve = (
        entra.assign(ADA, "Ada", "Lovelace"),
        entra.assign(BEN, "Ben", "Franklin"),
        entra.assign(EVE, "Eve", "Moneypenny"),
    )
    entra.push_group("gh-team-core", [ada])
    engineering = entra.push_group("Engineering", [ada, ben, eve])
    becomes(lambda: seats(app), {ADA: "invited member core:member", BEN: "invited member", EVE: "invited member"})
    for email in (ADA, BEN, EVE):
        accept(app, email)
    check_hub(bridge)

    # One member leaves the group: read literally, the legacy dialect would empty it.
    entra.remove_members(engineering, [ben])
    becomes(lambda: seats(app), {ADA: "active member core:member", EVE: "active member"})

    entra.disable(eve)
    becomes(lambda: seats(app), {ADA: "active member core:member"})
    entra.restore(eve)
    becomes(lambda: seats(app), {ADA: "active member core:member", EVE: "invited member"})
    entra.delete(eve)
    becomes(lambda: seats(app), {ADA: "active member core:member"})

    # A new name and address are still the same person.
    calls = writes(app)
    entra.update(
        ada,
        {'emails[type eq "work"].value': MARRIED, "userName": MARRIED, "name.familyName": "King", "title": "Countess"},
    )
    at_rest(bridge)
    assert writes(app) == calls
    (why,) = bridge.json("why", MARRIED, HUB)["hubs"]
    assert (why["observed"]["account"], why["desired"]) == ("ada", {"seat": ["member"], "team/core": ["member"]})
