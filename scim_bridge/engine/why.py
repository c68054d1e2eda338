"""Why somebody holds what they hold in an app, or does not; all states beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from scim_bridge.clock import format_time
from scim_bridge.contract.protocol import Abilities
from scim_bridge.contract.registry import Registry
from scim_bridge.db import Tx
from scim_bridge.directory.people import load_people, user_names
from scim_bridge.directory.snapshot import PersonFact
from scim_bridge.directory.tables import Person
from scim_bridge.engine.brought import Bringers
from scim_bridge.engine.decide import UNNAMED, label, to_compare
from scim_bridge.engine.diff import Things, diff
from scim_bridge.engine.drift import drift_words
from scim_bridge.engine.plan import desired_of
from scim_bridge.engine.scene import Scene, Subject
from scim_bridge.engine.standing import load_scene
from scim_bridge.engine.tables import AccessRow, Pair
from scim_bridge.engine.tasks import list_tasks
from scim_bridge.errors import NotFound
from scim_bridge.hubs.bindings import group_bindings
from scim_bridge.mapping.evaluate import evaluate
from scim_bridge.mapping.explain import grounds, nearest
from scim_bridge.mapping.load import MappingSet
from scim_bridge.mapping.model import HubMapping

_TASKS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class WhyHub:
    """One person in one hub. States are ``{thing: [roles]}``; ``near``: rules that almost gave something.

    A grant names what it holds ``through``: memberships, and the requests that brought them.
    """

    hub_id: str
    desired: dict[str, list[str]]
    applied: dict[str, list[str]]
    observed: dict[str, Any]
    grants: list[dict[str, Any]]
    waits: list[str]
    drift: list[str]
    tasks: list[dict[str, Any]]
    near: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Why:
    """One person in all hubs that were asked for. ``attention``: why somebody must look at the person itself."""

    person_id: int
    user_name: str
    disabled: bool
    attention: str | None
    hubs: tuple[WhyHub, ...]

    def to_json(self) -> dict[str, Any]:
        """The shape that ``why --json`` prints."""
        return {
            "person": {
                "id": f"p{self.person_id}",
                "user_name": self.user_name,
                "disabled": self.disabled,
                "attention": self.attention,
            },
            "hubs": [
                {
                    "hub": hub.hub_id,
                    "desired": hub.desired,
                    "applied": hub.applied,
                    "observed": hub.observed,
                    "grants": hub.grants,
                    "waits": hub.waits,
                    "drift": hub.drift,
                    "tasks": hub.tasks,
                    "near": hub.near,
                }
                for hub in self.hubs
            ],
        }


def why(
    tx: Tx,
    person_id: int,
    hub_id: str | None,
    mappings: MappingSet,
    registry: Registry,
    *,
    now: datetime,
) -> Why:
    """Explain one person in one hub (None: in all) from the directory, the rules and the last reading of the app."""
    person = load_people(tx, [person_id]).get(person_id, PersonFact(person_id))
    bound = group_bindings(tx)
    if hub_id is not None and hub_id not in mappings.hubs:
        raise NotFound(f"no hub {hub_id}", advice=f"known hubs: {', '.join(mappings.hubs) or 'none yet'}")
    bringers = Bringers(tx)
    found = tuple(
        _one_hub(tx, bringers, person, mapping, registry.adapter(mapping.app).abilities, bound.get(name, {}), now=now)
        for name, mapping in mappings.hubs.items()
        if hub_id in (None, name)
    )
    name = user_names(tx, [person_id]).get(person_id, f"p{person_id}")
    attention = tx.scalar(sa.select(Person.attention).where(Person.id == person_id))
    return Why(person_id, name, person.is_disabled, attention, found)


def _one_hub(
    tx: Tx,
    bringers: Bringers,
    person: PersonFact,
    mapping: HubMapping,
    abilities: Abilities,
    bound: Mapping[tuple[int, str], str],
    *,
    now: datetime,
) -> WhyHub:
    verdict = evaluate(mapping, person, bound, now.date())
    stored = tx.execute(
        sa.select(AccessRow).where(AccessRow.hub_id == mapping.hub_id, AccessRow.person_id == person.id)
    ).first()
    scene = load_scene(
        tx,
        mapping,
        [person.id],
        invites=abilities.invites,
        read_in_full=True,
        desired={person.id: desired_of(verdict, stored, now=now)},
        now=now,
    )
    subject = scene.subjects[person.id]
    holds_by = grounds(mapping, person, bound, now.date())
    gap = diff(to_compare(subject), scene.roles)
    return WhyHub(
        mapping.hub_id,
        _named(scene, subject.standing.desired),
        _named(scene, subject.standing.applied),
        _account(scene, subject),
        [
            {
                "thing": thing,
                "rule": reason.rule,
                "file": reason.file,
                "line": reason.line,
                "through": [bringers.through(each) for each in holds_by.get((reason.file, reason.line), ())],
            }
            for thing, reasons in verdict.because.items()
            for reason in reasons
        ],
        _waits(tx, subject, mapping),
        drift_words(subject, scene, gap.drift),
        [_task(view) for view in list_tasks(tx, hub_id=mapping.hub_id, person_id=person.id, limit=_TASKS_SHOWN)],
        [
            {"rule": near.rule, "file": near.place.file, "line": near.place.line, "missing": near.missing}
            for near in (nearest(mapping, person, bound, now.date()) if verdict.role is None else [])
        ],
    )


def _named(scene: Scene, things: Things) -> dict[str, list[str]]:
    return {label(scene, thing): sorted(roles) for thing, roles in things.items()}


def _account(scene: Scene, subject: Subject) -> dict[str, Any]:
    if subject.account is None:
        return {}
    account = subject.account.account
    return {
        "account": account.login or account.ref,
        "status": account.status.value,
        "things": _named(scene, subject.standing.observed),
        "seen_at": subject.account.seen_at.isoformat(timespec="seconds"),
    }


def _waits(tx: Tx, subject: Subject, mapping: HubMapping) -> list[str]:
    waits = list(subject.troubles)
    if subject.is_ignored:
        waits.append("the account is under `safety.ignore`")
    if subject.invitation is not None and subject.invitation.state == "unmatched":
        waits.append(f"{UNNAMED[0]}: {UNNAMED[1]}")
    if subject.next_at is not None:
        waits.append(f"`leave` acts at {format_time(subject.next_at)}")
    pair = tx.execute(
        sa.select(Pair.waits, Pair.due_at, Pair.done, Pair.want).where(
            Pair.hub_id == mapping.hub_id, Pair.person_id == subject.person_id
        )
    ).first()
    if pair is not None and pair.waits and pair.waits not in waits:
        waits.append(pair.waits)
    if pair is not None and pair.done < pair.want and pair.due_at is not None:
        waits.append(f"due at {format_time(pair.due_at)}")
    return waits


def _task(view: Any) -> dict[str, Any]:
    return {
        "id": view.id,
        "action": view.action,
        "thing": view.thing,
        "state": view.state,
        "cause": view.cause,
        "advice": view.advice,
        "updated_at": view.updated_at.isoformat(timespec="seconds"),
    }
