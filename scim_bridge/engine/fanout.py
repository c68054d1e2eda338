"""From change rows to what each person should hold, and which pairs have work to do.

A group's or a revision's change first becomes changes of people (in slices, so that a group of 100,000
never holds the write lock for long); then each person is read, evaluated and compared with what they
should have held before. Only where the net access moved is a pair wanted, or where something failed for
them: what was pushed may be what it lacked (an e-mail address, say).

Per person: the generation is read first, the revision and the snapshot after it; rows are written only over
an earlier generation, and the change row goes only if it is still the one that was read. So a change that
comes in between is never lost, and an older answer never wins.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from enum import IntEnum
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from scim_bridge.contract.state import SEAT
from scim_bridge.db import Database, JsonText, Tx, to_json
from scim_bridge.directory.changes import mark_group, mark_people
from scim_bridge.directory.keys import bound_numbers, bound_texts
from scim_bridge.directory.memberships import people_in
from scim_bridge.directory.people import load_people
from scim_bridge.directory.snapshot import PersonFact
from scim_bridge.directory.tables import Group, GroupChange, Person, PersonChange
from scim_bridge.engine.leave import Since
from scim_bridge.engine.losses import notice
from scim_bridge.engine.pairs import Wish, want
from scim_bridge.engine.rules import InForce, Rules
from scim_bridge.engine.schedule import DISABLED, GAINS, LOSES, REPAIRS
from scim_bridge.engine.tables import AccessRow, Task
from scim_bridge.hubs.bindings import bind, group_bindings, propose
from scim_bridge.hubs.bound import NewBinding
from scim_bridge.mapping.compiled import compile_hub
from scim_bridge.mapping.evaluate import Because, Verdict, evaluate_view
from scim_bridge.mapping.model import HubMapping
from scim_bridge.mapping.tables import RevisionChange
from scim_bridge.mapping.views import Bindings, PersonView
from scim_bridge.prepared import Prepared, PreparedRows, insert_rows

_PEOPLE_AT_ONCE = 250
_SLICE = 2000

_WAITING = sa.select(
    sa.exists(sa.select(GroupChange.id)),
    sa.exists(sa.select(RevisionChange.revision_id)),
    sa.exists(sa.select(PersonChange.person_id)),
)
_GROUP_CHANGES = sa.select(GroupChange).order_by(GroupChange.id).limit(50)
_EXPANDED = sa.delete(GroupChange).where(GroupChange.id == sa.bindparam("change"))
_PERSON_CHANGES = (
    sa.select(PersonChange.person_id, PersonChange.generation)
    .order_by(PersonChange.changed_at, PersonChange.person_id)
    .limit(_PEOPLE_AT_ONCE)
)


@Prepared
def _lock_people(dialect: str) -> Any:
    chosen = Person.id.in_(bound_numbers(dialect, "people"))
    return sa.select(Person.id).where(chosen).order_by(Person.id).with_for_update()


_STORED = tuple(column for column in AccessRow.__table__.columns if column.name not in ("revision", "changed_at"))
_DOCUMENTS = ("assets", "because", "lower")  # the same texts again and again: each is read once


@Prepared
def _stored(dialect: str) -> Any:
    columns = (sa.type_coerce(column, sa.Text()) if column.name in _DOCUMENTS else column for column in _STORED)
    return sa.select(*columns).where(AccessRow.person_id.in_(bound_numbers(dialect, "people")))


@Prepared
def _failed(dialect: str) -> Any:
    chosen = Task.person_id.in_(bound_numbers(dialect, "people")), Task.hub_id.in_(bound_texts(dialect, "hubs"))
    return sa.select(Task.hub_id, Task.person_id).where(*chosen, Task.state == "failed").distinct()


def _desiring(dialect: str, given: Mapping[str, Any]) -> Any:
    statement = insert_rows(dialect, AccessRow, given)
    newer = {name: statement.excluded[name] for name in given if name not in ("hub_id", "person_id")}
    return statement.on_conflict_do_update(index_elements=["hub_id", "person_id"], set_=newer)


_desire = PreparedRows({column.name: column.type for column in AccessRow.__table__.columns}, _desiring)


def _telling(_: str, given: Mapping[str, Any]) -> Any:
    same = PersonChange.person_id == given["who"], PersonChange.generation == given["read"]
    return sa.delete(PersonChange).where(*same)


_told = PreparedRows({"who": sa.Integer(), "read": sa.BigInteger()}, _telling)


class Work(IntEnum):
    """What a step found: nothing, something, or as much as it takes at once, so that more is left."""

    NONE = 0
    SOME = 1
    FULL = 2


class Fanout:
    """Works off change rows; ``step`` does one bounded piece and says whether more may be left."""

    def __init__(
        self, db: Database, rules: Rules, on_want: Callable[[], None] = lambda: None, *, loss_percent: int = 20
    ) -> None:
        """``on_want`` is called when pairs were wanted. ``loss_percent``: what a source may lose within an hour."""
        self._loss_percent = loss_percent
        self._db = db
        self._rules = rules
        self._on_want = on_want

    def step(self) -> Work:
        """Do one piece of each kind of work."""
        with self._db.read() as tx:
            groups, revision, people = tx.execute(_WAITING).one()
        if groups:
            self._expand_groups()
        if revision:
            self._expand_revision()
        if not (groups or revision or people):
            return Work.NONE
        return Work.FULL if self._people() >= _PEOPLE_AT_ONCE else Work.SOME

    def _expand_groups(self) -> None:
        with self._db.read() as tx:
            rows = tx.execute(_GROUP_CHANGES).all()
        if not rows:  # a probe's were taken away with it
            return
        now = self._db.clock.now()
        with self._db.write() as tx:
            few: set[int] = set()
            for row in rows:
                people = row.person_ids if row.person_ids is not None else people_in(tx, row.group_id)
                if len(people) <= _SLICE or not _exists(tx, row.group_id):
                    few.update(people)
                else:
                    for start in range(0, len(people), _SLICE):
                        mark_group(tx, row.group_id, person_ids=people[start : start + _SLICE], now=now)
            mark_people(tx, sorted(few), now=now)
            tx.execute(_EXPANDED, [{"change": row.id} for row in rows])

    def _expand_revision(self) -> None:
        with self._db.read() as tx:
            row = tx.execute(sa.select(RevisionChange)).first()
            if row is None:
                return
            people = (
                tx.execute(
                    sa.select(Person.id).where(Person.id > row.after_person_id).order_by(Person.id).limit(_SLICE)
                )
                .scalars()
                .all()
            )
        same = sa.and_(
            RevisionChange.revision_id == row.revision_id, RevisionChange.after_person_id == row.after_person_id
        )
        with self._db.write() as tx:
            if people:
                mark_people(tx, people, now=self._db.clock.now())
                tx.execute(sa.update(RevisionChange).where(same).values(after_person_id=people[-1]))
            else:
                tx.execute(sa.delete(RevisionChange).where(same))

    def _people(self) -> int:
        """How many people were looked at."""
        with self._db.read() as tx:
            generations = {row.person_id: row.generation for row in tx.execute(_PERSON_CHANGES)}
            if not generations:
                return 0
            in_force = self._rules.in_force(tx)
            hubs = in_force.mappings.hubs
            people = load_people(tx, list(generations)) if hubs else {}
            bound = group_bindings(tx) if hubs else {}
        verdicts, met, refused = judge(hubs, people, bound, self._db.clock.now().date())
        with self._db.write() as tx:
            if not hubs:  # nobody can be due anything
                _tell(tx, generations)
                return len(generations)
            now = self._db.clock.now()
            bind(tx, met, now=now)
            propose(tx, refused)
            notice(tx, list(generations), percent=self._loss_percent, now=now)
            wanted = _write(tx, in_force, generations, verdicts, now=now)
        if wanted:
            self._on_want()
        return len(generations)


def _exists(tx: Tx, group_id: int) -> bool:
    return tx.execute(sa.select(Group.id).where(Group.id == group_id)).first() is not None


Verdicts = Mapping[tuple[str, int], Verdict]
"""``{(hub, person): verdict}``."""


def judge(
    hubs: Mapping[str, HubMapping],
    people: Mapping[int, PersonFact],
    bound: Mapping[str, Mapping[tuple[int, str], str]],
    today: date,
) -> tuple[Verdicts, list[NewBinding], list[NewBinding]]:
    """Evaluate people in hubs on a day (UTC). Pure.

    Returns the verdicts, names to bind, and names that another thing took.

    A name binds to the first group that bears it, also within one batch: whoever met a second group of the
    same name is evaluated again.
    """
    verdicts: dict[tuple[str, int], Verdict] = {}
    met: list[NewBinding] = []
    refused: list[NewBinding] = []
    views = [(person_id, PersonView(person)) for person_id, person in people.items()]
    for hub_id, mapping in hubs.items():
        compiled = compile_hub(mapping, today)
        known = Bindings(bound.get(hub_id, {}))
        for person_id, view in views:
            verdict = evaluate_view(compiled, view, known)
            if verdict.met:
                for new in {(new.source_id, new.name_key): new for new in reversed(verdict.met)}.values():
                    known.add(new.source_id, new.name_key, new.scim_id)
                    met.append(_binding(hub_id, new))
                verdict = evaluate_view(compiled, view, known)
            if verdict.refused:
                refused += [_binding(hub_id, new) for new in verdict.refused]
            verdicts[hub_id, person_id] = verdict
    return verdicts, met, refused


def _binding(hub_id: str, new: Any) -> NewBinding:
    return NewBinding(hub_id, "group", str(new.source_id), new.name, new.scim_id)


@dataclass(frozen=True, slots=True)
class _Before:
    generation: int
    role: str | None
    assets: dict[str, list[str]]
    because: dict[str, list[dict[str, Any]]]
    disabled: bool
    since: Since = field(default_factory=Since)
    hub_role: str | None = None
    reevaluate_at: datetime | None = None
    lower: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


_NEVER = _Before(-1, None, {}, {}, disabled=False)


def _write(tx: Tx, in_force: InForce, generations: Mapping[int, int], verdicts: Verdicts, *, now: datetime) -> int:
    """Returns how many pairs are wanted now."""
    people = sorted(generations)
    _lock_people.all(tx, {"people": people})
    before = _before(tx, people)
    rows: list[dict[str, Any]] = []
    wishes: list[Wish] = []
    hubs = in_force.mappings.hubs
    failed = set(_failed.all(tx, {"hubs": list(hubs), "people": people}))
    texts = _Texts()
    for (hub_id, person_id), verdict in verdicts.items():
        old = before.get((hub_id, person_id), _NEVER)
        if old.generation > generations[person_id]:
            continue
        row, moved = _compare(old, verdict, now=now)
        if row is not None:
            rows.append(
                {
                    "hub_id": hub_id,
                    "person_id": person_id,
                    "generation": generations[person_id],
                    "revision": in_force.revision,
                    "changed_at": now,
                    **row,
                    "assets": texts.of(verdict.assets, row["assets"]),
                    "because": texts.of(verdict.because, row["because"]),
                    "lower": texts.of(verdict.lower, row["lower"]),
                }
            )
        if moved or (hub_id, person_id) in failed:
            priority = _priority(hubs[hub_id], old, verdict) if moved else REPAIRS
            wishes.append(Wish(hub_id, person_id, priority, hubs[hub_id].safety.settle_s))
    _desire.run(tx, rows)
    want(tx, wishes, now=now)
    _tell(tx, generations)
    return len(wishes)


def _tell(tx: Tx, generations: Mapping[int, int]) -> None:
    """Done with these people, unless they changed again meanwhile."""
    _told.run(tx, [{"who": person_id, "read": generation} for person_id, generation in generations.items()])


class _Texts:
    """JSON of what many verdicts of a batch share, written once."""

    def __init__(self) -> None:
        self._known: dict[int, JsonText] = {}

    def of(self, shared: object, value: Any) -> JsonText:
        """The text of ``value``, which was made of ``shared``: an object that outlives the batch."""
        text = self._known.get(id(shared))
        if text is None:
            text = self._known[id(shared)] = JsonText(to_json(value))
        return text


_read_json = lru_cache(maxsize=4096)(json.loads)


def _before(tx: Tx, people: Sequence[int]) -> dict[tuple[str, int], _Before]:
    found = {}
    for values in _stored.all(tx, {"people": people}):
        row = dict(zip(_NAMES, values, strict=True))
        hub_id, person_id = row.pop("hub_id"), row.pop("person_id")
        for name in _DOCUMENTS:
            row[name] = _read_json(row[name])
        row["since"] = Since.kept(row.pop("lost_at"), row.pop("disabled_at"), disabled=row["disabled"])
        found[hub_id, person_id] = _Before(**row)
    return found


_NAMES = tuple(column.name for column in _STORED)


def _compare(old: _Before, verdict: Verdict, *, now: datetime) -> tuple[dict[str, Any] | None, bool]:
    """The row to write (None: it stands as it is), and whether the net access moved."""
    assets = {name: list(roles) for name, roles in verdict.assets.items()}
    because, lower = as_rows(verdict.because), as_rows(verdict.lower)
    if old is _NEVER and verdict.role is None and verdict.hub_role is None:
        return None, False
    # A lower role is what somebody gets until the role is approved.
    moved = (old.role, old.assets, list(old.lower)) != (verdict.role, assets, list(lower))
    # Disabled or back again, still without a seat: other steps of `leave` count.
    is_leaving = verdict.role is None and verdict.disabled != old.disabled
    reevaluate_at = datetime.combine(verdict.changes_on, time(), UTC) if verdict.changes_on else None
    aside = (because, lower, verdict.disabled, verdict.hub_role, reevaluate_at)
    was_aside = (old.because, old.lower, old.disabled, old.hub_role, old.reevaluate_at)
    if not moved and not is_leaving and was_aside == aside:
        return None, False
    loss = old.since.goes_on(
        has_role=verdict.role is not None, had_role=old.role is not None, disabled=verdict.disabled, now=now
    )
    return (
        {
            "role": verdict.role,
            "assets": assets,
            "because": because,
            "lower": lower,
            "disabled": verdict.disabled,
            "lost_at": loss.lost_at,
            "disabled_at": loss.disabled_at,
            "hub_role": verdict.hub_role,
            "reevaluate_at": reevaluate_at,
        },
        moved or is_leaving,
    )


def as_rows(reasons: Mapping[str, Sequence[Because]]) -> dict[str, list[dict[str, Any]]]:
    """The rules behind each thing, as access rows keep them."""
    return {
        thing: [{"rule": why.rule, "file": why.file, "line": why.line} for why in rules]
        for thing, rules in reasons.items()
    }


def _priority(mapping: HubMapping, old: _Before, verdict: Verdict) -> int:
    if verdict.disabled:
        return DISABLED
    if old.role is None:
        return GAINS
    order = mapping.roles
    if verdict.role is None or (old.role in order and order.index(verdict.role) > order.index(old.role)):
        return LOSES
    kept = all(set(roles) <= set(verdict.assets.get(name, ())) for name, roles in old.assets.items() if name != SEAT)
    return GAINS if kept else LOSES
