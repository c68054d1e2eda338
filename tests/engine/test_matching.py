"""Whose an account is: by a hub's rules, at a reading and on a push's way, and by a person's word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from databases import sent
from engine_kit import World, seated
from memory_app import CORE

from scim_bridge.audit.tables import AuditRow
from scim_bridge.directory import users
from scim_bridge.directory.tables import User
from scim_bridge.engine.account_list import AccountView, list_accounts
from scim_bridge.engine.link import (
    accept_proposal,
    exempt_account,
    link_account,
    refuse_proposal,
    unlink_account,
)
from scim_bridge.engine.matching import matches_for
from scim_bridge.engine.rules import InForce
from scim_bridge.errors import Conflict, InvalidInput
from scim_bridge.hubs.accounts import end_exemption
from scim_bridge.mapping.load import MappingSet
from scim_bridge.mapping.model import MatchRule

ANA, OLD = "ana@acme.example", "ana.alba@acme.example"
BY_NICKNAME = MatchRule("login", "nickName", review=True)
BY_EMAIL = MatchRule("email", "emails.value")


def rules(world: World, *match: MatchRule) -> None:
    """The hub's mapping has these rules under `match`."""
    with world.db.read() as tx:
        now = world.rules.in_force(tx)
    hubs = {"acme": replace(now.mappings.hubs["acme"], match=match)}
    world.rules._last = InForce(now.revision, MappingSet(hubs))


def change(world: World, name: str, **attributes: Any) -> None:
    """The identity provider says these attributes of somebody now."""
    address = f"{name}@acme.example"
    with world.db.write() as tx:
        row = tx.execute(sa.select(User.scim_id).where(User.user_name_key == address)).one()
        user = users.get_user(tx, world.source.id, row.scim_id)
        document = {**user.document, **attributes}
        users.change_user(tx, world.source, user, document, now=world.now, is_linked=lambda _tx, _person: True)


def delete(world: World, name: str) -> None:
    with world.db.write() as tx:
        row = tx.execute(sa.select(User.scim_id).where(User.user_name_key == f"{name}@acme.example")).one()
        users.delete_user(tx, world.source, row.scim_id, now=world.now)


def reread(world: World) -> None:
    world.clock.advance(minutes=1)
    world.read()


def views(world: World, state: str | None = None) -> dict[str | None, AccountView]:
    with world.db.read() as tx:
        return {view.login: view for view in list_accounts(tx, "acme", state=state)}


def states(world: World) -> dict[str | None, str]:
    return {login: view.state for login, view in views(world).items()}


def say(world: World, word: Any, account: str, *more: Any, **options: Any) -> Any:
    with world.db.write() as tx:
        return word(tx, "acme", account, *more, actor="cli:ops", now=world.now, **options)


def trail(world: World) -> list[tuple[str, str | None, int | None]]:
    query = sa.select(AuditRow.action, AuditRow.subject, AuditRow.person_id).where(AuditRow.actor == "cli:ops")
    return [tuple(row) for row in world.rows(query.order_by(AuditRow.id)) if row.action.startswith("account")]


# By address


@pytest.mark.parametrize("shown", [ANA, ANA.upper()])
def test_an_address_links_in_any_case(live: World, shown: str) -> None:
    ana = live.push("ana", "Staff")
    live.app.member("octo", shown)
    reread(live)
    assert views(live)["octo"].person_id == ana


def test_a_user_name_that_is_an_address_links_beside_other_addresses(live: World) -> None:
    ana = live.push("ana", "Staff")
    change(live, "ana", emails=[{"value": "other@acme.example", "primary": True}])
    live.app.member("octo", ANA)
    reread(live)
    assert views(live)["octo"].person_id == ana


def test_a_former_address_links(live: World) -> None:
    ana = live.push("ana", "Staff")
    change(live, "ana", emails=[{"value": OLD, "primary": True}])
    change(live, "ana", emails=[{"value": ANA, "primary": True}])
    live.app.member("octo", OLD)
    reread(live)
    assert views(live)["octo"].person_id == ana


def test_a_former_address_links_a_person_who_is_pushed_later_than_the_account(live: World) -> None:
    live.app.member("octo", OLD)
    reread(live)
    ana = live.push("ana")
    change(live, "ana", emails=[{"value": OLD, "primary": True}])
    change(live, "ana", emails=[{"value": ANA, "primary": True}])
    live.push("ana", "Staff")
    live.run()
    assert (views(live)["octo"].person_id, live.calls()) == (ana, [])


