"""Check for updates: read a hub, take in what it shows, find out whose accounts these are, wake who waits.

A reading adds what it saw as it comes. Only one that is trusted (``hubs.trust``: proven to its end, and not
suddenly shrunken) takes anything away, ends an invitation by absence, or serves who waits for what is no longer
there; one that is not is read again soon. One reading serves every pair of the hub that waits for one.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.contract.proof import Proof
from scim_bridge.contract.protocol import Adapter
from scim_bridge.contract.state import Account, Observed, Page, Status
from scim_bridge.db import Database, Tx, UTCDateTime
from scim_bridge.engine.ahead import batches
from scim_bridge.engine.connections import Connections, renewing
from scim_bridge.engine.drifters import find_drift
from scim_bridge.engine.invitations import follow
from scim_bridge.engine.matching import match_some, walk_people
from scim_bridge.engine.names import Known, known_assets, wake_for_assets
from scim_bridge.engine.outcome import attention, resting_until
from scim_bridge.engine.pairs import wake
from scim_bridge.engine.reservations import count_unheard
from scim_bridge.engine.rules import Rules
from scim_bridge.engine.schedule import LOSES, REPAIRS, check_wait_s
from scim_bridge.engine.tables import InvitationRow, Pair, Task
from scim_bridge.engine.unmanaged_holds import hold_unmanaged
from scim_bridge.errors import BridgeError, NeedsAttention, Transient
from scim_bridge.hubs import observed, trust
from scim_bridge.hubs.observed import Reading
from scim_bridge.hubs.tables import AccountRow, Hub
from scim_bridge.hubs.trust import Doubt
from scim_bridge.mapping.model import HubMapping
from scim_bridge.settings import Settings

log = logging.getLogger(__name__)

_BATCH = 500
_LOOKS_AT_ONCE = 100
_INVITATIONS_LOOKED_AT = 20
_SEATED = (Status.ACTIVE, Status.SUSPENDED)
_INVITED = (Status.INVITED,)
_REPAIR_AFTER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class _Begun:
    """A reading that was claimed, and what it is measured by."""

    mapping: HubMapping
    reading: Reading
    owner: str
    known: Known
    trust_by: str | None  # who said beforehand to trust it
    shown: int | None  # how many accounts that person saw in an untrusted one

    @property
    def hub_id(self) -> str:
        return self.mapping.hub_id


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
        try:
            with renewing(lambda: self._renew(begun)):
                doubt = self._read(begun)
                self._end(begun, doubt)
            if doubt is None:
                self._find_drift(begun.mapping)
        except BridgeError as error:
            self._failed(begun, error)
        except Exception:
            log.exception("check.broke", extra={"hub": hub_id})
            self._failed(begun, Transient("the reading broke", advice="the log has the details"))
        else:
            self._on_read()

    def _claim(self, hub_id: str) -> _Begun | None:
        now, owner = self._db.clock.now(), str(uuid4())
        with self._db.write() as tx:
            mapping = self._rules.in_force(tx).mappings.hubs.get(hub_id)
            if mapping is None:
                return None
            free = sa.or_(Hub.check_owner.is_(None), Hub.check_lease_until < now)
            word = tx.execute(
                sa.select(Hub.trust_by, Hub.doubt_accounts).where(Hub.id == hub_id).with_for_update(key_share=True)
            ).first()
            number = tx.execute(
                sa.update(Hub)
                .where(Hub.id == hub_id, free)
                .values(
                    observation=Hub.observation + 1,
                    check_at=None,
                    check_owner=owner,
                    check_lease_until=now + timedelta(seconds=self._settings.lease_s),
                    check_progress=0,
                    check_step=None,
                    trust_by=None,
                )
                .returning(Hub.observation)
            ).scalar()
            if number is None or word is None:
                return None
            known = known_assets(tx, hub_id)
        return _Begun(mapping, Reading(hub_id, number, now), owner, known, word.trust_by, word.doubt_accounts)

    def _renew(self, begun: _Begun) -> None:
        """Before each call: make sure that enough of the lease is left for it."""
        now = self._db.clock.now()
        enough = Hub.check_lease_until > now + timedelta(seconds=self._settings.lease_s / 2)
        with self._db.read() as tx:
            mine = sa.select(Hub.id).where(Hub.id == begun.hub_id, Hub.check_owner == begun.owner, enough)
            if tx.execute(mine).first():
                return
        with self._db.write() as tx:
            self._go_on(tx, begun)

    def _go_on(self, tx: Tx, begun: _Begun, **values: object) -> None:
        """Take the lease anew beside ``values``. Raises ``Transient`` where somebody else reads by now."""
        values["check_lease_until"] = self._db.clock.now() + timedelta(seconds=self._settings.lease_s)
        mine = sa.update(Hub).where(Hub.id == begun.hub_id, Hub.check_owner == begun.owner)
        if not tx.execute(mine.values(values)).rowcount:
            raise Transient("another reading of the hub took over")

    def _read(self, begun: _Begun) -> Doubt | None:
        """Read everything; why it is not to be trusted, if it is not."""
        adapter = self._connections.get(begun.mapping).adapter
        proof, accounts = Proof(), 0
        with closing(batches(adapter.observe(), _BATCH)) as read:
            for batch in read:
                accounts += sum(isinstance(item, Account) for item in batch)
                step = _take_pages(proof, batch)
                with self._db.write() as tx:
                    observed.take_in(tx, begun.reading, batch)
                    self._go_on(tx, begun, check_progress=accounts, **({"check_step": step} if step else {}))
        doubt = self._doubt(begun, proof)
        if doubt is None:
            self._confirm_missing(adapter, begun)
        return doubt

    def _doubt(self, begun: _Begun, proof: Proof) -> Doubt | None:
        with self._db.read() as tx:
            hub = tx.execute(sa.select(Hub.trusted_accounts, Hub.observed_from).where(Hub.id == begun.hub_id)).one()
            shown = observed.count_shown(tx, begun.reading)
            taken = 0 if hub.observed_from is None else observed.count_taken(tx, begun.hub_id, hub.observed_from)
            taken += count_unheard(tx, begun.reading)
        percent = self._settings.reading_loss_percent
        found = trust.doubt(proof.lack(), shown, trust.Baseline(hub.trusted_accounts, taken), loss_percent=percent)
        if begun.trust_by is None:
            return found
        return trust.on_a_word(found, shown, begun.shown, loss_percent=percent)

    def _confirm_missing(self, adapter: Adapter, begun: _Begun) -> None:
        """Something can slip from one page to the next while a list is read: what is missing is looked at singly.

        Of invitations only a few: each may cost the whole list again, and where many are missing people have accepted.
        """
        after = 0
        while missing := self._missing(begun, _SEATED, after, _LOOKS_AT_ONCE):
            after = missing[-1][0]
            self._look_at(adapter, begun, missing)
        invited = self._missing(begun, _INVITED, 0, _INVITATIONS_LOOKED_AT + 1)
        if len(invited) <= _INVITATIONS_LOOKED_AT:
            self._look_at(adapter, begun, invited)

    def _missing(
        self, begun: _Begun, statuses: Collection[Status], after: int, at_most: int
    ) -> list[tuple[int, Account]]:
        with self._db.read() as tx:
            return observed.missing_accounts(tx, begun.reading, statuses, after=after, at_most=at_most)

    def _look_at(self, adapter: Adapter, begun: _Begun, missing: Iterable[tuple[int, Account]]) -> None:
        for _, account in missing:
            found = adapter.look(account)
            if found is not None:
                with self._db.write() as tx:
                    observed.take_in(tx, begun.reading, [found])

    def _end(self, begun: _Begun, doubt: Doubt | None) -> None:
        """Close what is gone, then link, then let everybody know: each a transaction, for pushes wait for them."""
        closed_at = self._db.clock.now()
        if doubt is None:
            with self._db.write() as tx:
                self._go_on(tx, begun)
                observed.close_reading(tx, begun.reading, now=closed_at)
        walked = walk_people(self._db, begun.mapping)
        after: int | None = 0
        while after is not None:
            with self._db.write() as tx:
                self._go_on(tx, begun)
                after = match_some(tx, begun.mapping, walked, after=after, now=closed_at)
        with self._db.write() as tx:
            self._go_on(tx, begun)
            self._conclude(tx, begun, doubt, closed_at=closed_at)
        if doubt is None:
            hold_unmanaged(self._db, begun.mapping, now=closed_at)
        extra = {"hub": begun.hub_id, "untrusted": doubt.kind if doubt else None}
        (log.warning if doubt else log.info)("hub.checked", extra=extra)

    def _conclude(self, tx: Tx, begun: _Begun, doubt: Doubt | None, *, closed_at: datetime) -> None:
        now, reading = self._db.clock.now(), begun.reading
        moved = follow(
            tx,
            begun.mapping,
            observation=reading.number,
            began_at=reading.began_at,
            is_trusted=doubt is None,
            now=now,
        )
        _tell_trust(tx, begun, doubt, now=now)
        hub = sa.update(Hub).where(Hub.id == begun.hub_id)
        ended = {"check_owner": None, "check_lease_until": None, "check_step": None, "last_success_at": now}
        linked = sa.select(AccountRow.person_id).where(
            AccountRow.hub_id == begun.hub_id, AccountRow.person_id.is_not(None), AccountRow.linked_at >= closed_at
        )
        wake(tx, begun.hub_id, linked, now=now, priority=LOSES)
        wake(tx, begun.hub_id, moved, now=now, priority=LOSES)
        if doubt is None:
            again_at = now + timedelta(seconds=self._wait_s(tx, begun.mapping))
            tx.execute(
                hub.values(
                    **ended,
                    check_attempts=0,
                    check_at=_next_at(again_at),
                    observed_from=reading.began_at,
                    observed_at=now,
                    trusted_accounts=observed.count_shown(tx, reading),
                )
            )
            _wake(tx, reading, now=now)
        else:
            attempts = tx.execute(sa.select(Hub.check_attempts).where(Hub.id == begun.hub_id)).scalar_one()
            again_at = now + timedelta(seconds=check_wait_s(attempts + 1, jitter=random.random()))
            tx.execute(hub.values(**ended, check_attempts=attempts + 1, check_at=_next_at(again_at)))
            _serve_the_seen(tx, reading, now=now)
        wake_for_assets(tx, begun.hub_id, known_assets(tx, begun.hub_id) - begun.known, now=now)
        _read_again(tx, reading, now=now)

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

    def _failed(self, begun: _Begun, error: BridgeError) -> None:
        now = self._db.clock.now()
        with self._db.write() as tx:
            row = tx.execute(sa.select(Hub.check_attempts, Hub.doubt).where(Hub.id == begun.hub_id)).first()
            attempts = row.check_attempts if row else 0
            retry_after_s = error.retry_after_s if isinstance(error, Transient) else None
            wait_s = check_wait_s(attempts + 1, jitter=random.random(), retry_after_s=retry_after_s)
            values: dict[str, object] = {
                "check_owner": None,
                "check_lease_until": None,
                "check_step": None,
                "check_attempts": attempts + 1,
                "check_at": _next_at(now + timedelta(seconds=wait_s)),
                "last_error": str(error),
                "last_error_at": now,
            }
            if row and row.doubt is None:  # a doubt that a person must judge stays
                values |= {"doubt_kind": "failed", "doubt": f"the reading broke off: {error.message}", "doubt_at": now}
            if isinstance(error, NeedsAttention):
                values |= attention(error, attempt=0, now=now)
            if isinstance(error, Transient) and error.whole_hub:
                values["resting_until"] = resting_until(now + timedelta(seconds=error.retry_after_s or wait_s))
            tx.execute(sa.update(Hub).where(Hub.id == begun.hub_id, Hub.check_owner == begun.owner).values(values))
        log.warning("check.failed", extra={"hub": begun.hub_id, "family": type(error).__name__})


def _take_pages(proof: Proof, batch: list[Observed]) -> str | None:
    """Note the pages of a batch; how far the list of the last of them is."""
    step = None
    for item in batch:
        if isinstance(item, Page):
            step = proof.step(item)
            proof.take(item)
    return step


def _tell_trust(tx: Tx, begun: _Begun, doubt: Doubt | None, *, now: datetime) -> None:
    """The state of trust in the hub's row; where it changes, or a person said so, in the audit trail."""
    before = tx.execute(sa.select(Hub.doubt_kind).where(Hub.id == begun.hub_id)).scalar()
    shown = observed.count_shown(tx, begun.reading)
    values: dict[str, object] = {"doubt_kind": None, "doubt": None, "doubt_at": None, "doubt_accounts": None}
    if doubt is not None:
        values = {"doubt_kind": doubt.kind, "doubt": doubt.text, "doubt_at": now, "doubt_accounts": shown}
    tx.execute(sa.update(Hub).where(Hub.id == begun.hub_id).values(values))
    kind = doubt.kind if doubt else None
    if begun.trust_by is None and (before if before != "failed" else None) == kind:
        return
    record(
        tx,
        at=now,
        actor=begun.trust_by if begun.trust_by and doubt is None else "engine",
        action="hub.reading_trusted" if doubt is None else "hub.reading_untrusted",
        hub_id=begun.hub_id,
        detail={"accounts": shown, "why": kind},
    )


