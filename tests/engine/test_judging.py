"""Small judgements: what an error means, what a reading means for an invitation, what moved for a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from scim_bridge.contract.state import Status
from scim_bridge.directory.snapshot import GroupFact, PersonFact, UserFact
from scim_bridge.engine.invitations import next_values
from scim_bridge.engine.judging import NEVER, Before, compare, judge, priority_of
from scim_bridge.engine.leave import Since
from scim_bridge.engine.outcome import Failure, judge_failure
from scim_bridge.engine.schedule import DISABLED, GAINS, LOSES
from scim_bridge.errors import BridgeError, Conflict, Held, NeedsAttention, Permanent, Transient
from scim_bridge.hubs.bound import NewBinding
from scim_bridge.mapping.evaluate import Because, Verdict
from scim_bridge.mapping.model import Grant, GroupName, HubMapping, Place

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PLACE = Place("mappings/acme.yaml", 5, 3)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        pytest.param(Held("the last owner"), Failure("held", ends_pair=False), id="held-holds-the-change-not-the-pair"),
        pytest.param(Permanent("no"), Failure("failed", ends_pair=False), id="permanent-fails-the-change"),
        pytest.param(NeedsAttention("401"), Failure("waiting", True, again_in_s=0), id="a-refused-credential-waits"),
        pytest.param(
            Conflict("there already"),
            Failure("retrying", True, look=True, again_in_s=4, surely_not=False),
            id="a-conflict-looks-first",
        ),
        pytest.param(Transient("503"), Failure("retrying", True, again_in_s=4), id="surely-not-done-is-just-repeated"),
        pytest.param(
            Transient("no answer", maybe_done=True),
            Failure("retrying", True, look=True, again_in_s=4, surely_not=False),
            id="a-time-out-looks-first",
        ),
        pytest.param(
            Transient("429", retry_after_s=90), Failure("retrying", True, again_in_s=90), id="the-apps-own-wait"
        ),
        pytest.param(
            BridgeError("?"),
            Failure("retrying", True, look=True, again_in_s=4, surely_not=False),
            id="an-unknown-one-is-doubtful",
        ),
    ],
)
def test_an_error_decides_what_becomes_of_task_and_pair(error: BridgeError, failure: Failure) -> None:
    assert judge_failure(error, attempt=3, jitter=0) == failure


# What a full reading means for an invitation of ours


def after_reading(
    state: str,
    *,
    ref: str = "invitation:1",
    shown: Mapping[str, tuple[str, str]] | None = None,
    accepted: bool = False,
    newcomer: int | None = None,
    resends: int = 0,
    trusted: bool = True,
) -> dict[str, object]:
    row: Any = SimpleNamespace(ref=ref, email_key="ana@acme.example", state=state, pending_seen=4, resends=resends)
    return next_values(row, dict(shown or {}), newcomer, is_accepted=accepted, is_trusted=trusted, reading=5, now=NOON)


PENDING = {"invitation:1": (Status.INVITED, "ana@acme.example")}
LAPSED = {"invitation:1": (Status.EXPIRED, "ana@acme.example")}
SEEN = {"pending_seen": 5, "pending_seen_at": NOON}


@pytest.mark.parametrize(
    ("state", "more", "values"),
    [
        pytest.param("pending", {"shown": PENDING}, SEEN, id="pending-stays-pending"),
        pytest.param(
            "sending",
            {"ref": "sending:x", "shown": PENDING},
            {**SEEN, "ref": "invitation:1", "state": "pending"},
            id="found-after-a-crash",
        ),
        pytest.param("vanished", {"shown": PENDING}, {**SEEN, "state": "pending"}, id="shown-again"),
        pytest.param("renewing", {"shown": PENDING}, SEEN, id="not-cancelled-yet-is-still-to-be-renewed"),
        pytest.param("pending", {"shown": LAPSED}, {"state": "expired"}, id="lapsed"),
        pytest.param("expired", {"shown": LAPSED}, {}, id="lapsed-as-before"),
        pytest.param("renewing", {"shown": LAPSED}, {}, id="lapsed-while-renewing"),
        pytest.param("expired", {}, {}, id="listed-no-longer"),
        pytest.param("pending", {"accepted": True}, {"ended_at": NOON}, id="accepted"),
        pytest.param("pending", {"newcomer": 5}, {"state": "unmatched"}, id="somebody-joined-unnamed"),
        pytest.param(
            "pending", {"newcomer": 4}, {"state": "unmatched"}, id="joined-between-the-two-lists-of-one-reading"
        ),
        pytest.param("pending", {"newcomer": 3}, {"state": "vanished"}, id="who-was-there-before-did-not-join"),
        pytest.param("unmatched", {"newcomer": 5}, {}, id="still-unnamed"),
        pytest.param("unmatched", {}, {"state": "vanished"}, id="the-newcomer-was-somebody-else"),
        pytest.param("renewing", {}, {}, id="cancelled-by-us"),
        pytest.param("sending", {"ref": "sending:x"}, {"ended_at": NOON}, id="never-reached-the-app"),
        pytest.param(
            "sending", {"resends": 1}, {"state": "expired", "resends": 0}, id="a-resend-that-never-reached-the-app"
        ),
        pytest.param("vanished", {}, {}, id="vanished-as-before"),
        pytest.param(
            "pending",
            {"shown": {"invitation:2": (Status.INVITED, "bo@acme.example")}},
            {"state": "vanished"},
            id="somebody-elses-invitation",
        ),
    ],
)
def test_a_full_reading_says(state: str, more: dict[str, Any], values: dict[str, object]) -> None:
    assert after_reading(state, **more) == values


@pytest.mark.parametrize(
    ("state", "more", "values"),
    [
        pytest.param("pending", {}, {}, id="nothing-vanishes"),
        pytest.param("pending", {"newcomer": 5}, {}, id="nobody-is-taken-for-the-one-who-joined"),
        pytest.param("sending", {"ref": "sending:x"}, {}, id="what-may-be-on-its-way-stays"),
        pytest.param("sending", {"resends": 1}, {}, id="a-resend-stays"),
        pytest.param("unmatched", {}, {}, id="still-unnamed"),
        pytest.param("pending", {"shown": PENDING}, SEEN, id="what-shows-is-pending"),
        pytest.param("pending", {"shown": LAPSED}, {"state": "expired"}, id="what-shows-as-lapsed-is"),
        pytest.param("pending", {"accepted": True}, {"ended_at": NOON}, id="who-shows-has-accepted"),
    ],
)
def test_an_untrusted_reading_says_only_what_it_shows(
    state: str, more: dict[str, Any], values: dict[str, object]
) -> None:
    assert after_reading(state, trusted=False, **more) == values


# What moved for a person


def before(
    role: str | None,
    *,
    disabled: bool = False,
    lost_at: datetime | None = None,
    disabled_at: datetime | None = None,
    **assets: list[str],
) -> Before:
    named = {name.replace("_", "/"): roles for name, roles in assets.items()}
    return Before(1, role, named, {}, disabled=disabled, since=Since(lost_at, disabled_at))


def verdict(role: str | None, *, disabled: bool = False, because: str = "", **assets: tuple[str, ...]) -> Verdict:
    named = {name.replace("_", "/"): roles for name, roles in assets.items()}
    why = {"seat": (Because(because, PLACE.file, 5),)} if because else {}
    return Verdict(role, named, why, disabled)


YESTERDAY = NOON - timedelta(days=1)


@pytest.mark.parametrize(
    ("old", "new", "is_written", "moved", "lost_at"),
    [
        pytest.param(NEVER, verdict(None), False, False, None, id="nobody-gets-no-row"),
        pytest.param(NEVER, verdict("member"), True, True, None, id="a-first-role"),
        pytest.param(before("member"), verdict("member"), False, False, None, id="the-same-again"),
        pytest.param(
            before("member"), verdict("member", because="staff"), True, False, None, id="another-rule-gives-the-same"
        ),
        pytest.param(before("member"), verdict("member", team_core=("member",)), True, True, None, id="an-asset-more"),
        pytest.param(before("member"), verdict(None), True, True, NOON, id="a-loss-starts-the-timer"),
        pytest.param(before(None, lost_at=YESTERDAY), verdict(None), False, False, None, id="a-loss-that-stands"),
        pytest.param(
            before(None, lost_at=YESTERDAY), verdict("member"), True, True, None, id="back-in-time-drops-the-timer"
        ),
        pytest.param(before("member"), verdict(None, disabled=True), True, True, NOON, id="disabled"),
        pytest.param(
            before(None, lost_at=YESTERDAY),
            verdict(None, disabled=True),
            True,
            True,
            YESTERDAY,
            id="lost-then-disabled-the-loss-goes-on-counting",
        ),
        pytest.param(
            before(None, disabled=True, lost_at=YESTERDAY, disabled_at=YESTERDAY),
            verdict(None),
            True,
            True,
            NOON,
            id="enabled-without-access-starts-lost-access",
        ),
        pytest.param(
            before(None, disabled=True, lost_at=YESTERDAY),
            verdict(None, disabled=True, because="x"),
            True,
            False,
            YESTERDAY,
            id="other-reasons-keep-the-timer",
        ),
    ],
)
def testcompare(old: Before, new: Verdict, is_written: bool, moved: bool, lost_at: datetime | None) -> None:
    row, has_moved = compare(old, new, now=NOON)
    assert (row is not None, has_moved) == (is_written, moved)
    assert (row or {}).get("lost_at") == lost_at


def hub(*grants: Grant) -> HubMapping:
    return HubMapping("acme", "memory", "acme", {}, ("owner", "member"), {}, frozenset(["team"]), grants, PLACE)


@pytest.mark.parametrize(
    ("old", "new", "priority"),
    [
        pytest.param(before("member"), verdict(None, disabled=True), DISABLED, id="a-leaver-first"),
        pytest.param(before("member"), verdict(None), LOSES, id="loses-the-seat"),
        pytest.param(before("owner"), verdict("member"), LOSES, id="a-lower-role"),
        pytest.param(before("member", team_core=["member"]), verdict("member"), LOSES, id="loses-an-asset"),
        pytest.param(before(None), verdict("member"), GAINS, id="a-new-seat"),
        pytest.param(before("member"), verdict("owner"), GAINS, id="a-higher-role"),
        pytest.param(before("member"), verdict("member", team_core=("member",)), GAINS, id="an-asset-more"),
        pytest.param(before("retired-role"), verdict("member"), GAINS, id="a-role-that-the-mapping-no-longer-has"),
    ],
)
def testpriority_of(old: Before, new: Verdict, priority: int) -> None:
    assert priority_of(hub(), old, new) == priority


STAFF = hub(Grant("staff", PLACE, groups=(GroupName("Staff", "staff"),), role="member"))


def person(id: int, group_id: int, name: str = "Staff") -> PersonFact:
    group = GroupFact(group_id, f"g{group_id}", None, name, name.casefold())
    return PersonFact(id, (UserFact(id, 1, "okta", True, {"userName": "x", "active": True}, (group,)),))


def test_a_name_binds_to_the_first_group_that_it_meets() -> None:
    verdicts, met, refused = judge({"acme": STAFF}, {7: person(7, 1)}, {}, NOON.date())
    assert verdicts["acme", 7].role == "member"
    assert (met, refused) == ([NewBinding("acme", "group", "1", "Staff", "g1")], [])


def test_a_second_group_of_the_same_name_is_refused_also_within_one_batch() -> None:
    verdicts, met, refused = judge({"acme": STAFF}, {7: person(7, 1), 8: person(8, 2)}, {}, NOON.date())
    assert (verdicts["acme", 7].role, verdicts["acme", 8].role) == ("member", None)
    assert [one.target_id for one in met] == ["g1"]
    assert [one.target_id for one in refused] == ["g2"]


def test_a_bound_name_stays_with_its_group_after_a_rename() -> None:
    bound = {"acme": {(1, "staff"): "g1"}}
    verdicts, met, _ = judge({"acme": STAFF}, {7: person(7, 1, "Everybody")}, bound, NOON.date())
    assert (verdicts["acme", 7].role, met) == ("member", [])
