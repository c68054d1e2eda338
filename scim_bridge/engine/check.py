"""Check for updates: read a hub, take in what it shows, find out whose accounts these are, wake who waits.

A reading that fails or cannot prove its end adds what it saw and takes nothing away. One reading serves
every pair of the hub that waits for one.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from uuid import uuid4

import sqlalchemy as sa

from scim_bridge.contract.protocol import Adapter
from scim_bridge.contract.state import Account, Observed
from scim_bridge.db import Database, Tx, UTCDateTime
from scim_bridge.engine.connections import Connections, renewing
from scim_bridge.engine.drifters import find_drift
from scim_bridge.engine.guard import is_named
from scim_bridge.engine.invitations import follow
from scim_bridge.engine.names import Known, known_assets, wake_for_assets
from scim_bridge.engine.outcome import attention, resting_until
from scim_bridge.engine.pairs import wake
from scim_bridge.engine.rules import Rules
from scim_bridge.engine.schedule import LOSES, REPAIRS, check_wait_s
from scim_bridge.engine.tables import InvitationRow, Pair, Task
from scim_bridge.errors import BridgeError, NeedsAttention, Transient
from scim_bridge.hubs.accounts import set_links, shared_addresses
from scim_bridge.hubs.match import match_accounts
from scim_bridge.hubs.observed import Reading, close_reading, missing_people, take_in
from scim_bridge.hubs.tables import AccountEmail, AccountRow, Hub
from scim_bridge.mapping.model import HubMapping
from scim_bridge.settings import Settings

log = logging.getLogger(__name__)

_BATCH = 500
_REPAIR_AFTER = timedelta(hours=24)


class Check:
    """Reads hubs, one reading of a hub at a time."""

    def __init__(
        self,
        db: Database,
        rules: Rules,
        connections: Connections,
        settings: Settings,
        on_read: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_read = on_read
        self._db = db
        self._rules = rules
        self._connections = connections
        self._settings = settings

    def run(self, hub_id: str) -> None:
        """Read one hub now, unless somebody else does."""
        begun = self._claim(hub_id)
        if begun is None:
            return
        mapping, reading, owner, known = begun
        try:
            with renewing(lambda: self._renew(hub_id, owner, None)):
                count = self._read(mapping, reading, owner)
        except BridgeError as error:
            self._failed(reading, owner, error)
        except Exception:
            log.exception("check.broke", extra={"hub": hub_id})
            self._failed(reading, owner, Transient("the reading broke", advice="the log has the details"))
        else:
            if self._ended(mapping, reading, owner, known, count):
                self._find_drift(mapping)
            self._on_read()

    def _claim(self, hub_id: str) -> tuple[HubMapping, Reading, str, Known] | None:
        now, owner = self._db.clock.now(), str(uuid4())
        with self._db.write() as tx:
            mapping = self._rules.in_force(tx).mappings.hubs.get(hub_id)
            if mapping is None:
                return None
            free = sa.or_(Hub.check_owner.is_(None), Hub.check_lease_until < now)
            number = tx.execute(
                sa.update(Hub)
                .where(Hub.id == hub_id, free)
                .values(
                    observation=Hub.observation + 1,
                    check_at=None,
                    check_owner=owner,
                    check_lease_until=now + timedelta(seconds=self._settings.lease_s),
                    check_progress=0,
                )
                .returning(Hub.observation)
            ).scalar()
            known = known_assets(tx, hub_id)
        return None if number is None else (mapping, Reading(hub_id, number, now), owner, known)

    def _renew(self, hub_id: str, owner: str, progress: int | None) -> None:
        now = self._db.clock.now()
        values: dict[str, object] = {"check_lease_until": now + timedelta(seconds=self._settings.lease_s)}
        if progress is None:
            enough = Hub.check_lease_until > now + timedelta(seconds=self._settings.lease_s / 2)
            with self._db.read() as tx:
                if tx.execute(sa.select(Hub.id).where(Hub.id == hub_id, Hub.check_owner == owner, enough)).first():
                    return
        else:
            values["check_progress"] = progress
        with self._db.write() as tx:
            mine = sa.update(Hub).where(Hub.id == hub_id, Hub.check_owner == owner)
            if not tx.execute(mine.values(values)).rowcount:
                raise Transient("another reading of the hub took over")

    def _read(self, mapping: HubMapping, reading: Reading, owner: str) -> int:
        adapter = self._connections.get(mapping).adapter
        count = 0
        for batch in _batches(adapter.observe()):
            with self._db.write() as tx:
                take_in(tx, reading, batch)
            count += sum(isinstance(item, Account) for item in batch)
            self._renew(mapping.hub_id, owner, count)
        self._confirm_missing(adapter, reading)
        return count

    def _confirm_missing(self, adapter: Adapter, reading: Reading) -> None:
        """A member can slip from one page to the next while a list is read: who is missing is looked at singly."""
        with self._db.read() as tx:
            missing = missing_people(tx, reading)
        for account in missing:
            found = adapter.look(account)
            if found is not None:
                with self._db.write() as tx:
                    take_in(tx, reading, [found])

    def _ended(self, mapping: HubMapping, reading: Reading, owner: str, known: Known, count: int) -> bool:
        """Write down what the reading proves. False: another reading took over."""
        now = self._db.clock.now()
        with self._db.write() as tx:
            if not tx.execute(
                sa.select(Hub.id)
                .where(Hub.id == mapping.hub_id, Hub.check_owner == owner)
                .with_for_update(key_share=True)
            ).first():
                return False
            close_reading(tx, reading, now=now)
            linked = _link(tx, mapping, now=now)
            moved = follow(tx, mapping, observation=reading.number, began_at=reading.began_at, now=now)
            tx.execute(
                sa.update(Hub)
                .where(Hub.id == mapping.hub_id)
                .values(
                    check_owner=None,
                    check_lease_until=None,
                    check_attempts=0,
                    check_at=_next_at(now + timedelta(seconds=self._wait_s(tx, mapping))),
                    check_progress=count,
                    observed_from=reading.began_at,
                    observed_at=now,
                    last_success_at=now,
                )
            )
            _wake(tx, mapping.hub_id, linked | moved, reading, now=now)
            wake_for_assets(tx, mapping.hub_id, known_assets(tx, mapping.hub_id) - known, now=now)
            _read_again(tx, reading, now=now)
        log.info("hub.checked", extra={"hub": mapping.hub_id, "accounts": count, "linked": len(linked)})
        return True

    def _find_drift(self, mapping: HubMapping) -> None:
        """In transactions of its own: whoever dies here leaves it to the next reading."""
        try:
            find_drift(self._db, mapping, invites=self._connections.get(mapping).adapter.abilities.invites)
        except Exception:
            log.exception("drift.broke", extra={"hub": mapping.hub_id})

    def _wait_s(self, tx: Tx, mapping: HubMapping) -> int:
        pending = sa.select(InvitationRow.id).where(
            InvitationRow.hub_id == mapping.hub_id, InvitationRow.ended_at.is_(None)
        )
        if tx.execute(pending.limit(1)).first() is None:
            return mapping.check_s
        return min(mapping.check_s, int(self._settings.invitation_check.total_seconds()))

    def _failed(self, reading: Reading, owner: str, error: BridgeError) -> None:
        now = self._db.clock.now()
        with self._db.write() as tx:
            attempts = tx.execute(sa.select(Hub.check_attempts).where(Hub.id == reading.hub_id)).scalar() or 0
            retry_after_s = error.retry_after_s if isinstance(error, Transient) else None
            wait_s = check_wait_s(attempts + 1, jitter=random.random(), retry_after_s=retry_after_s)
            values: dict[str, object] = {
                "check_owner": None,
                "check_lease_until": None,
                "check_attempts": attempts + 1,
                "check_at": _next_at(now + timedelta(seconds=wait_s)),
                "last_error": str(error),
                "last_error_at": now,
            }
            if isinstance(error, NeedsAttention):
                values |= attention(error, attempt=0, now=now)
            if isinstance(error, Transient) and error.whole_hub:
                values["resting_until"] = resting_until(now + timedelta(seconds=error.retry_after_s or wait_s))
            tx.execute(sa.update(Hub).where(Hub.id == reading.hub_id, Hub.check_owner == owner).values(values))
        log.warning("check.failed", extra={"hub": reading.hub_id, "family": type(error).__name__})


def _next_at(at: datetime) -> sa.ColumnElement[datetime]:
    """When to read next: ``at``, unless somebody asked while this reading ran (its claim took the old time away)."""
    return sa.func.coalesce(Hub.check_at, sa.literal(at, UTCDateTime()))


def _batches(items: Iterator[Observed]) -> Iterator[list[Observed]]:
    while batch := list(islice(items, _BATCH)):
        yield batch


def _link(tx: Tx, mapping: HubMapping, *, now: datetime) -> set[int]:
    """Accounts whose address is one person's, or that of an invitation of ours. Returns the people."""
    invited = tx.execute(
        sa.select(AccountRow.id, InvitationRow.person_id)
        .join(AccountEmail, AccountEmail.account_id == AccountRow.id)
        .join(
            InvitationRow,
            sa.and_(
                InvitationRow.hub_id == AccountRow.hub_id,
                InvitationRow.email_key == AccountEmail.email_key,
                InvitationRow.ended_at.is_(None),
            ),
        )
        .where(AccountRow.hub_id == mapping.hub_id, AccountRow.person_id.is_(None), AccountRow.gone_at.is_(None))
    ).all()
    found = match_accounts(shared_addresses(tx, mapping.hub_id))
    links = {**match_accounts((row.id, row.person_id) for row in invited), **found}
    ignored = _ignored(tx, mapping, links)
    links = {account_id: person_id for account_id, person_id in links.items() if account_id not in ignored}
    set_links(tx, links, how="matched", now=now)
    return set(links.values())


