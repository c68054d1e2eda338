"""Accounts for people: saying by hand whose one is, that it is nobody's on purpose, or that a proposal is wrong.

An account has at most one person. What somebody said by hand is never changed by a rule: a link stays through
every change of login or address, a refused proposal is not made again, an exempt account is not matched.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.contract.state import Status
from scim_bridge.db import Tx, upsert
from scim_bridge.directory.tables import Person
from scim_bridge.errors import Conflict, InvalidInput, NotFound
from scim_bridge.folding import name_key
from scim_bridge.hubs.operate import require_hub
from scim_bridge.hubs.states import IS_THERE
from scim_bridge.hubs.tables import AccountRow, RefusedMatch

Kind = Literal["exempt", "service"]
"""Why an account is nobody's: on purpose, or because a machine has it."""


def get_account(tx: Tx, hub_id: str, account: str) -> sa.Row[Any]:
    """The account's row, by its stable id or its login.

    Raises ``NotFound`` where the hub or the account is not known, ``InvalidInput`` where a login means several.
    """
    require_hub(tx, hub_id)
    query = sa.select(AccountRow).where(AccountRow.hub_id == hub_id, IS_THERE)
    row = tx.execute(query.where(AccountRow.ref == account)).first()
    if row is not None:
        return row
    found = tx.execute(query.where(AccountRow.login_key == name_key(account)).order_by(AccountRow.ref)).all()
    if not found:
        raise NotFound(f"{hub_id} shows no account {account}", advice=f"`scim-bridge account list {hub_id}` shows them")
    if len(found) > 1:
        refs = ", ".join(one.ref for one in found)
        raise InvalidInput(f"{account} is {len(found)} accounts in {hub_id}: {refs}", advice="name one by its id")
    return found[0]


def link(tx: Tx, hub_id: str, account: str, person_id: int, *, actor: str, now: datetime) -> None:
    """Say by hand that ``account`` (its login or stable id) is this person's.

    Raises ``Conflict`` where it is somebody else's, exempt, or an outside person's.
    """
    row = get_account(tx, hub_id, account)
    if tx.execute(sa.select(Person.id).where(Person.id == person_id)).first() is None:
        raise NotFound(f"no person p{person_id}")
    if row.person_id not in (None, person_id):
        raise Conflict(
            f"account {account} is linked to p{row.person_id}",
            advice=f"an account has at most one person; `scim-bridge account unlink {hub_id} {row.ref}` first",
        )
    _refuse_exempt(hub_id, row)
    if row.is_outside:
        raise Conflict(
            f"account {account} is an outside person's, without a seat", advice="make it a member in the app first"
        )
    set_links(tx, {row.id: person_id}, how="by hand", now=now)
    said = sa.and_(RefusedMatch.account_id == row.id, RefusedMatch.person_id == person_id)
    tx.execute(sa.delete(RefusedMatch).where(said))
    _tell(tx, hub_id, row, "account.linked", person_id=person_id, actor=actor, now=now)


def unlink(tx: Tx, hub_id: str, account: str, *, actor: str, now: datetime) -> int:
    """Say that ``account`` is not its person's, and that no rule is to link them again. Returns the person."""
    row = get_account(tx, hub_id, account)
    if row.person_id is None:
        raise Conflict(f"account {account} is nobody's already", advice=f"see `scim-bridge account list {hub_id}`")
    if row.status in (Status.INVITED, Status.EXPIRED):
        raise Conflict(
            f"account {account} is an invitation of p{row.person_id}'s",
            advice="it follows the rules: take the person out of the group to cancel it",
        )
    _no_more(tx, row, row.person_id, actor=actor, now=now)
    _change(tx, row, person_id=None, linked_how=None, linked_at=None)
    _tell(tx, hub_id, row, "account.unlinked", person_id=row.person_id, actor=actor, now=now)
    return int(row.person_id)


def exempt(
    tx: Tx,
    hub_id: str,
    account: str,
    *,
    kind: Kind,
    reason: str,
    actor: str,
    now: datetime,
) -> None:
    """Say that ``account`` is nobody's on purpose (``service``: a machine's), and why; not if it is linked."""
    row = get_account(tx, hub_id, account)
    if not reason.strip():
        raise InvalidInput("an exemption without a reason", advice="say why: --reason 'break glass, kept in the safe'")
    if row.person_id is not None:
        raise Conflict(
            f"account {account} is linked to p{row.person_id}",
            advice=f"`scim-bridge account unlink {hub_id} {row.ref}` first",
        )
    _change(
        tx,
        row,
        exempt_kind=kind,
        exempt_reason=reason.strip(),
        exempt_by=actor,
        exempt_at=now,
        proposed_to=None,
        proposed_by=None,
    )
    detail = {"kind": kind, "reason": reason.strip()}
    _tell(tx, hub_id, row, "account.exempted", actor=actor, now=now, detail=detail)


