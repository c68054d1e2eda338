"""Which run a piece of work belongs to: the one cause that set it going, and that ``undo`` can take back.

apply      somebody applied a hub's plan
revision   other mapping files came into force; in every hub
undo       somebody took a run or a task back
changes    what pushes, timers and readings led to in one hub, ten minutes of it at most
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, overload

import sqlalchemy as sa

from scim_bridge.db import Tx
from scim_bridge.directory.keys import bound_numbers
from scim_bridge.directory.tables import PersonChange
from scim_bridge.engine.tables import Run
from scim_bridge.prepared import Prepared

Kind = Literal["apply", "revision", "undo", "changes"]

STRETCH = timedelta(minutes=10)
_LATEST = (
    sa.select(Run.id, Run.at)
    .where(Run.hub_id == sa.bindparam("hub"), Run.kind == "changes")
    .order_by(Run.at.desc(), Run.id.desc())
    .limit(1)
)
_OF_REVISION = sa.select(Run.id).where(Run.revision == sa.bindparam("number")).order_by(Run.id.desc()).limit(1)


@Prepared
def _in_run(dialect: str) -> Any:
    chosen = PersonChange.person_id.in_(bound_numbers(dialect, "people"))
    return sa.update(PersonChange).where(chosen).values(run_id=sa.bindparam("run", type_=sa.Integer()))


@overload
def run_name(run_id: int) -> str: ...
@overload
def run_name(run_id: None) -> None: ...
@overload
def run_name(run_id: int | None) -> str | None: ...
def run_name(run_id: int | None) -> str | None:
    """``r12``, as people and ``undo`` name it; None for what is older than runs."""
    return None if run_id is None else f"r{run_id}"


def run_number(text: str) -> int | None:
    """The id behind ``r12``; None: that is no run's name."""
    return int(text[1:]) if re.fullmatch(r"[rR][0-9]{1,9}", text) else None


def start_run(
    tx: Tx,
    kind: Kind,
    *,
    actor: str,
    now: datetime,
    hub_id: str | None = None,
    revision: int | None = None,
    undoes: str | None = None,
) -> int:
    """A new run; its id goes to the pairs that are woken for it."""
    values = {"kind": kind, "hub_id": hub_id, "revision": revision, "undoes": undoes, "actor": actor, "at": now}
    return tx.execute(sa.insert(Run).returning(Run.id), values).scalar_one()


def run_of_revision(tx: Tx, revision: int) -> int | None:
    """The run of what a revision set going; None for one that is older than runs."""
    return tx.execute(_OF_REVISION, {"number": revision}).scalar()


def name_run(tx: Tx, person_ids: Sequence[int], run_id: int | None) -> None:
    """What changes of these people, which wait for fan-out, set going is the run's."""
    _in_run.run(tx, {"run": run_id, "people": list(person_ids)})


def stretch_run(tx: Tx, hub_id: str, *, now: datetime) -> Callable[[], int]:
    """The run for what nobody ordered, looked up or begun when first asked for; under the hub's lock."""
    known: list[int] = []

    def run() -> int:
        if not known:
            latest = tx.execute(_LATEST, {"hub": hub_id}).first()
            is_recent = latest is not None and now - latest.at < STRETCH
            known.append(
                latest.id
                if latest is not None and is_recent
                else start_run(tx, "changes", actor="engine", now=now, hub_id=hub_id)
            )
        return known[0]

    return run