def _ignored(tx: Tx, mapping: HubMapping, account_ids: Iterable[int]) -> set[int]:
    if not mapping.safety.ignore:
        return set()
    query = (
        sa.select(AccountRow.id, AccountRow.login, AccountEmail.email_key)
        .outerjoin(AccountEmail, AccountEmail.account_id == AccountRow.id)
        .where(AccountRow.id.in_(list(account_ids)))
    )
    return {
        row.id
        for row in tx.execute(query)
        if is_named(mapping.safety.ignore, [name for name in (row.login, row.email_key) if name])
    }


def _read_again(tx: Tx, reading: Reading, *, now: datetime) -> None:
    """Somebody began to wait after this reading had begun: it could not serve them."""
    waiting = sa.exists().where(
        Pair.hub_id == reading.hub_id, Pair.look_after >= reading.began_at, Pair.due_at.is_(None), Pair.owner.is_(None)
    )
    tx.execute(sa.update(Hub).where(Hub.id == reading.hub_id, waiting).values(check_at=now))


def _wake(tx: Tx, hub_id: str, people: set[int], reading: Reading, *, now: datetime) -> None:
    """Who waited for a reading, whose account moved, what was held or failed a day ago."""
    tx.execute(
        sa.update(Pair)
        .where(Pair.hub_id == hub_id, Pair.owner.is_(None), Pair.due_at.is_(None), Pair.look_after < reading.began_at)
        .values(due_at=now)
    )
    held = sa.select(Task.person_id).where(Task.hub_id == hub_id, Task.state == "held")
    failed = sa.select(Task.person_id).where(
        Task.hub_id == hub_id, Task.state == "failed", Task.updated_at < now - _REPAIR_AFTER
    )
    wake(tx, hub_id, people, now=now, priority=LOSES)
    wake(tx, hub_id, held, now=now, priority=LOSES)
    wake(tx, hub_id, failed, now=now, priority=REPAIRS)
