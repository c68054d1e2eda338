"""Look at a filed plan again before it is applied: is it of this hub, and does the world still look as it did?

Nothing is locked meanwhile, so pushes go on. What moves between this look and the calls is seen by the engine,
which keeps every pair to the changes that are handed to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from scim_bridge.contract.registry import Registry
from scim_bridge.db import Tx
from scim_bridge.directory.keys import slices
from scim_bridge.directory.people import user_names
from scim_bridge.engine.compare import Comparison, compare
from scim_bridge.engine.plan import account_of, plan_hub
from scim_bridge.engine.plan_file import FiledPlan, filed
from scim_bridge.engine.scene import Subject
from scim_bridge.engine.standing import load_scene
from scim_bridge.errors import Conflict, InvalidInput, NotFound
from scim_bridge.hubs.tables import AccountRow, Hub
from scim_bridge.mapping.load import MappingSet
from scim_bridge.mapping.model import HubMapping

_AT_ONCE = 500
_ANEW = "make a new one: `scim-bridge plan --out FILE`"


def examine(
    tx: Tx, plan: FiledPlan, mappings: MappingSet, registry: Registry, *, is_released: bool, now: datetime
) -> Comparison:
    """Compare a filed plan with the plan of this moment.

    Raises ``NotFound``, ``InvalidInput`` or ``Conflict`` where it is not a plan of this hub as it is.
    """
    _check_hub(tx, plan)
    current = [filed(change) for change in plan_hub(tx, plan.hub_id, mappings, registry, now=now).changes]
    planned = {(step.person_id, step.steps[0]) for step in current}
    gone = sorted({step.person_id for step in plan.steps if (step.person_id, step.steps[0]) not in planned})
    mapping = mappings.hubs[plan.hub_id]
    subjects: dict[int, Subject] = {}
    for ids in slices(gone, _AT_ONCE):
        subjects |= _subjects(tx, mapping, ids, invites=registry.adapter(mapping.app).abilities.invites, now=now)
    standings = {person_id: subject.standing for person_id, subject in subjects.items()}
    accounts = {person_id: account_of(subject) for person_id, subject in subjects.items()}
    accounts |= {step.person_id: step.account for step in current}
    names: dict[int, str] = {}
    for ids in slices(sorted({step.person_id for step in plan.steps}), _AT_ONCE):
        names |= user_names(tx, ids)
    return compare(plan.steps, current, standings, names, _strayed(tx, plan, accounts), is_released=is_released)


def _check_hub(tx: Tx, plan: FiledPlan) -> None:
    columns = (Hub.app, Hub.tenant, Hub.created_at, Hub.mode, Hub.detached_at)
    hub: Any = tx.execute(sa.select(*columns).where(Hub.id == plan.hub_id)).one_or_none()
    if hub is None:
        raise NotFound(f"the plan is of hub {plan.hub_id}, which is not here", advice="`scim-bridge hub list` has all")
    if (hub.app, hub.tenant, hub.created_at) != (plan.app, plan.tenant, plan.since):
        raise InvalidInput(f"the plan is of another hub that is called {plan.hub_id}, too", advice=_ANEW)
    if hub.detached_at is not None:
        raise Conflict(f"hub {plan.hub_id} is detached", advice="put its mapping file back")
    if hub.mode != plan.mode:
        raise Conflict(f"hub {plan.hub_id} was in mode {plan.mode} and is {hub.mode} now", advice=_ANEW)


def _subjects(
    tx: Tx, mapping: HubMapping, people: Sequence[int], *, invites: bool, now: datetime
) -> Mapping[int, Subject]:
    return load_scene(tx, mapping, people, invites=invites, read_in_full=True, now=now).subjects


def _strayed(tx: Tx, plan: FiledPlan, accounts: Mapping[int, str | None]) -> dict[int, str]:
    """Whose account is another than in the file, as a sentence; one that the app shows no more has not strayed."""
    were = {step.person_id: step.account for step in plan.steps if step.account is not None}
    others = {person_id: ref for person_id, ref in were.items() if accounts.get(person_id) != ref}
    refs = {*others.values(), *(ref for one in others if (ref := accounts.get(one)))}
    shown: dict[str, str] = {}
    for some in slices(sorted(refs), _AT_ONCE):
        query = sa.select(AccountRow.ref, AccountRow.login).where(
            AccountRow.hub_id == plan.hub_id, AccountRow.ref.in_(some), AccountRow.gone_at.is_(None)
        )
        shown |= {row.ref: row.login or row.ref for row in tx.execute(query)}
    strayed = {}
    for person_id, ref in others.items():
        now = accounts.get(person_id)
        if now is not None:
            strayed[person_id] = f"their account is {shown.get(now, now)}, not {shown.get(ref, ref)}"
        elif ref in shown:
            strayed[person_id] = f"the account {shown[ref]} is theirs no more"
    return strayed