def end_exemption(tx: Tx, hub_id: str, account: str, *, actor: str, now: datetime) -> None:
    """From now on the account is matched like any other. Raises ``Conflict`` where it is not exempt."""
    row = get_account(tx, hub_id, account)
    if row.exempt_kind is None:
        raise Conflict(f"account {account} is not exempt", advice=f"see `scim-bridge account list {hub_id}`")
    _change(tx, row, exempt_kind=None, exempt_reason=None, exempt_by=None, exempt_at=None)
    _tell(tx, hub_id, row, "account.exemption_ended", actor=actor, now=now)


def accept(tx: Tx, hub_id: str, account: str, *, actor: str, now: datetime) -> int:
    """Say that a proposal is right: the account is that person's. Returns the person."""
    row = _proposed(tx, hub_id, account)
    set_links(tx, {row.id: row.proposed_to}, how="accepted", now=now)
    detail = {"rule": row.proposed_by}
    _tell(tx, hub_id, row, "account.proposal_accepted", person_id=row.proposed_to, actor=actor, now=now, detail=detail)
    return int(row.proposed_to)


def refuse(tx: Tx, hub_id: str, account: str, *, actor: str, now: datetime) -> int:
    """Say that a proposal is wrong; it is not made again. Returns the person who was proposed."""
    row = _proposed(tx, hub_id, account)
    _no_more(tx, row, row.proposed_to, actor=actor, now=now)
    _change(tx, row, proposed_to=None, proposed_by=None)
    detail = {"rule": row.proposed_by}
    _tell(tx, hub_id, row, "account.proposal_refused", person_id=row.proposed_to, actor=actor, now=now, detail=detail)
    return int(row.proposed_to)


def _proposed(tx: Tx, hub_id: str, account: str) -> sa.Row[Any]:
    row = get_account(tx, hub_id, account)
    if row.proposed_to is None or row.person_id is not None:
        raise Conflict(
            f"account {account} is proposed to nobody",
            advice=f"`scim-bridge account list {hub_id} --state proposed` shows those that are",
        )
    return row


def _refuse_exempt(hub_id: str, row: sa.Row[Any]) -> None:
    if row.exempt_kind is not None:
        raise Conflict(
            f"account {row.ref} is exempt: {row.exempt_reason}",
            advice=f"`scim-bridge account exempt {hub_id} {row.ref} --end` ends that",
        )


def _no_more(tx: Tx, row: sa.Row[Any], person_id: int, *, actor: str, now: datetime) -> None:
    values = {"account_id": row.id, "person_id": person_id, "by": actor, "at": now}
    upsert(tx, RefusedMatch, [values], keys=["account_id", "person_id"], update=["by", "at"])


def _change(tx: Tx, row: sa.Row[Any], **values: object) -> None:
    tx.execute(sa.update(AccountRow).where(AccountRow.id == row.id).values(values))


def _tell(
    tx: Tx,
    hub_id: str,
    row: sa.Row[Any],
    action: str,
    *,
    actor: str,
    now: datetime,
    person_id: int | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    subject = f"account:{row.ref}"
    record(tx, at=now, actor=actor, action=action, hub_id=hub_id, person_id=person_id, subject=subject, detail=detail)


def set_links(tx: Tx, links: dict[int, int], *, how: str, now: datetime) -> None:
    """Link accounts (by row id) to people; who was proposed before is so no more."""
    rows = [{"row_id": account_id, "owner": person_id} for account_id, person_id in links.items()]
    if rows:
        tx.execute(
            sa.update(AccountRow)
            .where(AccountRow.id == sa.bindparam("row_id"))
            .values(person_id=sa.bindparam("owner"), linked_how=how, linked_at=now, proposed_to=None, proposed_by=None),
            rows,
        )


def set_proposals(tx: Tx, proposals: Mapping[int, tuple[int | None, str | None]]) -> None:
    """Propose accounts (by row id) to people, with the rule that says so; (None, None) takes a proposal back."""
    rows = [{"row_id": account_id, "whom": whom, "rule": rule} for account_id, (whom, rule) in proposals.items()]
    if rows:
        tx.execute(
            sa.update(AccountRow)
            .where(AccountRow.id == sa.bindparam("row_id"))
            .values(proposed_to=sa.bindparam("whom"), proposed_by=sa.bindparam("rule")),
            rows,
        )
