"""What a plain name in a mapping means: the id of the group or asset that it met first.

So a rename in the identity provider or in the app neither loses nor moves access, and another thing that
later takes the old name gets nothing until a person confirms it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, aliased

from scim_bridge.audit.record import record
from scim_bridge.contract.state import Asset
from scim_bridge.db import Tx, upsert
from scim_bridge.directory.changes import mark_group
from scim_bridge.directory.tables import Group, Source
from scim_bridge.errors import Conflict, NotFound
from scim_bridge.folding import name_key
from scim_bridge.hubs.bound import NewBinding, Resolved
from scim_bridge.hubs.tables import AssetRow, Binding

_OF_GROUPS = sa.select(Binding.hub_id, Binding.scope, Binding.name_key, Binding.target_id).where(
    Binding.kind == "group"
)

GroupBindings = Mapping[str, Mapping[tuple[int, str], str]]
"""``{hub: {(source id, name key): scim id}}``."""


@dataclass(frozen=True, slots=True)
class BindingView:
    """One binding, for people. ``candidate``: what bears the name now and waits to be confirmed.

    ``source`` is whose group the name means, ``type`` (``team``) what kind of asset: one of the two.
    """

    id: int
    hub_id: str
    kind: str
    source: str | None
    type: str | None
    name: str
    target_id: str
    target_name: str | None
    candidate_id: str | None
    candidate_name: str | None


def group_bindings(tx: Tx) -> GroupBindings:
    """All names of groups that are bound, by hub."""
    bound: dict[str, dict[tuple[int, str], str]] = {}
    for row in tx.execute(_OF_GROUPS):
        bound.setdefault(row.hub_id, {})[int(row.scope), row.name_key] = row.target_id
    return bound


def bind(tx: Tx, met: Iterable[NewBinding], *, now: datetime) -> None:
    """Bind names that are not bound yet; the others keep what they mean."""
    rows = [
        {
            "hub_id": new.hub_id,
            "kind": new.kind,
            "scope": new.scope,
            "name": new.name,
            "name_key": name_key(new.name),
            "target_id": new.target_id,
            "bound_at": now,
        }
        for new in met
    ]
    upsert(tx, Binding, rows, keys=["hub_id", "kind", "scope", "name_key"], update=[])


def propose(tx: Tx, refused: Iterable[NewBinding]) -> None:
    """Note what bears a bound name now, for ``binding list``."""
    for new in refused:
        tx.execute(
            sa.update(Binding)
            .where(
                Binding.hub_id == new.hub_id,
                Binding.kind == new.kind,
                Binding.scope == new.scope,
                Binding.name_key == name_key(new.name),
                Binding.target_id != new.target_id,
            )
            .values(candidate_id=new.target_id)
        )


def resolve_assets(tx: Tx, hub_id: str, names: Sequence[str]) -> Resolved:
    """Look up ``type/name-or-id`` names: a binding first, then id, slug, name; two hits mean nothing.

    ``type/*`` is every asset of the type that the app shows. One statement for the bindings, one for the
    assets, whatever the number of names.
    """
    if not names:
        return Resolved({}, {}, (), ())
    split = {name: (name.partition("/")[0], name.partition("/")[2]) for name in names}
    keys = sorted({name_key(text) for _, text in split.values()})
    bound = {
        (row.scope, row.name_key): row.target_id
        for row in tx.execute(
            sa.select(Binding.scope, Binding.name_key, Binding.target_id).where(
                Binding.hub_id == hub_id, Binding.kind == "asset", Binding.name_key.in_(keys)
            )
        )
    }
    found = _load_assets(tx, hub_id, split, bound, keys)
    assets: dict[str, tuple[Asset, ...]] = {}
    troubles: dict[str, str] = {}
    met: list[NewBinding] = []
    refused: list[NewBinding] = []
    for name, (kind, text) in split.items():
        same_type = [asset for asset in found if asset.type == kind]
        if text == "*":
            assets[name] = tuple(same_type)
            continue
        hits = _hits(same_type, text)
        ref = bound.get((kind, name_key(text)))
        if ref is not None:
            known = next((asset for asset in same_type if asset.ref == ref), None)
            # What the app no longer shows keeps its id: a doubtful reading must not look like "not wanted".
            assets[name] = (known or Asset(kind, ref, text, ""),)
            if known is None:
                troubles[name] = f"{name} is not in the app any more"
            # What else bears the name now gets nothing until somebody says that it is meant.
            if all(hit.ref != ref for hit in hits):
                refused += [NewBinding(hub_id, "asset", kind, text, hit.ref) for hit in hits[:1]]
        elif len(hits) == 1:
            assets[name] = (hits[0],)
            met.append(NewBinding(hub_id, "asset", kind, text, hits[0].ref))
        elif hits:
            troubles[name] = f"{name} means {len(hits)} things in the app; write its id instead"
        else:
            troubles[name] = f"{name} is not in the app (yet)"
    return Resolved(assets, troubles, tuple(met), tuple(refused))


def _hits(assets: Sequence[Asset], text: str) -> list[Asset]:
    key = name_key(text)
    for hits in (
        [asset for asset in assets if asset.ref == text],
        [asset for asset in assets if asset.slug and name_key(asset.slug) == key],
        [asset for asset in assets if name_key(asset.name) == key],
    ):
        if hits:
            return hits
    return []


def _load_assets(
    tx: Tx,
    hub_id: str,
    split: Mapping[str, tuple[str, str]],
    bound: Mapping[tuple[str, str], str],
    keys: Sequence[str],
) -> list[Asset]:
    refs = {text for _, text in split.values()} | set(bound.values())
    whole_types = [kind for kind, text in split.values() if text == "*"]
    wanted = sa.or_(
        AssetRow.ref.in_(sorted(refs)),
        AssetRow.slug_key.in_(keys),
        AssetRow.name_key.in_(keys),
        AssetRow.type.in_(whole_types),
    )
    query = sa.select(AssetRow.type, AssetRow.ref, AssetRow.name, AssetRow.slug).where(
        AssetRow.hub_id == hub_id, AssetRow.gone_at.is_(None), wanted
    )
    return [Asset(*row) for row in tx.execute(query.order_by(AssetRow.type, AssetRow.name))]


def list_bindings(tx: Tx, hub_id: str | None) -> list[BindingView]:
    """All bindings, those with a candidate first."""
    target, candidate = aliased(Group), aliased(Group)
    old, new = aliased(AssetRow), aliased(AssetRow)
    query = (
        sa.select(
            Binding.id,
            Binding.hub_id,
            Binding.kind,
            Source.name,
            sa.case((Binding.kind == "asset", Binding.scope)),
            Binding.name,
            Binding.target_id,
            sa.func.coalesce(target.display_name, old.name),
            Binding.candidate_id,
            sa.func.coalesce(candidate.display_name, new.name),
        )
        .outerjoin(Source, sa.and_(Binding.kind == "group", sa.cast(Source.id, sa.String) == Binding.scope))
        .outerjoin(target, sa.and_(Binding.kind == "group", target.scim_id == Binding.target_id))
        .outerjoin(candidate, sa.and_(Binding.kind == "group", candidate.scim_id == Binding.candidate_id))
        .outerjoin(old, _is_asset(old, Binding.target_id))
        .outerjoin(new, _is_asset(new, Binding.candidate_id))
        .order_by(Binding.candidate_id.is_(None), Binding.hub_id, Binding.name)
    )
    if hub_id is not None:
        query = query.where(Binding.hub_id == hub_id)
    return [BindingView(*row) for row in tx.execute(query)]


def _is_asset(
    asset: type[AssetRow], ref: InstrumentedAttribute[str] | InstrumentedAttribute[str | None]
) -> sa.ColumnElement[bool]:
    return sa.and_(
        Binding.kind == "asset", asset.hub_id == Binding.hub_id, asset.type == Binding.scope, asset.ref == ref
    )


def confirm(tx: Tx, binding_id: int, *, actor: str, now: datetime) -> None:
    """From now on the name means its candidate. Whoever is in either group is looked at anew."""
    row = tx.execute(sa.select(Binding).where(Binding.id == binding_id)).first()
    if row is None:
        raise NotFound(f"no binding {binding_id}", advice="`scim-bridge binding list` shows them")
    if row.candidate_id is None:
        raise Conflict(f"binding {binding_id} has nothing to confirm", advice="only one with a candidate needs it")
    if not _is_there(tx, row):
        raise Conflict(
            f"binding {binding_id}: {row.candidate_id} is not there any more", advice="the name keeps what it means"
        )
    tx.execute(
        sa.update(Binding)
        .where(Binding.id == binding_id)
        .values(target_id=row.candidate_id, candidate_id=None, confirmed_by=actor, bound_at=now)
    )
    record(
        tx,
        at=now,
        actor=actor,
        action="binding.confirmed",
        hub_id=row.hub_id,
        subject=f"binding:{binding_id}",
        detail={"kind": row.kind, "from": row.target_id, "to": row.candidate_id},
    )
    if row.kind == "group":
        groups = sa.select(Group.id).where(Group.scim_id.in_([row.target_id, row.candidate_id]))
        for group_id in tx.execute(groups).scalars().all():
            mark_group(tx, group_id, person_ids=None, now=now)


def _is_there(tx: Tx, row: sa.Row[Any]) -> bool:
    """Whether the candidate of a binding exists still."""
    query = sa.select(Group.id).where(Group.scim_id == row.candidate_id)
    if row.kind == "asset":
        query = sa.select(AssetRow.id).where(
            AssetRow.hub_id == row.hub_id,
            AssetRow.type == row.scope,
            AssetRow.ref == row.candidate_id,
            AssetRow.gone_at.is_(None),
        )
    return tx.execute(query).first() is not None
