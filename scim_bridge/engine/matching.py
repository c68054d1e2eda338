"""Find out whose accounts are, by a hub's rules: a large hub is never held in memory, a push never walks one.

    asked for         | finds
    ------------------+----------------------------------------------------------------------------
    some accounts     | their people, by indexes over addresses, names and ids (``find_matches``)
    some people       | accounts that bear one of their values; these are then judged as above, so
                      |   that two people who share a value are seen (``matches_for``)
    a whole reading   | both, some accounts at a time (``match_some``); attributes without an index
                      |   are read out of the documents once a reading (``walk_people``)

Addresses that somebody had before count like those of today: an account keeps the old one for years. One that
belonged to two people belongs to nobody here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from scim_bridge.db import Database, Tx
from scim_bridge.directory.keys import numbers
from scim_bridge.directory.tables import DeletedEmail, DeletedUser, FormerEmail, Source, User, UserEmail
from scim_bridge.engine.tables import InvitationRow
from scim_bridge.folding import fold, name_key
from scim_bridge.hubs.accounts import set_links, set_proposals
from scim_bridge.hubs.ignored import is_named_by
from scim_bridge.hubs.match import DEFAULT, Hit, Match, Rule, match, values_at
from scim_bridge.hubs.states import MAY_BE_MATCHED
from scim_bridge.hubs.tables import AccountEmail, AccountRow, RefusedMatch
from scim_bridge.mapping.model import HubMapping

_AT_ONCE = 1000
_KEYS: sa.BindParameter[str] = sa.bindparam("keys", expanding=True)
_PEOPLE: sa.BindParameter[int] = sa.bindparam("people", expanding=True)
_IDS: sa.BindParameter[int] = sa.bindparam("accounts", expanding=True)
_SOURCES = sa.select(Source.id).where(~Source.is_probe)  # with it the index of a source's names serves

_BY_VALUE: Mapping[str, sa.Executable] = {
    "emails.value": sa.union(
        sa.select(User.person_id, UserEmail.value_key)
        .join(User, User.id == UserEmail.user_id)
        .where(UserEmail.value_key.in_(_KEYS)),
        sa.select(User.person_id, FormerEmail.value_key)
        .join(User, User.id == FormerEmail.user_id)
        .where(FormerEmail.value_key.in_(_KEYS)),
        sa.select(DeletedUser.person_id, DeletedEmail.value_key)
        .join(DeletedUser, DeletedUser.id == DeletedEmail.deleted_user_id)
        .where(DeletedEmail.value_key.in_(_KEYS)),
    ),
    "userName": sa.union(
        sa.select(User.person_id, User.user_name_key).where(
            User.source_id.in_(_SOURCES), User.user_name_key.in_(_KEYS)
        ),
        sa.select(DeletedUser.person_id, DeletedUser.user_name_key).where(DeletedUser.user_name_key.in_(_KEYS)),
    ),
    "displayName": sa.select(User.person_id, User.display_name_key).where(
        User.source_id.in_(_SOURCES), User.display_name_key.in_(_KEYS)
    ),
}
"""Whose a value is, for the attributes that have an index."""

_OF_PEOPLE: Mapping[str, sa.Executable] = {
    "emails.value": sa.union(
        sa.select(User.person_id, UserEmail.value_key)
        .join(User, User.id == UserEmail.user_id)
        .where(User.person_id.in_(_PEOPLE)),
        sa.select(User.person_id, FormerEmail.value_key)
        .join(User, User.id == FormerEmail.user_id)
        .where(User.person_id.in_(_PEOPLE)),
        sa.select(DeletedUser.person_id, DeletedEmail.value_key)
        .join(DeletedEmail, DeletedEmail.deleted_user_id == DeletedUser.id)
        .where(DeletedUser.person_id.in_(_PEOPLE)),
    ),
    "userName": sa.union(
        sa.select(User.person_id, User.user_name_key).where(User.person_id.in_(_PEOPLE)),
        sa.select(DeletedUser.person_id, DeletedUser.user_name_key).where(DeletedUser.person_id.in_(_PEOPLE)),
    ),
    "displayName": sa.select(User.person_id, User.display_name_key).where(
        User.person_id.in_(_PEOPLE), User.display_name_key.is_not(None)
    ),
}
_INVITED = (
    sa.select(AccountEmail.account_id, InvitationRow.person_id)
    .join(InvitationRow, InvitationRow.email_key == AccountEmail.email_key)
    .where(
        InvitationRow.hub_id == sa.bindparam("hub"),
        InvitationRow.ended_at.is_(None),
        AccountEmail.account_id.in_(_IDS),
        ~sa.exists().where(
            RefusedMatch.account_id == AccountEmail.account_id, RefusedMatch.person_id == InvitationRow.person_id
        ),
    )
)
_REFUSED = sa.select(RefusedMatch.account_id, RefusedMatch.person_id).where(RefusedMatch.account_id.in_(_IDS))
_DOCUMENTS = sa.select(User.person_id, User.document).where(User.person_id.in_(_PEOPLE))


@dataclass(frozen=True, slots=True)
class _Kind:
    """An attribute of accounts: its values by account, accounts by value, and how a text compares with it."""

    of_accounts: sa.Executable
    unmatched: sa.Executable
    key: Callable[[str], str]


def _of_column(column: sa.orm.InstrumentedAttribute[str] | sa.orm.InstrumentedAttribute[str | None]) -> _Kind:
    return _Kind(
        sa.select(AccountRow.id, column).where(AccountRow.id.in_(_IDS), column.is_not(None)),
        sa.select(AccountRow.id, column).where(
            AccountRow.hub_id == sa.bindparam("hub"), column.in_(_KEYS), MAY_BE_MATCHED
        ),
        name_key,
    )


_KINDS: Mapping[str, _Kind] = {
    "email": _Kind(
        sa.select(AccountEmail.account_id, AccountEmail.email_key).where(AccountEmail.account_id.in_(_IDS)),
        sa.select(AccountEmail.account_id, AccountEmail.email_key)
        .join(AccountRow, AccountRow.id == AccountEmail.account_id)
        .where(AccountEmail.hub_id == sa.bindparam("hub"), AccountEmail.email_key.in_(_KEYS), MAY_BE_MATCHED),
        fold,
    ),
    "login": _of_column(AccountRow.login_key),
    "name": _of_column(AccountRow.name_key),
    "id": replace(_of_column(AccountRow.ref), key=str),
}


def rules_of(mapping: HubMapping) -> tuple[Rule, ...]:
    """The rules of a hub's `match`, or the default ones."""
    names = {"emails": "emails.value"}
    own = (Rule(one.account, names.get(one.person, one.person), one.review) for one in mapping.match)
    return tuple(own) or DEFAULT


