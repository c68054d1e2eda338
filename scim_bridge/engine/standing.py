"""Where the states of some people in one hub meet the world: what should be, what we did, and what is there.

A leaver's timers hold back the loss, an undo stands against the rules, roles wait for approval, and an invitation's
life shows in what is observed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from scim_bridge.contract.state import SEAT, SUSPENSION, Status
from scim_bridge.db import Tx
from scim_bridge.directory.snapshot import PersonFact
from scim_bridge.engine.approved_roles import restrain
from scim_bridge.engine.diff import SUSPENDED, Standing
from scim_bridge.engine.guard import is_named
from scim_bridge.engine.known import Known, load_desired, load_known
from scim_bridge.engine.leave import kept, leaving
from scim_bridge.engine.scene import Desired, Scene, StoredAccount, Subject, roles_of
from scim_bridge.engine.undone import Undone, keep, split
from scim_bridge.mapping.model import HubMapping


def load_scene(
    tx: Tx,
    mapping: HubMapping,
    person_ids: Sequence[int],
    *,
    invites: bool,
    read_in_full: bool,
    is_doubted: bool = False,
    planned: frozenset[int] = frozenset(),
    desired: Mapping[int, Desired] | None = None,
    people: Mapping[int, PersonFact] | None = None,
    undone: Mapping[int, Sequence[Undone]] | None = None,
    now: datetime,
) -> Scene:
    """Read these people in this hub. ``desired`` stands in for the stored access rows (a plan's own evaluation).

    ``undone`` stands in for what is kept against the rules (an undo that nobody ordered yet).
    ``is_doubted``: what was read last is not to be trusted, so it proves no drift and nothing is brought back by it.
    ``people``: these as they were read already, so that their documents are not read again.
    """
    wishes = dict(desired) if desired is not None else load_desired(tx, mapping.hub_id, person_ids)
    known = load_known(tx, mapping, person_ids, wishes=wishes, people=people, undone=undone)
    found, proves_drift = known.found, read_in_full and not is_doubted
    scene = Scene(
        roles_of(mapping), {}, known.assets, known.resolved, found.links, found.proposals, proves_drift=proves_drift
    )
    for person_id in person_ids:
        subject = scene.subjects[person_id] = _subject(person_id, wishes.get(person_id, Desired()), known, mapping)
        _stand(
            subject,
            mapping,
            scene,
            known,
            is_planned=person_id in planned,
            invites=invites,
            read_in_full=read_in_full,
            now=now,
        )
    return scene


def _subject(person_id: int, desired: Desired, known: Known, mapping: HubMapping) -> Subject:
    stored = known.found.accounts.get(person_id)
    addresses = known.addresses.get(person_id, {})
    names = tuple(dict.fromkeys((*(stored.names if stored else ()), *addresses)))
    return Subject(
        person_id,
        desired,
        addresses,
        Standing(),
        stored,
        known.invitations.get(person_id),
        tuple(known.tasks.get(person_id, ())),
        is_ignored=is_named(mapping.safety.ignore, names),
        names=names,
        drift=tuple(known.drift.get(person_id, ())),
        answers=known.answers.get(person_id, ()),
        loss=known.losses.get(person_id),
        perhaps=known.found.perhaps.get(person_id) if stored is None else None,
    )


def _stand(
    subject: Subject,
    mapping: HubMapping,
    scene: Scene,
    known: Known,
    *,
    is_planned: bool,
    invites: bool,
    read_in_full: bool,
    now: datetime,
) -> None:
    applied = known.applied.get(subject.person_id, {})
    wanted: dict[str, frozenset[str]] = {}
    desired = subject.desired
    if desired.role is not None:
        wanted = _by_rules(subject, desired.role, scene)
    left = leaving(mapping, desired.since, now) if desired.role is None and SEAT in applied else None
    subject.rules = {**wanted, SUSPENSION: SUSPENDED} if left and left.suspends else wanted
    against = known.undone.get(subject.person_id, ())
    subject.undone, subject.undone_over = split(against, subject.rules, disabled=desired.disabled)
    keeps_seat = any(each.thing == SEAT for each in subject.undone)
    if left is not None and not keeps_seat:
        subject.next_at = left.next_at
        wanted = dict(kept(applied, left, mapping))
    if subject.undone:
        wanted = keep(wanted, subject.undone)
        subject.desired = replace(desired, role=next(iter(wanted.get(SEAT, ())), None) if keeps_seat else desired.role)
    standing = Standing(
        desired=wanted,
        applied=applied,
        observed=_observed(subject.account, known),
        status=subject.account.account.status if subject.account else None,
        read_in_full=read_in_full,
        is_planned=is_planned,
        invites=invites,
        # An invitation that was cancelled by hand has a life of its own (``decide``).
        fixes=scene.proves_drift
        and mapping.safety.drift == "fix"
        and (subject.invitation is None or subject.account is not None),
        is_leaving=subject.desired.role is None,
        were_there={drifted.thing: drifted.was_there for drifted in subject.drift},
        vanished=_vanished(subject, scene),
    )
    _hold_back(subject, standing, mapping, scene)


def _observed(stored: StoredAccount | None, known: Known) -> dict[str, frozenset[str]]:
    """What the app last showed of the account."""
    if stored is None or stored.account.status is Status.EXPIRED:
        return {}
    account = stored.account
    observed = {**({SEAT: frozenset([account.role])} if account.role else {}), **known.holdings.get(stored.id, {})}
    if account.status is Status.SUSPENDED:
        observed[SUSPENSION] = SUSPENDED
    return observed


def _hold_back(subject: Subject, standing: Standing, mapping: HubMapping, scene: Scene) -> None:
    """Roles that somebody must agree to wait; the rules behind what is given instead are the seat's."""
    found = restrain(
        standing,
        list(subject.desired.lower),
        answers=subject.answers,
        approve_roles=mapping.safety.approve_roles,
        roles=scene.roles,
    )
    subject.standing, subject.asks, subject.raises = found.standing, found.asks, found.held
    instead = found.standing.desired.get(SEAT, frozenset())
    if found.held and instead:
        subject.because[SEAT] = list(subject.desired.lower.get(min(instead), ()))


def _vanished(subject: Subject, scene: Scene) -> frozenset[str]:
    """Assets that a name is bound to and that the app shows no longer."""
    troubled = scene.resolved.troubles.keys() & subject.desired.assets.keys()
    return frozenset(asset.key for name in troubled for asset in scene.resolved.assets.get(name, ()))


def _by_rules(subject: Subject, role: str, scene: Scene) -> dict[str, frozenset[str]]:
    """What the rules give, by things; notes on the subject why, and which names mean nothing."""
    desired = subject.desired
    wanted = {SEAT: frozenset([role])}
    subject.because[SEAT] = list(desired.because.get(SEAT, ()))
    for name, asset_roles in desired.assets.items():
        for asset in scene.resolved.assets.get(name, ()):
            roles = wanted.get(asset.key, frozenset()) | frozenset(asset_roles)
            if scene.roles.is_one(asset.key):
                roles = frozenset([min(roles, key=lambda role: scene.roles.rank(asset.key, role))])
            wanted[asset.key] = roles
            subject.because.setdefault(asset.key, []).extend(desired.because.get(name, ()))
    subject.troubles = tuple(trouble for name, trouble in scene.resolved.troubles.items() if name in desired.assets)
    return wanted
