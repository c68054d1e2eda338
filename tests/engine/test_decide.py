"""What is done for one person now: the gap, an invitation's life, and the brake."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from scim_bridge.contract.state import SEAT, SUSPENSION, Account, Asset, Status
from scim_bridge.engine.decide import UNNAMED, Decision, because_of, decide, label, look
from scim_bridge.engine.diff import SUSPENDED, Change, Drift, Gap, Roles, Standing
from scim_bridge.engine.guard import Counts
from scim_bridge.engine.scene import Desired, OpenTask, Scene, StoredAccount, StoredInvitation, Subject
from scim_bridge.engine.undone import Undone
from scim_bridge.hubs.bound import Resolved
from scim_bridge.mapping.model import HubMapping, Place, Safety

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ROLES = Roles({SEAT: ("owner", "member")}, frozenset())
SCENE = Scene(
    ROLES,
    {},
    {"team/7": Asset("team", "7", "Core", "core"), "team/8": Asset("team", "8", "Web")},
    Resolved({}, {}, (), ()),
    {},
)
MAPPING = HubMapping(
    "acme", "memory", "acme", {}, ("owner", "member"), {}, frozenset(), (), Place("mappings/acme.yaml", 1, 1)
)
MEMBER = {SEAT: frozenset(["member"])}
WANTS = Desired("member")
BRAKED = "more than 2 seats would end within an hour (`safety.max_removals: {count: 10, percent: 20}`)"


def subject(
    standing: Standing, *, desired: Desired = WANTS, invitation: str = "", resends: int = 0, **more: Any
) -> Subject:
    account = None
    if standing.status is not None:
        account = StoredAccount(1, Account("9", standing.status, "member", "ana"), NOON)
    found = StoredInvitation(1, "invitation:1", invitation, resends, NOON) if invitation else None
    fields = {"addresses": {"ana@acme.example": "ana@acme.example"}, **more}
    return Subject(7, desired, standing=standing, account=account, invitation=found, **fields)


def decided(
    who: Subject,
    *,
    safety: Safety | None = None,
    counts: Counts | None = None,
    paused: bool = False,
    another: bool = False,
) -> Decision:
    mapping = replace(MAPPING, safety=safety or Safety())
    return decide(
        who,
        mapping,
        SCENE,
        lambda: counts or Counts(100),
        is_wanted_by_another=another,
        are_removals_paused=paused,
    )


def rulings(decision: Decision) -> list[tuple[str, str]]:
    """``(action, goes on | held | failed)``."""
    return [
        (one.change.action, "goes on" if one.goes_on else "held" if one.held else "failed") for one in decision.rulings
    ]


NOT_WANTED = Desired(None)
LEFT = Standing({}, MEMBER, {}, None, read_in_full=True)
STAYS = Standing(MEMBER, MEMBER, {}, None, read_in_full=True)


@pytest.mark.parametrize(
    ("state", "resends", "standing", "desired", "expected"),
    [
        pytest.param("pending", 0, Standing(MEMBER, MEMBER, MEMBER, Status.INVITED), WANTS, [], id="pending-wanted"),
        pytest.param(
            "pending",
            0,
            Standing({}, MEMBER, MEMBER, Status.INVITED),
            NOT_WANTED,
            [("cancel_invitation", "goes on")],
            id="pending-unwanted",
        ),
        pytest.param("renewing", 0, STAYS, WANTS, [("invite", "goes on")], id="renewing-and-gone-is-invited"),
        pytest.param("renewing", 0, LEFT, NOT_WANTED, [("forget", "goes on")], id="renewing-unwanted-is-forgotten"),
        pytest.param(
            "expired",
            0,
            replace(STAYS, status=Status.EXPIRED),
            WANTS,
            [("invite", "goes on")],
            id="expired-is-sent-again",
        ),
        pytest.param("expired", 1, STAYS, WANTS, [("invite", "goes on")], id="expired-twice-is-sent-again"),
        pytest.param("expired", 2, STAYS, WANTS, [("invite", "failed")], id="expired-three-times-needs-a-person"),
        pytest.param("expired", 2, LEFT, NOT_WANTED, [("forget", "goes on")], id="expired-unwanted-is-forgotten"),
        pytest.param("unmatched", 0, STAYS, WANTS, [], id="unmatched-is-not-invited-again"),
        pytest.param("unmatched", 0, LEFT, NOT_WANTED, [("remove", "held")], id="unmatched-removal-is-held"),
        pytest.param("vanished", 0, STAYS, WANTS, [("invite", "failed")], id="vanished-is-a-persons-doing"),
        pytest.param("vanished", 0, LEFT, NOT_WANTED, [("forget", "goes on")], id="vanished-unwanted-is-forgotten"),
        pytest.param(
            "unmatched",
            0,
            Standing({}, MEMBER, MEMBER, Status.ACTIVE),
            NOT_WANTED,
            [("remove", "goes on")],
            id="once-linked-the-account-counts",
        ),
        pytest.param(
            "expired", 2, Standing(MEMBER, MEMBER, MEMBER, Status.INVITED), WANTS, [], id="invited-by-hand-meanwhile"
        ),
        pytest.param("expired", 0, STAYS, NOT_WANTED, [], id="a-timer-keeps-but-invites-nobody"),
    ],
)
def test_the_life_of_an_invitation(
    state: str, resends: int, standing: Standing, desired: Desired, expected: list[tuple[str, str]]
) -> None:
    assert rulings(decided(subject(standing, desired=desired, invitation=state, resends=resends))) == expected


def test_unmatched_says_what_to_do() -> None:
    assert decided(subject(STAYS, invitation="unmatched")).waits == (f"{UNNAMED[0]}: {UNNAMED[1]}",)


def test_ignore_stands_over_everything() -> None:
    leaver = Standing({}, MEMBER, MEMBER, Status.ACTIVE)
    assert decided(subject(leaver, desired=NOT_WANTED, is_ignored=True)) == Decision()
    assert decided(subject(STAYS, is_ignored=True)).waits == ("the account is under `safety.ignore`",)


def test_nobody_is_invited_without_an_address() -> None:
    (ruling,) = decided(subject(Standing(MEMBER), addresses={})).rulings
    assert ruling.failed is not None
    assert "no e-mail address" in ruling.failed[0]


ACTIVE_LEAVER = subject(Standing({}, MEMBER, MEMBER, Status.ACTIVE), desired=NOT_WANTED)


def test_a_removal_is_held_where_another_persons_access_matches_the_account() -> None:
    assert rulings(decided(ACTIVE_LEAVER, another=True)) == [("remove", "held")]


def test_a_held_removal_names_the_command_that_releases_it() -> None:
    (ruling,) = decided(ACTIVE_LEAVER, counts=Counts(8, ended=2)).rulings
    assert ruling.held == (
        "more than 2 seats would end within an hour (`safety.max_removals: {count: 10, percent: 20}`)",
        "`scim-bridge approvals list --hub acme` shows each; `scim-bridge apply acme --release` lets removals go on "
        "that this limit holds",
    )


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        pytest.param(
            OpenTask(1, "remove", SEAT, "held", 0, BRAKED),
            "held",
            id="held-by-the-limit-before",
        ),
        pytest.param(
            OpenTask(1, "remove", SEAT, "held", 0, "`safety.keep_at_least`"), "goes on", id="held-for-another-reason"
        ),
        pytest.param(OpenTask(1, "remove", SEAT, "held", 0), "goes on", id="held-without-a-word"),
        pytest.param(
            OpenTask(1, "remove", SEAT, "failed", 0, BRAKED),
            "goes on",
            id="failed-is-not-held",
        ),
        pytest.param(
            OpenTask(1, "remove_asset", "team/7", "held", 0, BRAKED),
            "goes on",
            id="another-change",
        ),
    ],
)
def test_time_alone_frees_nothing(task: OpenTask, expected: str) -> None:
    assert rulings(decided(replace(ACTIVE_LEAVER, tasks=(task,)))) == [("remove", expected)]


def test_a_decision_reserves_from_the_counts_that_it_shares() -> None:
    owner = {SEAT: frozenset(["owner"])}
    leaver = subject(Standing({}, owner, owner, Status.ACTIVE), desired=NOT_WANTED)
    counts = Counts(100, holders=Counter(owner=2))
    safety = Safety(keep_at_least={"owner": 1})
    assert rulings(decided(leaver, safety=safety, counts=counts)) == [("remove", "goes on")]
    assert rulings(decided(leaver, safety=safety, counts=counts)) == [("remove", "held")]


def test_what_the_rules_would_do_about_an_undone_change_is_held() -> None:
    kept = Undone(SEAT, MEMBER[SEAT], {SEAT: frozenset()}, "r9", "cli:ops", NOON)
    who = subject(Standing(MEMBER, MEMBER, MEMBER, Status.ACTIVE), undone=(kept,))
    assert rulings(decided(who)) == [("remove", "held")]


def test_timers_and_troubles_are_told() -> None:
    waits = decided(subject(STAYS, troubles=("team/x is not in the app (yet)",), next_at=NOON)).waits
    assert waits == ("team/x is not in the app (yet)", "`leave` acts at 2026-11-22 12:00 UTC")


@pytest.mark.parametrize(
    ("thing", "shown"), [(SEAT, "seat"), ("team/7", "team/core"), ("team/8", "team/Web"), ("team/9", "team/9")]
)
def test_things_are_shown_as_people_know_them(thing: str, shown: str) -> None:
    assert label(SCENE, thing) == shown


# Drift


def test_a_reading_alone_shows_drift_and_what_would_bring_it_back() -> None:
    standing = Standing(MEMBER, MEMBER, {SEAT: frozenset(["owner"])}, Status.ACTIVE, read_in_full=True, fixes=True)
    moved = Drift(SEAT, frozenset(["member"]), frozenset(["owner"]))
    back = Change("change_role", SEAT, frozenset(["owner"]), frozenset(["member"]), is_fix=True)
    assert look(subject(standing), SCENE) == Gap((back,), (moved,))


def test_an_invitation_that_was_cancelled_by_hand_is_drift_and_is_not_brought_back() -> None:
    vanished = subject(replace(STAYS, fixes=True), invitation="vanished")
    assert look(vanished, SCENE) == Gap(drift=(Drift(SEAT, frozenset(["member"]), frozenset()),))


def test_ignored_accounts_do_not_drift() -> None:
    standing = Standing(MEMBER, MEMBER, {SEAT: frozenset(["owner"])}, Status.ACTIVE, read_in_full=True)
    assert look(subject(standing, is_ignored=True), SCENE) == Gap()


@pytest.mark.parametrize(
    ("is_fix", "rules"),
    [pytest.param(False, ["staff"], id="our-change"), pytest.param(True, ["staff", "safety.drift: fix"], id="a-fix")],
)
def test_the_rules_behind_a_change(is_fix: bool, rules: list[str]) -> None:
    who = subject(STAYS, because={SEAT: [{"rule": "staff", "file": "mappings/acme.yaml", "line": 5}]})
    change = Change("invite", SEAT, frozenset(), frozenset(["member"]), is_fix=is_fix)
    assert [each["rule"] for each in because_of(who, change, MAPPING)] == rules


def test_nobody_suspends_an_account_that_another_persons_access_matches() -> None:
    standing = Standing({**MEMBER, SUSPENSION: SUSPENDED}, MEMBER, MEMBER, Status.ACTIVE)
    assert rulings(decided(subject(standing, desired=NOT_WANTED), another=True)) == [("suspend", "held")]