def test_a_former_address_of_a_deleted_user_still_links(live: World) -> None:
    ana = live.push("ana", "Staff")
    change(live, "ana", emails=[{"value": OLD, "primary": True}])
    change(live, "ana", emails=[{"value": ANA, "primary": True}])
    live.fan_out()
    delete(live, "ana")
    live.app.member("octo", OLD)
    reread(live)
    view = views(live)["octo"]
    assert (view.person_id, view.remark) == (ana, "leaver, unmanaged")


def test_an_address_that_was_anothers_before_links_nobody(live: World) -> None:
    live.push("ana", "Staff")
    change(live, "ana", emails=[{"value": OLD, "primary": True}])
    change(live, "ana", emails=[{"value": ANA, "primary": True}])
    live.push("bo", "Staff")
    change(live, "bo", emails=[{"value": OLD, "primary": True}])
    live.app.member("octo", OLD)
    reread(live)
    assert states(live)["octo"] == "unmatched"


# A link stays


def test_a_changed_login_or_address_in_the_app_keeps_the_link(live: World) -> None:
    ana = seated(live, "Staff")
    live.push("bo", "Nobody")
    ref = next(ref for ref, one in live.app.accounts.items() if one.login == "ana")
    live.app.accounts[ref] = replace(live.app.accounts[ref], login="bo", emails=("bo@acme.example",))
    reread(live)
    assert (views(live)["bo"].person_id, live.why(ana).drift) == (ana, [])
    live.push("ana", active=False)
    live.run()
    assert live.calls() == [("remove", "bo")]


def test_a_changed_address_in_the_identity_provider_keeps_the_link(live: World) -> None:
    ana = seated(live, "Staff")
    change(live, "ana", emails=[{"value": "new@acme.example", "primary": True}])
    live.run()
    reread(live)
    live.run()
    assert (views(live)["ana"].person_id, live.calls()) == (ana, [])


def test_a_new_account_under_an_old_login_is_another_account(live: World) -> None:
    seated(live, "Staff")
    live.app.drop(next(ref for ref, one in live.app.accounts.items() if one.login == "ana"))
    reread(live)
    live.app.member("ana", holds={CORE: "member"})
    reread(live)
    assert (states(live)["ana"], views(live)["ana"].remark) == ("unmatched", "unmanaged")
    live.push("ana", active=False)
    live.run()
    assert live.calls() == []


# Proposals


@pytest.fixture
def octo(live: World) -> int:
    """Ana's nickname is the login of somebody's account. Returns Ana."""
    rules(live, BY_EMAIL, BY_NICKNAME)
    ana = live.push("ana")
    change(live, "ana", nickName="Octo")
    live.fan_out()
    live.app.member("octo")
    reread(live)
    return ana


def test_a_login_only_proposes(live: World, octo: int) -> None:
    view = views(live)["octo"]
    assert (view.state, view.proposed_to, view.person_id) == ("proposed", octo, None)
    assert (view.reason, view.remark) == ("login = nickName", "unmanaged")


def test_nobody_is_invited_who_may_be_there_already(live: World, octo: int) -> None:
    live.push("ana", "Staff")
    live.run()
    ref = views(live)["octo"].ref
    assert (live.calls(), [wait["text"] for wait in live.why(octo).waits]) == (
        [],
        [f"the account {ref} may be theirs: `scim-bridge account list acme` says why; accept or refuse it"],
    )


def test_a_plan_names_who_may_be_there_already_and_the_command_that_says_so(live: World, octo: int) -> None:
    live.push("ana", "Staff")
    live.fan_out()
    ref = views(live)["octo"].ref
    assert (
        f"ana@acme.example (p{octo}): the account {ref} may be theirs: "
        f"`scim-bridge account accept acme {ref}` or `refuse` says whether it is"
    ) in live.plan().warnings


def test_a_login_of_somebody_who_is_pushed_later_is_proposed_before_anybody_is_invited(live: World) -> None:
    rules(live, BY_EMAIL, BY_NICKNAME)
    live.app.member("octo")
    reread(live)
    ana = live.push("ana")
    change(live, "ana", nickName="octo")
    live.push("ana")
    change(live, "ana", nickName="octo")
    with live.db.read() as tx:
        found = matches_for(tx, live.rules.in_force(tx).mappings.hubs["acme"], [ana])
    assert [(one.person_id, one.is_sure) for one in found.values()] == [(ana, False)]


