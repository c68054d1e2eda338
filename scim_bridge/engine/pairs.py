"""The rows that drive everything: a person in a hub, and whether anything is left to do.

A claim takes ``due_at`` away and leaves an owner with a lease. Whatever is wanted meanwhile sets ``due_at``
anew and is found when the owner ends. An owner that dies leaves a lease that lapses: the next claim takes
the row over and looks before it acts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from scim_bridge.db import Tx, UTCDateTime, insert
from scim_bridge.directory.keys import bound_numbers, numbers
from scim_bridge.directory.tables import Person
from scim_bridge.engine.allowed import of_rows
from scim_bridge.engine.diff import Change
from scim_bridge.engine.schedule import DISABLED, REPAIRS, settled_at
from scim_bridge.engine.tables import Pair
from scim_bridge.prepared import Prepared, PreparedRows, insert_rows


@dataclass(frozen=True, slots=True)
class Wish:
    """The net access of a person in a hub moved."""

    hub_id: str
    person_id: int
    priority: int
    settle_s: int
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A pair that is ours until the lease ends. ``owner`` fences every write that ends it."""

    hub_id: str
    person_id: int
    owner: str
    want: int
    done: int
    priority: int
    attempts: int
    look_after: datetime | None
    is_planned: bool
    run_id: int | None = None  # the run that wants it, where one does
    allowed: list[list[Any]] | None = None  # the changes of an applied plan (``engine.allowed``); None: all


def bound_time(name: str) -> sa.BindParameter[datetime]:
    """A time that is given when the statement runs."""
    return sa.bindparam(name, type_=UTCDateTime())


_OWNED = sa.and_(
    Pair.hub_id == sa.bindparam("of_hub"),
    Pair.person_id == sa.bindparam("of_person"),
    Pair.owner == sa.bindparam("of_owner"),
)
_OWNS = sa.select(Pair.want).where(_OWNED).with_for_update()
_RENEW = sa.update(Pair).where(_OWNED).values(lease_until=bound_time("until"))
_NEXT_DUE = sa.select(sa.func.min(Pair.due_at)).where(Pair.due_at > bound_time("at"))


@Prepared
def _wanted(dialect: str) -> Any:
    columns = (Pair.hub_id, Pair.person_id, Pair.want, Pair.done, Pair.unsettled_since, Pair.priority)
    return sa.select(*columns).where(Pair.person_id.in_(bound_numbers(dialect, "people")))


_CLAIMABLE = (  # in a hub that is live
    sa.select(Pair.person_id)
    .where(
        Pair.hub_id == sa.bindparam("of_hub"),
        sa.or_(
            sa.and_(Pair.due_at <= bound_time("at"), Pair.owner.is_(None)),
            sa.and_(Pair.owner.is_not(None), Pair.lease_until < bound_time("at")),
        ),
    )
    .order_by(Pair.priority, Pair.due_at, Pair.person_id)
    .limit(sa.bindparam("room", type_=sa.Integer()))
    .with_for_update(skip_locked=True)
)
_CLAIM_ANY = (
    sa.update(Pair)
    .where(Pair.hub_id == sa.bindparam("of_hub"))
    .values(
        owner=sa.bindparam("new_owner"),
        lease_until=bound_time("until"),
        due_at=None,
        unsettled_since=None,  # what comes from now on is a burst of its own
        look_after=sa.case((Pair.owner.is_not(None), bound_time("at")), else_=Pair.look_after),
    )
    .returning(
        Pair.person_id,
        Pair.owner,
        Pair.want,
        Pair.done,
        Pair.priority,
        Pair.attempts,
        Pair.look_after,
        Pair.planned,
        Pair.run_id,
        Pair.allowed,
    )
)
_CLAIM = _CLAIM_ANY.where(Pair.person_id.in_(_CLAIMABLE))
_CLAIM_ONLY = _CLAIM_ANY.where(Pair.person_id.in_(_CLAIMABLE.where(Pair.allowed.is_not(None))))
_MOVED_ON = Pair.want > sa.bindparam("taken_want")
_IS_DONE = sa.bindparam("is_done", type_=sa.Boolean())
_IS_OVER = sa.and_(_IS_DONE, sa.not_(_MOVED_ON))
_FINISH = (
    sa.update(Pair)
    .where(_OWNED)
    .values(
        owner=None,
        lease_until=None,
        done=sa.case((_IS_DONE, sa.bindparam("taken_want")), else_=Pair.done),
        due_at=sa.case((_MOVED_ON, sa.func.coalesce(Pair.due_at, bound_time("at"))), else_=bound_time("then")),
        unsettled_since=sa.case((_MOVED_ON, Pair.unsettled_since), else_=None),
        attempts=sa.bindparam("tries"),
        look_after=bound_time("look"),
        planned=sa.case((_IS_OVER, False), else_=Pair.planned),
        run_id=sa.case((_IS_OVER, None), else_=Pair.run_id),
        allowed=sa.case((_IS_OVER, sa.null()), else_=Pair.allowed),
        waits=sa.bindparam("why"),
    )
)