def _serve_the_seen(tx: Tx, reading: Reading, *, now: datetime) -> None:
    """An untrusted reading serves those whose account it showed; what it did not show may be there."""
    seen = sa.select(AccountRow.person_id).where(
        AccountRow.hub_id == reading.hub_id, AccountRow.seen == reading.number, AccountRow.person_id.is_not(None)
    )
    waits = sa.and_(Pair.owner.is_(None), Pair.due_at.is_(None), Pair.look_after < reading.began_at)
    tx.execute(
        sa.update(Pair)
        .where(Pair.hub_id == reading.hub_id, waits, Pair.person_id.in_(seen))
        .values(due_at=now, look_after=None)
    )


def _next_at(at: datetime) -> sa.ColumnElement[datetime]:
    """When to read next: ``at``, unless somebody asked while this reading ran (its claim took the old time away)."""
    return sa.func.coalesce(Hub.check_at, sa.literal(at, UTCDateTime()))


def _read_again(tx: Tx, reading: Reading, *, now: datetime) -> None:
    """Somebody began to wait after this reading had begun: it could not serve them."""
    waiting = sa.exists().where(
        Pair.hub_id == reading.hub_id, Pair.look_after >= reading.began_at, Pair.due_at.is_(None), Pair.owner.is_(None)
    )
    tx.execute(sa.update(Hub).where(Hub.id == reading.hub_id, waiting).values(check_at=now))


def _wake(tx: Tx, reading: Reading, *, now: datetime) -> None:
    """Who waited for a reading, what was held or failed a day ago."""
    hub_id = reading.hub_id
    tx.execute(
        sa.update(Pair)
        .where(Pair.hub_id == hub_id, Pair.owner.is_(None), Pair.due_at.is_(None), Pair.look_after < reading.began_at)
        .values(due_at=now)
    )
    held = sa.select(Task.person_id).where(Task.hub_id == hub_id, Task.state == "held")
    failed = sa.select(Task.person_id).where(
        Task.hub_id == hub_id, Task.state == "failed", Task.updated_at < now - _REPAIR_AFTER
    )
    wake(tx, hub_id, held, now=now, priority=LOSES)
    wake(tx, hub_id, failed, now=now, priority=REPAIRS)
