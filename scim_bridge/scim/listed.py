"""What lists share, however their pages are found: the types in them, the parts of one request, the body."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scim_bridge.db import JsonText, Tx, to_json
from scim_bridge.directory.ordering import Order
from scim_bridge.directory.pages import Scope, Shelf, Sorting
from scim_bridge.directory.spots import Condition
from scim_bridge.errors import InvalidInput
from scim_bridge.filters import AttributePath, Filter, Traits, attribute_paths, parse_filter
from scim_bridge.scim.answers import Shown
from scim_bridge.scim.attributes import Projection
from scim_bridge.scim.list_request import ListRequest
from scim_bridge.scim.model import ResourceType
from scim_bridge.scim.service import Call
from scim_bridge.scim.traits import traits_of

_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
Rows = Sequence[tuple[int, Any]]
"""Rows of a page, each with the number of its part."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A type that can be listed: how a filter and an order become SQL, where its rows are, how they are shown."""

    kind: Callable[[Call], ResourceType]
    condition: Callable[..., Condition]
    order: Callable[..., Order]
    shelf: Shelf[Any]
    render: Callable[[Call, Tx, Sequence[Any], Projection], Sequence[Shown]]


@dataclass(frozen=True, slots=True)
class Part:
    """One type of a list, as one request asks for it."""

    listed: Listed
    kind: ResourceType
    scope: Scope
    projection: Projection
    sorting: Sorting | None = None

    @property
    def shelf(self) -> Shelf[Any]:
        """Where its rows are."""
        return self.listed.shelf


def parts_of(call: Call, types: Sequence[Listed], wanted: ListRequest) -> list[Part]:
    """The parts of a list over ``types``. Raises Refused, InvalidFilter, and InvalidInput for an order.

    Among several types an attribute that one of them lacks has no value there (RFC 7644 section 3.4.2.1); one that
    all of them lack is a mistake.
    """
    if len(types) > 1 and wanted.filter is not None:
        _check_names(parse_filter(wanted.filter), [traits_of(listed.kind(call)) for listed in types])
    parts = [_part(call, listed, wanted.filter, is_alone=len(types) == 1) for listed in types]
    if wanted.sort_by is None:
        return parts
    sortings = [_sorting(call, listed, wanted.sort_by, descending=wanted.descending) for listed in types]
    unknown = [one for one in sortings if isinstance(one, InvalidInput)]
    if len(unknown) == len(sortings):
        raise unknown[0]
    nothing = Sorting(None, wanted.descending)
    return [
        replace(part, sorting=nothing if isinstance(sorting, InvalidInput) else sorting)
        for part, sorting in zip(parts, sortings, strict=True)
    ]


def _check_names(filter: Filter, known: Sequence[Traits]) -> None:
    for path in attribute_paths(filter):
        whole = AttributePath(path.urn, path.name)
        means_itself = path.sub is not None and path.sub.lower() == "value"  # projects[value eq "x"] of plain values
        if not any(traits.find(path) or (means_itself and traits.find(whole)) for traits in known):
            next((traits for traits in known if traits.find(whole)), known[0]).get(path)  # says which name is near


def _part(call: Call, listed: Listed, text: str | None, *, is_alone: bool) -> Part:
    kind, source_id = listed.kind(call), call.source.id
    projection = call.projection(kind)
    if text is None:
        ladder = call.service.marks.find(source_id) if kind is call.users else None
        return Part(listed, kind, Scope(source_id, None, ladder), projection)
    filter = parse_filter(text)
    where = listed.condition(
        call.service.db.dialect, source_id, filter, traits_of(kind), root=call.root, lenient=not is_alone
    )
    return Part(listed, kind, Scope(source_id, where), projection)


def _sorting(call: Call, listed: Listed, sort_by: str, *, descending: bool) -> Sorting | InvalidInput:
    try:
        order = listed.order(call.service.db.dialect, sort_by, traits_of(listed.kind(call)), root=call.root)
    except InvalidInput as error:
        return error
    return Sorting.of(order, descending=descending)


def count_of(call: Call, tx: Tx, part: Part) -> tuple[int, Scope]:
    """How many rows there are, and the scope, with its ladder only if that still stands."""
    scope = part.scope
    total = scope.ladder.total(tx, scope.source_id) if scope.ladder else None
    if total is None:
        scope = replace(scope, ladder=None)
        total = part.shelf.count(tx, scope)
    if scope.where is None and part.kind is call.users:
        call.service.marks.note(scope.source_id, scope.ladder, total)
    return total, scope


def shown(call: Call, tx: Tx, parts: Sequence[Part], rows: Rows) -> list[Shown]:
    """The resources of a page, in its order."""
    made: dict[tuple[int, int], Shown] = {}
    for number, part in enumerate(parts):
        own = [row for owner, row in rows if owner == number]
        resources = part.listed.render(call, tx, own, part.projection) if own else []
        made |= {(number, row.id): resource for row, resource in zip(own, resources, strict=True)}
    return [made[number, row.id] for number, row in rows]


def list_body(resources: Sequence[Shown], *, total: int, start_index: int | None = 1, **cursors: str) -> Shown:
    """A ListResponse; ``total`` counts all matches, not the page. ``start_index`` None: pages have no number."""
    head = {
        "schemas": [_LIST],
        "totalResults": total,
        **({} if start_index is None else {"startIndex": start_index}),
        "itemsPerPage": len(resources),
        **cursors,
    }
    texts = [one if isinstance(one, JsonText) else to_json(one) for one in resources]
    return JsonText(f'{to_json(head)[:-1]},"Resources":[{",".join(texts)}]}}')