def _key(taken: Claim) -> dict[str, Any]:
    return {"of_hub": taken.hub_id, "of_person": taken.person_id, "of_owner": taken.owner}


def want(tx: Tx, wishes: Sequence[Wish], *, now: datetime) -> None:
    """Raise ``want`` of each pair and settle when it is due: a burst of changes is acted on once."""
    if not wishes:
        return
    wanted = {(wish.hub_id, wish.person_id) for wish in wishes}
    people = sorted({wish.person_id for wish in wishes})
    known = {
        (hub_id, person_id): (unsettled_since, priority)
        for hub_id, person_id, want_, done, unsettled_since, priority in _wanted.all(tx, {"people": people})
        if done < want_ and (hub_id, person_id) in wanted
    }
    rows = []
    for wish in wishes:
        since, before = known.get((wish.hub_id, wish.person_id), (None, wish.priority))
        first, priority = since or now, min(wish.priority, before)
        due_at = now if priority == DISABLED else settled_at(first=first, last=now, settle_s=wish.settle_s)
        rows.append(
            {
                "hub_id": wish.hub_id,
                "person_id": wish.person_id,
                "due_at": due_at,
                "unsettled_since": first,
                "priority": priority,
                "run_id": wish.run_id,
            }
        )
    _want.run(tx, rows)


def _wanting(dialect: str, given: Mapping[str, Any]) -> Any:
    fresh = {"want": sa.literal(1), "done": sa.literal(0), "attempts": sa.literal(0)}
    statement = insert_rows(dialect, Pair, {**given, **fresh, "planned": sa.false()})
    return statement.on_conflict_do_update(
        index_elements=["hub_id", "person_id"],
        set_={
            "want": Pair.want + 1,
            "due_at": statement.excluded.due_at,
            "unsettled_since": statement.excluded.unsettled_since,
            "priority": statement.excluded.priority,
            "run_id": sa.func.coalesce(statement.excluded.run_id, sa.case((Pair.done < Pair.want, Pair.run_id))),
            "attempts": 0,
        },
    )


_want = PreparedRows(
    {
        column.name: column.type
        for column in Pair.__table__.columns
        if column.name in ("hub_id", "person_id", "due_at", "unsettled_since", "priority", "run_id")
    },
    _wanting,
)


def ensure_pairs(tx: Tx, hub_id: str, person_ids: Collection[int], *, now: datetime) -> None:
    """Make a pair, due now, of each of these people that has none here. Who is no more is left out."""
    chosen = sa.select(
        sa.literal(hub_id), Person.id, sa.literal(1), sa.literal(0), _time(now), sa.literal(REPAIRS)
    ).where(Person.id.in_(numbers(tx, sorted(person_ids))))
    columns = ["hub_id", "person_id", "want", "done", "due_at", "priority"]
    tx.execute(insert(tx, Pair).from_select(columns, chosen).on_conflict_do_nothing())


def wake(
    tx: Tx,
    hub_id: str,
    person_ids: Iterable[int] | sa.SelectBase,
    *,
    now: datetime,
    priority: int,
    is_planned: bool = False,
    cuts_settle: bool = False,
    run_id: int | None = None,
) -> int:
    """Want again, now, what is there already (a new reading, a person's word). Returns how many pairs.

    ``run_id``: the run that a person's word began; without it they stay in the one that they are in.

    Whoever has not come to rest yet settles first, for a reading in between must not drop a seat in mid-move;
    ``cuts_settle``: a person saw the plan and said go.
    """
    chosen = person_ids if isinstance(person_ids, sa.SelectBase) else list(person_ids)
    settles = (
        sa.false()
        if cuts_settle
        else sa.and_(Pair.unsettled_since.is_not(None), Pair.done < Pair.want, Pair.due_at > now)
    )
    values = {
        "want": Pair.want + 1,
        "due_at": sa.case((settles, Pair.due_at), else_=_time(now)),
        "attempts": 0,
        "priority": sa.case((Pair.done < Pair.want, sa.func.min(Pair.priority, priority)), else_=priority)
        if tx.dialect.name == "sqlite"
        else sa.case((Pair.done < Pair.want, sa.func.least(Pair.priority, priority)), else_=priority),
    }
    if is_planned:
        values["planned"] = True
    if run_id is not None:
        values["run_id"] = run_id
    return tx.execute(sa.update(Pair).where(Pair.hub_id == hub_id, Pair.person_id.in_(chosen)).values(values)).rowcount


