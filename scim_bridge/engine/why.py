"""Why somebody holds what they hold in an app, or does not; all states beside each other.

Every rule that holds is named, those that lost as well, with the memberships and requests behind it, what was done
about it, and what it waits for; where there is nothing, the rules that came nearest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from scim_bridge.contract.protocol import Abilities
from scim_bridge.contract.registry import Registry
from scim_bridge.db import Tx
from scim_bridge.directory.people import load_people, user_names
from scim_bridge.directory.snapshot import PersonFact
from scim_bridge.directory.tables import DeletedUser, Person, Source, User
from scim_bridge.engine.brought import Bringers
from scim_bridge.engine.decide import label, to_compare
from scim_bridge.engine.diff import Things, diff
from scim_bridge.engine.drift import drift_words
from scim_bridge.engine.plan import desired_of
from scim_bridge.engine.rules import InForce
from scim_bridge.engine.runs import run_name
from scim_bridge.engine.scene import Scene, Subject
from scim_bridge.engine.standing import load_scene
from scim_bridge.engine.standstill import get_mapping
from scim_bridge.engine.tables import AccessRow
from scim_bridge.engine.tasks import TaskView, list_tasks
from scim_bridge.engine.undone import Undone
from scim_bridge.engine.waits import waits
from scim_bridge.hubs.bindings import group_bindings
from scim_bridge.hubs.tables import Hub
from scim_bridge.mapping.contributions import Contribution, contributions
from scim_bridge.mapping.evaluate import evaluate
from scim_bridge.mapping.explain import nearest
from scim_bridge.mapping.model import HubMapping
from scim_bridge.mapping.tables import Revision

_TASKS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class WhyHub:
    """One person in one hub: the shape that ``why --json`` prints (docs/why.md).

    States are ``{thing: [roles]}``; ``near``: rules that almost gave something.
    """

    hub: str
    mode: str
    read_at: str | None
    desired: dict[str, list[str]]
    applied: dict[str, list[str]]
    observed: dict[str, Any]
    hub_role: str | None
    grants: list[dict[str, Any]]
    shares: list[dict[str, Any]]
    undone: list[dict[str, Any]]
    waits: list[dict[str, Any]]
    drift: list[str]
    tasks: list[dict[str, Any]]
    answers: dict[str, Any]
    near: list[dict[str, Any]]

    @property
    def is_nothing(self) -> bool:
        """Nothing is wanted, given, shown or tried here."""
        return not (self.desired or self.applied or self.observed or self.grants or self.tasks)


@dataclass(frozen=True, slots=True)
class Why:
    """One person in all hubs that were asked for. ``attention``: why somebody must look at the person itself."""

    person_id: int
    user_name: str
    disabled: bool
    attention: str | None
    users: list[dict[str, Any]]
    rules: dict[str, Any]
    hubs: tuple[WhyHub, ...]

    def to_json(self) -> dict[str, Any]:
        """The shape that ``why --json`` prints."""
        return {
            "person": {
                "id": f"p{self.person_id}",
                "user_name": self.user_name,
                "disabled": self.disabled,
                "attention": self.attention,
                "users": self.users,
            },
            "rules": self.rules,
            "hubs": [asdict(hub) for hub in self.hubs],
        }


def why(tx: Tx, person_id: int, hub_id: str | None, in_force: InForce, registry: Registry, *, now: datetime) -> Why:
    """Explain one person in one hub (None: in all) from the directory, the rules and the last reading of the app.

    Raises ``NotFound`` for an unknown hub, ``Conflict`` for one without rules.
    """
    mappings = in_force.mappings
    if hub_id is not None:
        get_mapping(tx, mappings, hub_id)
    person = load_people(tx, [person_id]).get(person_id, PersonFact(person_id))
    asked = _Asked(tx, person, in_force.revision, group_bindings(tx), now)
    found = tuple(
        asked.hub(mapping, registry.adapter(mapping.app).abilities)
        for name, mapping in mappings.hubs.items()
        if hub_id in (None, name)
    )
    name = user_names(tx, [person_id]).get(person_id, f"p{person_id}")
    attention = tx.scalar(sa.select(Person.attention).where(Person.id == person_id))
    return Why(person_id, name, person.is_disabled, attention, asked.users(), _rules(tx, in_force.revision), found)


def _rules(tx: Tx, revision: int) -> dict[str, Any]:
    columns = (Revision.created_at, Revision.actor, Revision.git_commit)
    row = tx.execute(sa.select(*columns).where(Revision.id == revision)).first()
    return {
        "revision": revision,
        "published_at": _time(row.created_at) if row else None,
        "published_by": row.actor if row else None,
        "commit": row.git_commit if row else None,
    }


class _Asked:
    """One person, and what is read once for all hubs."""

    def __init__(
        self,
        tx: Tx,
        person: PersonFact,
        revision: int,
        bound: Mapping[str, Mapping[tuple[int, str], str]],
        now: datetime,
    ) -> None:
        self._tx, self._person, self._revision, self._bound, self._now = tx, person, revision, bound, now
        self._bringers = Bringers(tx)

    def users(self) -> list[dict[str, Any]]:
        """Every user that the person is or was, with the last request about each."""
        present = sa.select(User.scim_id, Source.name, User.document, User.active).join(
            Source, Source.id == User.source_id
        )
        deleted = sa.select(DeletedUser.scim_id, Source.name, DeletedUser.user_name_key, DeletedUser.deleted_at).join(
            Source, Source.id == DeletedUser.source_id
        )
        rows = [
            (row.scim_id, row.name, str(row.document["userName"]), "active" if row.active else "inactive", None)
            for row in self._tx.execute(present.where(User.person_id == self._person.id).order_by(User.id))
        ] + [
            (row.scim_id, row.name, row.user_name_key, "deleted", row.deleted_at)
            for row in self._tx.execute(
                deleted.where(DeletedUser.person_id == self._person.id).order_by(DeletedUser.id)
            )
        ]
        return [
            {
                "source": source,
                "user_name": name,
                "state": state,
                "deleted_at": _time(deleted_at),
                "last_request": self._bringers.last_write(scim_id),
            }
            for scim_id, source, name, state, deleted_at in rows
        ]

    def hub(self, mapping: HubMapping, abilities: Abilities) -> WhyHub:
        """Everything about one hub."""
        tx, person, today = self._tx, self._person, self._now.date()
        bound = self._bound.get(mapping.hub_id, {})
        verdict = evaluate(mapping, person, bound, today)
        mine = sa.and_(AccessRow.hub_id == mapping.hub_id, AccessRow.person_id == person.id)
        stored = tx.execute(sa.select(AccessRow).where(mine)).first()
        scene = load_scene(
            tx,
            mapping,
            [person.id],
            invites=abilities.invites,
            read_in_full=True,
            desired={person.id: desired_of(verdict, stored, now=self._now)},
            now=self._now,
        )
        subject = scene.subjects[person.id]
        gap = diff(to_compare(subject), scene.roles)
        tasks = list_tasks(tx, hub_id=mapping.hub_id, person_id=person.id)
        hub = tx.execute(sa.select(Hub).where(Hub.id == mapping.hub_id)).first()
        return WhyHub(
            hub=mapping.hub_id,
            mode=hub.mode if hub else "plan",
            read_at=_time(hub.observed_at) if hub else None,
            desired=_named(scene, subject.standing.desired),
            applied=_named(scene, subject.standing.applied),
            observed=_account(scene, subject),
            hub_role=verdict.hub_role,
            grants=[self._grant(each) for each in contributions(mapping, person, bound, verdict, today)],
            shares=[],
            undone=[_undone(scene, each) for each in subject.undone],
            waits=[each.to_json() for each in waits(tx, mapping, abilities, scene, subject, gap, tasks, now=self._now)],
            drift=drift_words(subject, scene, gap.drift),
            tasks=[_task(view) for view in tasks[:_TASKS_SHOWN]],
            answers={
                "last_success_at": _time(hub.last_success_at) if hub else None,
                "last_error": hub.last_error if hub else None,
                "last_error_at": _time(hub.last_error_at) if hub else None,
            },
            near=[
                {"rule": near.rule, "file": near.place.file, "line": near.place.line, "missing": near.missing}
                for near in (nearest(mapping, person, bound, today) if verdict.role is None else [])
            ],
        )

    def _grant(self, given: Contribution) -> dict[str, Any]:
        grant = given.grant
        return {
            "thing": given.thing,
            "role": given.role,
            "won": given.outranked_by is None,
            "outranked_by": given.outranked_by,
            "rule": grant.name,
            "file": grant.place.file,
            "line": grant.place.line,
            "revision": self._revision,
            "until": grant.until.isoformat() if grant.until else None,
            "through": [self._bringers.through(each) for each in given.grounds],
        }


def _undone(scene: Scene, undone: Undone) -> dict[str, Any]:
    return {
        "thing": label(scene, undone.thing),
        "roles": sorted(undone.roles),
        "by": undone.actor,
        "at": _time(undone.at),
        "run": undone.run,
    }


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
        "seen_at": _time(subject.account.seen_at),
    }


def _task(view: TaskView) -> dict[str, Any]:
    return {
        "id": view.id,
        "run": run_name(view.run_id),
        "action": view.action,
        "thing": view.thing,
        "from": view.before,
        "to": view.after,
        "state": view.state,
        "cause": view.cause,
        "advice": view.advice,
        "attempts": view.attempts,
        "next_try_at": _time(view.next_try_at),
        "updated_at": _time(view.updated_at),
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
