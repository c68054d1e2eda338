"""Entra ID's own request sequence does the same, in both of its dialects."""

from __future__ import annotations

import pytest
from story_kit import HUB, accept, at_rest, becomes, check_hub, seats, write_mapping, writes

from adapters.github.simulator import GithubSimulator
from scim_bridge.local.entra import EntraClient
from scim_bridge.local.process import BridgeProcess

ADA, BEN, EVE = "ada@acme.example", "ben@acme.example", "eve@acme.example"


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
    becomes(
        lambda: seats(app), {ADA: "invited member core:member", BEN: "invited member", EVE: "invited member"}
    )
    for email in (ADA, BEN, EVE):
        accept(app, email)
    check_hub(bridge)

    # One member leaves the group: read literally, the legacy dialect would empty it.
    entra.remove_members(engineering, [ben])
    becomes(lambda: seats(app), {ADA: "active member core:member", EVE: "active member"})

    entra.disable(ada)
    becomes(lambda: seats(app), {EVE: "active member"})
    entra.restore(ada)
    becomes(lambda: seats(app), {ADA: "invited member core:member", EVE: "active member"})

    entra.delete(eve)
    becomes(lambda: seats(app), {ADA: "invited member core:member"})
    at_rest(bridge)
    assert bridge.json("plan", HUB)["changes"] == []


@pytest.mark.parametrize("is_flagged", [pytest.param(False, id="legacy"), pytest.param(True, id="aadOptscim062020")])
def test_a_renamed_person_keeps_the_seat(bridge: BridgeProcess, app: GithubSimulator, is_flagged: bool) -> None:
    write_mapping(bridge, app)
    bridge.start()
    entra = EntraClient(*bridge.add_source("entra", "entra"), is_flagged=is_flagged)
    ada = entra.assign(ADA, "Ada", "Byron")
    entra.push_group("Engineering", [ada])
    becomes(lambda: seats(app), {ADA: "invited member"})
    accept(app, ADA)
    check_hub(bridge)
    calls = writes(app)

    married = "ada.king@acme.example"
    entra.update(
        ada, {'emails[type eq "work"].value': married, "userName": married, "name.familyName": "King", "title": "Countess"}
    )
    at_rest(bridge)
    assert seats(app) == {ADA: "active member"}
    assert writes(app) == calls
    assert bridge.json("why", married, HUB)["hubs"][0]["observed"]["account"] == "ada"
