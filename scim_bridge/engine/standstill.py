"""Hubs whose rules in force are not valid any more: they stand still until valid ones are published.

A set is checked before it is taken, so this needs another version of the bridge: an adapter's catalogue lost a
role, or the format became stricter. To go by half a file would take access away, and to go by none of any file
would stop every hub; so just the hubs concerned wait, and all others go on.

    state                                   | what happens
    ----------------------------------------+--------------------------------------------------------------------
    the set in force has refused hubs       | noted in the rows, with the findings; the hubs need attention
    it is valid again (or another one is)   | everybody is evaluated anew: pushes that came meanwhile were not for
                                            | these hubs
    everybody was                           | the hubs go on, and are read

Before that last step nothing is written: what was wanted before the standstill may be wanted no longer.
"""

from __future__ import annotations

import logging
from datetime import datetime

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.db import Tx, upsert
from scim_bridge.directory.tables import PersonChange
from scim_bridge.engine.rules import InForce
from scim_bridge.errors import Conflict
from scim_bridge.hubs.operate import require_hub
from scim_bridge.hubs.tables import Hub
from scim_bridge.mapping import revisions
from scim_bridge.mapping.load import MappingSet
from scim_bridge.mapping.model import HubMapping
from scim_bridge.mapping.revisions import IN_FORCE
from scim_bridge.mapping.tables import RevisionChange

log = logging.getLogger(__name__)

_HEAD = "the hub stands still: "
_ANEW = f"{_HEAD}its rules are valid again, and everybody is evaluated before anything is written"
WAY_OUT = "mend the files and publish them (`scim-bridge mapping publish`), or start the version that took them"


def is_standing_still(attention: str | None) -> bool:
    """Whether this is why a hub needs attention; then no probe ends it."""
    return attention is not None and attention.startswith(_HEAD)


def get_mapping(tx: Tx, mappings: MappingSet, hub_id: str) -> HubMapping:
    """The rules of a hub. Raises ``NotFound`` for an unknown hub, ``Conflict`` for one without rules in force."""
    mapping = mappings.hubs.get(hub_id)
    if mapping is not None:
        return mapping
    require_hub(tx, hub_id)
    if hub_id in mappings.refused:
        raise Conflict(f"hub {hub_id} stands still: {mappings.refused[hub_id][0]}", advice=WAY_OUT)
    raise Conflict(f"hub {hub_id} is detached: it has no mapping file", advice="put its file back, or forget it")


def note_refused(tx: Tx, in_force: InForce, *, now: datetime) -> None:
    """Write down which hubs stand still and why, unless it is known. Call it before anything is told to be done."""
    refused = in_force.mappings.refused
    findings = list(dict.fromkeys(finding for each in refused.values() for finding in each))
    known = revisions.trouble(tx, where=IN_FORCE)
    if known is None or known.findings != tuple(map(str, findings)):
        revisions.note_trouble(tx, findings, now, where=IN_FORCE)
        log.error("mapping.refused", extra={"revision": in_force.revision, "hubs": sorted(refused)})
    goes = sa.or_(Hub.attention.is_(None), ~Hub.attention.startswith(_HEAD, autoescape=True))
    going = sa.select(Hub.id).where(Hub.id.in_(refused), Hub.detached_at.is_(None), goes)
    for hub_id in tx.execute(going).scalars().all():
        text = f"{_HEAD}{refused[hub_id][0]}"
        tx.execute(sa.update(Hub).where(Hub.id == hub_id).values(attention=text, attention_at=now, probe_at=None))
        detail = {"revision": in_force.revision, "findings": len(refused[hub_id])}
        record(tx, at=now, actor="engine", action="hub.stands_still", hub_id=hub_id, detail=detail)


class Standstill:
    """Looks at the set in force by the clock. For one thread."""

    def __init__(self) -> None:
        self._told_at: datetime | None = None  # when everybody was marked to be evaluated anew

    def step(self, tx: Tx, in_force: InForce, *, now: datetime) -> bool:
        """Begin, go on with or end a standstill. True: there is something to evaluate or to do."""
        if in_force.mappings.refused:
            self._told_at = None
            note_refused(tx, in_force, now=now)
            return False
        known = revisions.trouble(tx, where=IN_FORCE)
        if known is None:
            return False
        if known.findings:
            _evaluate_all(tx, in_force.revision, now=now)
            return True
        return self._everybody_is_evaluated(tx, now) and _end(tx, now=now)

    def _everybody_is_evaluated(self, tx: Tx, now: datetime) -> bool:
        if tx.execute(sa.select(RevisionChange.revision_id)).first() is not None:
            self._told_at = None
            return False
        if self._told_at is None:
            self._told_at = now
        left = sa.select(PersonChange.person_id).where(PersonChange.changed_at <= self._told_at)
        return tx.execute(left.limit(1)).first() is None


def _evaluate_all(tx: Tx, revision: int, *, now: datetime) -> None:
    revisions.note_trouble(tx, (), now, where=IN_FORCE)
    if revision:
        row = {"revision_id": revision, "after_person_id": 0}
        upsert(tx, RevisionChange, [row], keys=["revision_id"], update=["after_person_id"])
    stood = Hub.attention.startswith(_HEAD, autoescape=True)
    tx.execute(sa.update(Hub).where(stood).values(attention=_ANEW))
    log.info("mapping.valid_again", extra={"revision": revision})


def _end(tx: Tx, *, now: datetime) -> bool:
    revisions.clear_trouble(tx, where=IN_FORCE)
    stood = Hub.attention.startswith(_HEAD, autoescape=True)
    values = {"attention": None, "attention_at": None, "probe_at": None, "check_at": now}
    went = sa.update(Hub).where(stood, Hub.detached_at.is_(None)).values(values).returning(Hub.id)
    for hub_id in tx.execute(went).scalars().all():
        record(tx, at=now, actor="engine", action="hub.goes_on", hub_id=hub_id)
    return True