def find_matches(
    tx: Tx, rules: Sequence[Rule], account_ids: Sequence[int], walked: Iterable[Hit] = ()
) -> Mapping[int, Match]:
    """Whose these accounts are. ``walked`` are hits of the rules whose attribute has no index."""
    hits = list(walked)
    values: dict[str, dict[str, list[int]]] = {}
    for number, rule in enumerate(rules):
        if rule.person not in _BY_VALUE:
            continue
        if rule.account not in values:
            values[rule.account] = _values(tx, rule.account, account_ids)
        held = values[rule.account]
        people = tx.execute(_BY_VALUE[rule.person], {"keys": list(held)}) if held else ()
        hits += [Hit(number, account, person, value) for person, value in people for account in held.get(value, ())]
    if not hits:
        return {}
    said = {(row.account_id, row.person_id) for row in tx.execute(_REFUSED, {"accounts": list(account_ids)})}
    return match(rules, hits, said)


def _values(tx: Tx, kind: str, account_ids: Sequence[int]) -> dict[str, list[int]]:
    held: dict[str, list[int]] = {}
    for account_id, value in tx.execute(_KINDS[kind].of_accounts, {"accounts": list(account_ids)}):
        held.setdefault(value, []).append(account_id)
    return held


def matches_for(tx: Tx, mapping: HubMapping, person_ids: Sequence[int]) -> Mapping[int, Match]:
    """Accounts that are nobody's yet and may be these people's; a constant number of indexed statements.

    By an attribute without an index it cannot be seen whether somebody else has the value, too: such a match
    is never sure here, and the next reading judges it.
    """
    rules = rules_of(mapping)
    if not person_ids:
        return {}
    owned: dict[int, list[tuple[int, str]]] = {}
    documents: list[tuple[int, Mapping[str, object]]] | None = None
    for number, rule in enumerate(rules):
        if rule.person in _OF_PEOPLE:
            rows = tx.execute(_OF_PEOPLE[rule.person], {"people": list(person_ids)})
            owned[number] = [(who, value) for who, value in rows]
            continue
        if documents is None:
            documents = [(who, document) for who, document in tx.execute(_DOCUMENTS, {"people": list(person_ids)})]
        owned[number] = _read_out(documents, rule)
    hits = _meet(tx, mapping.hub_id, rules, owned)
    if not hits:
        return {}
    walked = [hit for hit in hits if rules[hit.rule].person not in _BY_VALUE]
    found = find_matches(tx, rules, sorted({hit.account_id for hit in hits}), walked)
    return {
        account_id: replace(one, is_sure=one.is_sure and rules[one.rule].person in _BY_VALUE)
        for account_id, one in found.items()
        if one.person_id in person_ids
    }