def _time(value: datetime | None) -> sa.BindParameter[datetime | None]:
    """A time inside an expression: without its type PostgreSQL would take it for a local one."""
    return sa.literal(value, UTCDateTime())


def has_work(hub_id: InstrumentedAttribute[str], now: sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
    """Whether some pair of the hub is due at the bound moment, or has lost its owner; two index look-ups."""
    due = sa.exists().where(Pair.hub_id == hub_id, Pair.due_at <= now, Pair.owner.is_(None))
    lapsed = sa.exists().where(Pair.hub_id == hub_id, Pair.owner.is_not(None), Pair.lease_until < now)
    return sa.or_(due, lapsed)


def has_planned_work(hub_id: InstrumentedAttribute[str], now: sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
    """The same of pairs with changes of an applied plan: they are carried out in plan mode, too."""
    is_due = sa.and_(Pair.due_at <= now, Pair.owner.is_(None))
    has_lapsed = sa.and_(Pair.owner.is_not(None), Pair.lease_until < now)
    return sa.exists().where(Pair.hub_id == hub_id, Pair.allowed.is_not(None), sa.or_(is_due, has_lapsed))


def load_allowed(tx: Tx, hub_id: str, person_ids: Sequence[int]) -> dict[int, frozenset[Change]]:
    """The changes that a filed plan keeps these people to, of those with whom it is not done yet."""
    is_kept = sa.and_(Pair.hub_id == hub_id, Pair.person_id.in_(numbers(tx, person_ids)), Pair.allowed.is_not(None))
    rows = tx.execute(sa.select(Pair.person_id, Pair.allowed).where(is_kept))
    return {row.person_id: of_rows(row.allowed) for row in rows}


def next_due(tx: Tx, now: datetime) -> datetime | None:
    """When the next pair will be due, of those that are not yet."""
    return tx.execute(_NEXT_DUE, {"at": now}).scalar()


def claim(tx: Tx, hub_id: str, *, limit: int, now: datetime, lease_s: int, only_planned: bool = False) -> list[Claim]:
    """Take up to ``limit`` due pairs of a hub, most urgent first; a lapsed one with the duty to look.

    ``only_planned``: only those with changes of an applied plan, as a hub in plan mode has it.
    """
    values = {
        "of_hub": hub_id,
        "at": now,
        "room": limit,
        "new_owner": str(uuid4()),
        "until": now + timedelta(seconds=lease_s),
    }
    rows = tx.execute(_CLAIM_ONLY if only_planned else _CLAIM, values).all()
    claims = [
        Claim(
            hub_id,
            row.person_id,
            row.owner or "",
            row.want,
            row.done,
            row.priority,
            row.attempts,
            row.look_after,
            row.planned,
            row.run_id,
            row.allowed,
        )
        for row in rows
    ]
    return sorted(claims, key=lambda taken: (taken.priority, taken.person_id))


def owns(tx: Tx, taken: Claim) -> bool:
    """Whether this claim still stands; says so under the row's lock on PostgreSQL."""
    return tx.execute(_OWNS, _key(taken)).first() is not None


def renew(tx: Tx, taken: Claim, *, until: datetime) -> bool:
    """Lengthen the lease; False: somebody else has the pair now."""
    return bool(tx.execute(_RENEW, {**_key(taken), "until": until}).rowcount)


def finish(
    tx: Tx,
    taken: Claim,
    *,
    now: datetime,
    is_done: bool,
    due_at: datetime | None = None,
    waits: str | None = None,
    look_after: datetime | None = None,
    tried: bool = False,
) -> None:
    """Give the pair back. ``is_done``: what was wanted at the claim is settled; ``due_at``: when to look again.

    Where more was wanted meanwhile the pair stays due for that. ``tried`` counts a failed attempt; the count
    ends when it is done, not when it waits for a reading: a conflict that stays must not read the app on and on.
    """
    values = {
        **_key(taken),
        "at": now,
        "taken_want": taken.want,
        "is_done": is_done,
        "then": due_at,
        "tries": 0 if is_done else taken.attempts + tried,
        "look": look_after,
        "why": waits,
    }
    tx.execute(_FINISH, values)


def drop_leases(tx: Tx, *, now: datetime) -> int:
    """For the holder of the engine's lock: every other owner is dead. Their pairs look before they act."""
    return tx.execute(
        sa.update(Pair).where(Pair.owner.is_not(None)).values(owner=None, lease_until=None, due_at=now, look_after=now)
    ).rowcount