def test_an_accepted_proposal_is_a_link_and_the_person_goes_on(live: World, octo: int) -> None:
    live.push("ana", "Staff")
    live.run()
    assert say(live, accept_proposal, "octo") == octo
    live.run()
    view = views(live)["octo"]
    assert (view.state, view.person_id, view.linked_how, live.calls()) == ("linked", octo, "accepted", [])
    assert live.ours(octo) == {("seat", "member")}
    assert trail(live) == [("account.proposal_accepted", f"account:{view.ref}", octo)]


def test_a_refused_proposal_is_not_made_again_and_the_person_is_invited(live: World, octo: int) -> None:
    live.push("ana", "Staff")
    live.run()
    assert say(live, refuse_proposal, "octo") == octo
    live.run()
    assert [call[0] for call in live.calls()] == ["invite"]
    reread(live)
    assert states(live)["octo"] == "unmatched"
    assert trail(live)[0][0] == "account.proposal_refused"


def test_a_proposal_whose_ground_is_gone_is_taken_back(live: World, octo: int) -> None:
    change(live, "ana", nickName="somebody")
    reread(live)
    assert states(live)["octo"] == "unmatched"


def test_two_people_of_one_nickname_are_none(live: World, octo: int) -> None:
    live.push("bo")
    change(live, "bo", nickName="octo")
    reread(live)
    assert states(live)["octo"] == "unmatched"


def test_an_address_outweighs_a_nickname(live: World) -> None:
    rules(live, BY_EMAIL, BY_NICKNAME)
    ana, bo = live.push("ana"), live.push("bo")
    change(live, "bo", nickName="octo")
    live.app.member("octo", ANA)
    reread(live)
    assert views(live)["octo"].person_id == ana != bo


def test_the_rules_of_a_mapping_are_carried_out(world: World) -> None:
    world.begin(more="match: [{account: email, person: emails}, {account: login, person: nickName}]")
    ana, bo = world.push("ana"), world.push("bo")
    change(world, "bo", nickName="hubber")
    world.app.member("octo", ANA)
    world.app.member("hubber")
    reread(world)
    assert (views(world)["octo"].person_id, views(world)["hubber"].proposed_to) == (ana, bo)


def test_a_login_that_is_an_address_links(live: World) -> None:
    rules(live, MatchRule("login", "userName"))
    ana = live.push("ana")
    live.app.member("ANA@acme.example")
    reread(live)
    assert views(live)["ANA@acme.example"].person_id == ana


def test_a_name_is_never_enough(live: World) -> None:
    rules(live, MatchRule("name", "displayName"))
    ana = live.push("ana")
    change(live, "ana", displayName="Ana Alba")
    ref = live.app.member("octo")
    live.app.accounts[ref] = replace(live.app.accounts[ref], name="ANA ALBA")
    reread(live)
    assert (views(live)["octo"].state, views(live)["octo"].proposed_to) == ("proposed", ana)


def test_the_apps_own_id_in_an_attribute_links(live: World) -> None:
    rules(live, MatchRule("id", "externalId"))
    ref = live.app.member("octo")
    ana = live.push("ana")
    change(live, "ana", externalId=ref)
    reread(live)
    assert views(live)["octo"].person_id == ana


# By hand


def test_an_unlinked_account_is_nobodys_and_nothing_links_it_again(live: World) -> None:
    ana = seated(live, "Staff")
    assert say(live, unlink_account, "ana") == ana
    assert live.ours(ana) == set()
    reread(live)
    view = views(live)["ana"]
    assert (view.state, view.remark) == ("unmatched", "unmanaged")
    live.push("ana", active=False)
    live.run()
    assert live.calls() == []
    assert trail(live) == [("account.unlinked", f"account:{view.ref}", ana)]


def test_a_word_by_hand_stands_over_an_earlier_one(live: World, octo: int) -> None:
    say(live, refuse_proposal, "octo")
    say(live, link_account, "octo", octo)
    assert (views(live)["octo"].person_id, views(live)["octo"].linked_how) == (octo, "by hand")
    say(live, unlink_account, "octo")
    reread(live)
    assert states(live)["octo"] == "unmatched"


@pytest.mark.parametrize(("kind", "state"), [("exempt", "exempt"), ("service", "service")])
def test_an_exempt_account_is_nobodys_on_purpose(live: World, kind: str, state: str) -> None:
    live.app.member("octo")
    reread(live)
    say(live, exempt_account, "octo", kind=kind, reason=" break glass ")
    view = views(live)["octo"]
    assert (view.state, view.reason, view.remark, view.is_unmanaged) == (state, "break glass", None, False)
    assert trail(live)[-1][:1] == ("account.exempted",)


