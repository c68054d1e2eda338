"""The rows that drive everything: want, claim, lease, finish."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from databases import NOON

from scim_bridge.db import Database
from scim_bridge.directory.tables import Person
from scim_bridge.engine.pairs import (
    Claim,
    Wish,
    claim,
    drop_leases,
    ensure_pairs,
    finish,
    next_due,
    owns,
    renew,
    wake,
    want,
)
from scim_bridge.engine.schedule import DISABLED, GAINS, LOSES, REPAIRS
from scim_bridge.engine.tables import Pair


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.fixture
def people(db: Database) -> list[int]:
    with db.write() as tx:
        rows = [{"created_at": NOON, "generation": 0}] * 3
        return list(tx.execute(sa.insert(Person).returning(Person.id), rows).scalars())


def wish(db: Database, person: int, now: datetime, *, priority: int = GAINS, settle_s: int = 60) -> None:
    with db.write() as tx:
        want(tx, [Wish("acme", person, priority, settle_s)], now=now)


def take(db: Database, now: datetime, *, limit: int = 10) -> list[Claim]:
    with db.write() as tx:
        return claim(tx, "acme", limit=limit, now=now, lease_s=120)


def end(db: Database, taken: Claim, now: datetime, *, is_done: bool = True, **more: Any) -> None:
    with db.write() as tx:
        finish(tx, taken, now=now, is_done=is_done, **more)


def pair(db: Database, person: int) -> Any:
    with db.read() as tx:
        return tx.execute(sa.select(Pair).where(Pair.person_id == person)).one()


def test_nothing_wanted_is_nothing_written(db: Database) -> None:
    with db.write() as tx:
        want(tx, [], now=NOON)
        assert tx.execute(sa.select(Pair)).all() == []
        assert next_due(tx, NOON) is None


def test_a_burst_is_due_when_it_has_come_to_rest(db: Database, people: list[int]) -> None:
    for seconds, due in ((0, 60), (50, 110), (290, 300)):
        wish(db, people[0], at(seconds))
        assert pair(db, people[0]).due_at == at(due)
    assert pair(db, people[0]).want == 3


def test_a_leaver_never_waits(db: Database, people: list[int]) -> None:
    wish(db, people[0], NOON)
    wish(db, people[0], at(10), priority=DISABLED)
    assert (pair(db, people[0]).due_at, pair(db, people[0]).priority) == (at(10), DISABLED)


def test_what_is_still_to_be_done_keeps_its_urgency(db: Database, people: list[int]) -> None:
    wish(db, people[0], NOON, priority=LOSES)
    wish(db, people[0], at(1), priority=GAINS)
    assert pair(db, people[0]).priority == LOSES


def test_a_new_burst_after_the_last_was_done_settles_anew(db: Database, people: list[int]) -> None:
    wish(db, people[0], NOON, priority=LOSES)
    (taken,) = take(db, at(60))
    end(db, taken, at(61))
    wish(db, people[0], at(1000))
    row = pair(db, people[0])
    assert (row.due_at, row.unsettled_since, row.priority) == (at(1060), at(1000), GAINS)


def test_due_pairs_are_claimed_most_urgent_first(db: Database, people: list[int]) -> None:
    for person, priority in zip(people, (REPAIRS, LOSES, GAINS), strict=True):
        wish(db, person, NOON, priority=priority, settle_s=0)
    assert [one.person_id for one in take(db, NOON, limit=2)] == [people[1], people[2]]
    assert [one.person_id for one in take(db, NOON)] == [people[0]]
    assert take(db, NOON) == []


def test_what_is_not_due_is_not_claimed(db: Database, people: list[int]) -> None:
    wish(db, people[0], NOON)
    assert take(db, at(59)) == []
    with db.read() as tx:
        assert next_due(tx, NOON) == at(60)


def test_a_claim_knows_what_was_wanted_and_its_owner_is_fresh(db: Database, people: list[int]) -> None:
    owners = set()
    for count in (1, 2):
        wish(db, people[0], NOON, settle_s=0)
        (taken,) = take(db, NOON)
        assert (taken.want, taken.done) == (count, count - 1)
        owners.add(taken.owner)
        end(db, taken, NOON)
    assert len(owners) == 2


def test_more_wanted_meanwhile_keeps_the_pair_due(db: Database, people: list[int]) -> None:
    wish(db, people[0], NOON, settle_s=0)
    (taken,) = take(db, NOON)
    wish(db, people[0], at(1))
    end(db, taken, at(2), due_at=at(9999))
    row = pair(db, people[0])
    assert (row.done, row.want, row.due_at, row.unsettled_since) == (1, 2, at(61), at(1))


def test_a_timer_is_when_to_look_again(db: Database, people: list[int]) -> None:
    wish(db, people[0], NOON, settle_s=0)
    (taken,) = take(db, NOON)
    end(db, taken, at(1), due_at=at(86_400), waits="`leave` acts tomorrow")
    row = pair(db, people[0])
    assert (row.done, row.due_at, row.waits, row.owner) == (1, at(86_400), "`leave` acts tomorrow", None)


def test_tries_are_counted_until_it_is_done(db: Database, people: list[int]) -> None:
    wish(db, people[0], NOON, settle_s=0)
    (taken,) = take(db, NOON)
    end(db, taken, NOON, is_done=False, due_at=NOON, tried=True)
    (taken,) = take(db, NOON)
    end(db, taken, NOON, is_done=False, due_at=NOON)  # waits for a reading: no try, and no fresh start
    (taken,) = take(db, NOON)
    assert taken.attempts == 1
    end(db, taken, NOON)
    assert pair(db, people[0]).attempts == 0


def test_a_lapsed_lease_is_taken_over_with_the_duty_to_look(db: Database, people: list[int]) -> None:
    wish(db, people[0], NOON, settle_s=0)
    (first,) = take(db, NOON)
    assert (first.look_after, take(db, at(120))) == (None, [])
    (second,) = take(db, at(121))
    assert (second.look_after, second.owner != first.owner) == (at(121), True)


def test_who_lost_the_pair_changes_nothing(db: Database, people: list[int]) -> None:
    wish(db, people[0], NOON, settle_s=0)
    (first,) = take(db, NOON)
    (second,) = take(db, at(121))
    with db.write() as tx:
        assert (owns(tx, first), owns(tx, second)) == (False, True)
        assert renew(tx, first, until=at(999)) is False
        assert renew(tx, second, until=at(500)) is True
    end(db, first, at(130))
    row = pair(db, people[0])
    assert (row.owner, row.done, row.lease_until) == (second.owner, 0, at(500))


def test_the_holder_of_the_engines_lock_drops_all_leases(db: Database, people: list[int]) -> None:
    for person in people[:2]:
        wish(db, person, NOON, settle_s=0)
    take(db, NOON)
    with db.write() as tx:
        assert drop_leases(tx, now=at(5)) == 2
    assert [one.look_after for one in take(db, at(5))] == [at(5), at(5)]


def test_waking_makes_due_at_once_and_raises_urgency(db: Database, people: list[int]) -> None:
    wish(db, people[0], NOON, priority=GAINS, settle_s=0)
    (taken,) = take(db, NOON)
    end(db, taken, NOON, is_done=False, due_at=at(900), tried=True)
    with db.write() as tx:
        assert wake(tx, "acme", [people[0]], now=at(1), priority=LOSES, is_planned=True) == 1
    row = pair(db, people[0])
    assert (row.due_at, row.priority, row.attempts, row.planned) == (at(1), LOSES, 0, True)


def test_waking_does_not_cut_a_settle_short(db: Database, people: list[int]) -> None:
    wish(db, people[0], NOON)
    with db.write() as tx:
        wake(tx, "acme", [people[0]], now=at(5), priority=LOSES)
    assert pair(db, people[0]).due_at == at(60)


def test_who_saw_the_plan_and_said_go_does_not_wait_for_the_settle(db: Database, people: list[int]) -> None:
    wish(db, people[0], NOON)
    with db.write() as tx:
        wake(tx, "acme", [people[0]], now=at(5), priority=REPAIRS, cuts_settle=True)
    assert pair(db, people[0]).due_at == at(5)


def test_whoever_has_no_pair_yet_gets_one_that_is_due_and_the_others_keep_theirs(
    db: Database, people: list[int]
) -> None:
    wish(db, people[0], NOON, priority=LOSES)
    is_no_more = people[-1] + 1
    with db.write() as tx:
        ensure_pairs(tx, "acme", [*people[:2], is_no_more], now=at(5))
        rows = tx.execute(sa.select(Pair.person_id, Pair.want, Pair.due_at, Pair.priority).order_by(Pair.person_id))
        assert [tuple(row) for row in rows] == [
            (people[0], 1, at(60), LOSES),
            (people[1], 1, at(5), REPAIRS),
        ]


def test_waking_who_has_no_pair_wakes_nobody(db: Database, people: list[int]) -> None:
    with db.write() as tx:
        assert wake(tx, "acme", people, now=NOON, priority=LOSES) == 0


def test_a_persons_word_ends_with_what_it_was_said_for(db: Database, people: list[int]) -> None:
    wish(db, people[0], NOON, settle_s=0)
    with db.write() as tx:
        wake(tx, "acme", [people[0]], now=NOON, priority=LOSES, is_planned=True)
    (taken,) = take(db, NOON)
    assert taken.is_planned
    end(db, taken, NOON, is_done=False, due_at=NOON, tried=True)
    (taken,) = take(db, NOON)
    assert taken.is_planned
    end(db, taken, NOON)
    assert not pair(db, people[0]).planned
