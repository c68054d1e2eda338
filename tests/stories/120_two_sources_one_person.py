"""One person comes from Okta and from Entra ID: one seat, which lasts until both let go."""

from __future__ import annotations

from story_kit import HUB, accept, at_rest, becomes, check_hub, connect_okta, invitations, seats, write_mapping, writes

from adapters.github.simulator import GithubSimulator
from scim_bridge.local.entra import EntraClient
from scim_bridge.local.okta import OktaClient
from scim_bridge.local.process import BridgeProcess

ADA = "ada@acme.example"


def test_a_person_of_two_sources_holds_one_seat_until_both_let_go(bridge: BridgeProcess, app: GithubSimulator) -> None:
    write_mapping(bridge, app)
    bridge.start()
    okta = connect_okta(bridge)
    entra = EntraClient(*bridge.add_source("entra", "entra"), is_flagged=True)
    ada_in_okta, ada_in_entra = okta.assign(ADA, "Ada", "Lovelace"), entra.assign("ADA@acme.example", "Ada", "King")
    engineers_in_okta = okta.push_group("Engineering", [ada_in_okta])
    entra.push_group("Engineering", [ada_in_entra])
    at_rest(bridge)
    assert seats(app) == {ADA: "invited member"}
    assert invitations(app, ADA) == [201]
    why = bridge.json("why", ADA, HUB)
    assert [grant["rule"] for grant in why["hubs"][0]["grants"]] == ["engineers"]
    accept(app, ADA)
    check_hub(bridge)
    at_rest(bridge)

    okta.change_members(engineers_in_okta, remove=[ada_in_okta])
    okta.deactivate(ada_in_okta)
    at_rest(bridge)
    assert seats(app) == {ADA: "active member"}
    assert len(writes(app)) == 1

    entra.disable(ada_in_entra)
    becomes(lambda: seats(app), {})


def test_one_source_sees_nothing_of_the_other_and_a_disabled_one_takes_nobodys_access(
    bridge: BridgeProcess, app: GithubSimulator
) -> None:
    write_mapping(bridge, app)
    bridge.start()
    okta, second = connect_okta(bridge), OktaClient(*bridge.add_source("subsidiary", "okta"))
    okta.push_group("Engineering", [okta.assign(ADA, "Ada", "Lovelace")])
    becomes(lambda: seats(app), {ADA: "invited member"})
    assert second.find_user(ADA) is None

    assert bridge.run("source", "disable", "okta").returncode == 0
    at_rest(bridge)
    assert seats(app) == {ADA: "invited member"}


def test_a_member_whom_nobody_knows_yet_is_waited_for(bridge: BridgeProcess, app: GithubSimulator) -> None:
    write_mapping(bridge, app)
    bridge.start()
    okta = connect_okta(bridge)
    engineering = okta.push_group("Engineering")
    okta.change_members(engineering, add=["00u1222584263"])  # Ada's id in Okta, pushed before she is
    at_rest(bridge)
    assert writes(app) == []
    okta.assign(ADA, "Ada", "Lovelace")
    becomes(lambda: seats(app), {ADA: "invited member"})