def _read_out(documents: Iterable[tuple[int, Mapping[str, object]]], rule: Rule) -> list[tuple[int, str]]:
    key = _KINDS[rule.account].key
    return [(who, key(text)) for who, document in documents for text in values_at(document, rule.person)]


def _meet(tx: Tx, hub_id: str, rules: Sequence[Rule], owned: Mapping[int, Iterable[tuple[int, str]]]) -> list[Hit]:
    """Hits between values of people, by rule, and accounts that are nobody's; a statement an attribute of accounts."""
    by_kind: dict[str, dict[str, set[tuple[int, int]]]] = {}
    for number, values in owned.items():
        owners = by_kind.setdefault(rules[number].account, {})
        for person_id, value in values:
            owners.setdefault(value, set()).add((number, person_id))
    return [
        Hit(number, account_id, person_id, value)
        for kind, owners in by_kind.items()
        if owners
        for account_id, value in tx.execute(_KINDS[kind].unmatched, {"hub": hub_id, "keys": list(owners)})
        for number, person_id in owners[value]
    ]


def walk_people(db: Database, mapping: HubMapping) -> list[Hit]:
    """What the rules hit whose attribute has no index: everybody's documents, some at a time.

    As many hits as there are accounts that are nobody's and meet somebody; a hub without such rules reads nothing.
    """
    rules = rules_of(mapping)
    unindexed = [number for number, rule in enumerate(rules) if rule.person not in _BY_VALUE]
    hits: list[Hit] = []
    after = 0
    while unindexed:
        with db.read() as tx:
            rows = tx.execute(
                sa.select(User.id, User.person_id, User.document)
                .where(User.id > after, User.source_id.in_(_SOURCES))
                .order_by(User.id)
                .limit(_AT_ONCE)
            ).all()
            documents = [(row.person_id, row.document) for row in rows]
            owned = {number: _read_out(documents, rules[number]) for number in unindexed}
            hits += _meet(tx, mapping.hub_id, rules, owned)
        if len(rows) < _AT_ONCE:
            break
        after = rows[-1].id
    return hits


def match_some(tx: Tx, mapping: HubMapping, walked: Sequence[Hit], *, after: int, now: datetime) -> int | None:
    """Link or propose the next accounts that are nobody's.

    ``after`` is the last row that was looked at; returns the one to go on from, None at the end.
    """
    query = sa.select(AccountRow.id, AccountRow.proposed_to, AccountRow.proposed_by).where(
        AccountRow.hub_id == mapping.hub_id, AccountRow.id > after, MAY_BE_MATCHED
    )
    rows = {row.id: row for row in tx.execute(query.order_by(AccountRow.id).limit(_AT_ONCE))}
    if not rows:
        return None
    rules, ids = rules_of(mapping), list(rows)
    found = find_matches(tx, rules, ids, [hit for hit in walked if hit.account_id in rows])
    links = {**_invited(tx, mapping, ids), **{one: hit.person_id for one, hit in found.items() if hit.is_sure}}
    ignored = ignored_accounts(tx, mapping, [*links, *found])
    set_links(tx, {one: who for one, who in links.items() if one not in ignored}, how="matched", now=now)
    proposals: dict[int, tuple[int | None, str | None]] = {}
    for account_id, row in rows.items():
        hit = found.get(account_id)
        is_open = hit is not None and account_id not in links and account_id not in ignored
        proposal = (hit.person_id, str(rules[hit.rule])) if hit is not None and is_open else (None, None)
        if account_id not in links and proposal != (row.proposed_to, row.proposed_by):
            proposals[account_id] = proposal
    set_proposals(tx, proposals)
    return ids[-1] if len(ids) == _AT_ONCE else None


def _invited(tx: Tx, mapping: HubMapping, account_ids: Sequence[int]) -> dict[int, int]:
    """Whose open invitation of ours went to an address of the account: our own books prove as much as a rule."""
    rows = tx.execute(_INVITED, {"hub": mapping.hub_id, "accounts": list(account_ids)})
    owners: dict[int, set[int]] = {}
    for row in rows:
        owners.setdefault(row.account_id, set()).add(row.person_id)
    return {account_id: people.pop() for account_id, people in owners.items() if len(people) == 1}


def ignored_accounts(tx: Tx, mapping: HubMapping, account_ids: Iterable[int]) -> set[int]:
    """Those of the accounts that are under `safety.ignore`, by login or address."""
    chosen = AccountRow.id.in_(numbers(tx, list(account_ids)))
    return set(tx.execute(sa.select(AccountRow.id).where(chosen, is_named_by(tx, mapping.safety.ignore))).scalars())