def test_an_exempt_account_is_matched_by_no_rule_until_that_ends(live: World, octo: int) -> None:
    say(live, exempt_account, "octo", kind="exempt", reason="kept in the safe")
    ref = views(live)["octo"].ref
    live.app.accounts[ref] = replace(live.app.accounts[ref], emails=(ANA,))
    reread(live)
    assert states(live)["octo"] == "exempt"
    say(live, end_exemption, "octo")
    reread(live)
    assert views(live)["octo"].person_id == octo


def test_who_waited_for_an_account_that_is_exempt_now_goes_on(live: World, octo: int) -> None:
    live.push("ana", "Staff")
    live.run()
    say(live, exempt_account, "octo", kind="service", reason="deploys")
    live.run()
    assert [call[0] for call in live.calls()] == ["invite"]


def test_a_guest_is_no_member_and_nobodys_seat(live: World) -> None:
    ana = live.push("ana")
    ref = live.app.member("octo", ANA)
    live.app.accounts[ref] = replace(live.app.accounts[ref], role=None, is_outside=True)
    reread(live)
    view = views(live)["octo"]
    assert (view.state, view.remark) == ("guest", None)
    with pytest.raises(Conflict, match="outside person"):
        say(live, link_account, "octo", ana)
    live.push("ana", "Staff")
    live.run()
    assert [call[0] for call in live.calls()] == ["invite"]


@pytest.mark.parametrize(
    ("word", "options", "error", "words"),
    [
        pytest.param(unlink_account, {}, Conflict, "nobody's already", id="unlink-nobodys"),
        pytest.param(accept_proposal, {}, Conflict, "proposed to nobody", id="accept-nothing"),
        pytest.param(refuse_proposal, {}, Conflict, "proposed to nobody", id="refuse-nothing"),
        pytest.param(end_exemption, {}, Conflict, "is not exempt", id="end-nothing"),
        pytest.param(exempt_account, {"kind": "exempt", "reason": " "}, InvalidInput, "without a reason", id="no-why"),
    ],
)
def test_a_word_without_ground_is_refused(
    live: World, word: Any, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        say(live, word, "root", **options)


def test_a_linked_account_is_not_exempted_and_an_exempt_one_not_linked(live: World) -> None:
    ana = seated(live, "Staff")
    with pytest.raises(Conflict, match="is linked to"):
        say(live, exempt_account, "ana", kind="exempt", reason="x")
    say(live, exempt_account, "root", kind="exempt", reason="break glass")
    with pytest.raises(Conflict, match="is exempt: break glass"):
        say(live, link_account, "root", ana)


def test_an_invitation_is_not_unlinked(live: World) -> None:
    live.push("ana", "Staff")
    live.run()
    invited = live.app.invitation(ANA)
    assert invited is not None
    with pytest.raises(Conflict, match="take the person out of the group"):
        say(live, unlink_account, invited.ref)


def test_a_login_that_two_accounts_bear_names_none(live: World) -> None:
    refs = [live.app.member("octo"), live.app.member("Octo")]
    reread(live)
    with pytest.raises(InvalidInput, match="is 2 accounts"):
        say(live, exempt_account, "octo", kind="exempt", reason="x")
    say(live, exempt_account, refs[0], kind="exempt", reason="x")


def test_lists_are_narrowed_by_state(live: World) -> None:
    seated(live, "Staff")
    live.app.member("dan", "dan@acme.example")
    live.push("dan")
    live.push("dan", active=False)
    reread(live)
    assert set(views(live, "linked")) == {"ana", "dan"}
    assert set(views(live, "unmatched")) == {"root"}
    assert set(views(live, "unmanaged")) == {"root", "dan"}
    assert set(views(live, "leaver")) == {"dan"}
    assert set(views(live, "service")) == set()


# The cost


def test_a_push_looks_for_accounts_in_as_many_statements_for_many_as_for_one(live: World) -> None:
    rules(live, BY_EMAIL, BY_NICKNAME)
    people = [live.push(f"p{number}") for number in range(20)]
    for number in range(20):
        live.app.member(f"m{number}", f"p{number}@acme.example")
    reread(live)
    with live.db.write() as tx:
        hub = live.rules.in_force(tx).mappings.hubs["acme"]
        tx.execute(sa.text("UPDATE accounts SET person_id = NULL"))
        with sent(tx) as one:
            matches_for(tx, hub, people[:1])
        with sent(tx) as many:
            found = matches_for(tx, hub, people)
    assert (len(one), len(found)) == (len(many), 20)
