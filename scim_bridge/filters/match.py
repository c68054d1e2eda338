"""Does a resource meet a filter? RFC 7644 section 3.4.2.2 over a SCIM document.

    value of the attribute | eq            | ne    | co sw ew | gt ge lt le | pr
    -----------------------+---------------+-------+----------+-------------+------
    absent, null, "", []   | only eq null  | true  | false    | false       | false
    several                | any of them meets it, for every operator

Types count: the string "true" is not the boolean true, and a boolean is never in any order. A string
that is a dateTime on both sides is compared as a moment. Attributes that are caseExact compare as they
are, all others case-folded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from scim_bridge.filters.tree import And, AttributePath, Compare, Filter, Not, Or, Present, ValuePath

CORE = "urn:ietf:params:scim:schemas:core:2.0:"

_CASE_EXACT = frozenset(
    {"id", "externalid", "profileurl", "photos.value", "meta.location", "meta.version", "meta.resourcetype"}
)
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?", re.IGNORECASE)


def matches(filter: Filter, resource: Mapping[str, Any]) -> bool:
    """Whether ``resource``, a SCIM document with extensions under their URNs, meets ``filter``."""
    return _matches(filter, resource, "")


def is_case_exact(path: AttributePath, parent: str = "") -> bool:
    """Whether values of ``path`` (inside an element of ``parent``) keep their case (RFC 7643 section 8.7)."""
    name = f"{parent}.{path.name}" if parent else str(AttributePath(None, path.name, path.sub))
    name = name.lower()
    return name in _CASE_EXACT or name.endswith("$ref") or (name == "photos" and path.sub is None)


def find_key(resource: Mapping[str, Any], name: str) -> str | None:
    """The key of ``resource`` that is ``name`` in any case, or None."""
    if name in resource:
        return name
    folded = name.lower()
    return next((key for key in resource if key.lower() == folded), None)


def _matches(filter: Filter, resource: Mapping[str, Any], parent: str) -> bool:
    match filter:
        case And(terms=terms):
            return all(_matches(term, resource, parent) for term in terms)
        case Or(terms=terms):
            return any(_matches(term, resource, parent) for term in terms)
        case Not(filter=inner):
            return not _matches(inner, resource, parent)
        case Present(path=path):
            return any(_is_present(value) for value in _values(path, resource))
        case ValuePath(path=path, where=where, test=test):
            return any(
                _matches(where, element, path.name) and (test is None or _matches(test, element, path.name))
                for element in _elements(path, resource)
            )
        case _:
            return _compares(filter, resource, parent)


def _compares(compare: Compare, resource: Mapping[str, Any], parent: str) -> bool:
    found = [plain for plain in map(_plain, _values(compare.path, resource)) if _is_present(plain)]
    if compare.value is None:
        return bool(found) == (compare.op == "ne")
    if not found:
        return compare.op == "ne"
    exact = is_case_exact(compare.path, parent)
    return any(_holds(compare.op, value, compare.value, exact) for value in found)


def _get(resource: Any, name: str) -> Any:
    if not isinstance(resource, Mapping):
        return None
    key = find_key(resource, name)
    return None if key is None else resource[key]


def _values(path: AttributePath, resource: Mapping[str, Any]) -> list[Any]:
    """All values at ``path``, multi-valued ones one by one."""
    top = resource if path.urn is None or path.urn.lower().startswith(CORE) else _get(resource, path.urn)
    values = _listed(_get(top, path.name))
    if path.sub is None:
        return values
    return [value for element in values for value in _listed(_get(element, path.sub))]


def _elements(path: AttributePath, resource: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [value if isinstance(value, Mapping) else {"value": value} for value in _values(path, resource)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _plain(value: Any) -> Any:
    """A complex value stands for its ``value`` sub-attribute."""
    return _get(value, "value") if isinstance(value, Mapping) else value


def _is_present(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_is_present(part) for part in value.values())
    if isinstance(value, list):
        return any(_is_present(part) for part in value)
    return value is not None and value != ""


def _holds(op: str, value: Any, wanted: Any, exact: bool) -> bool:
    if op == "ne":
        return not _holds("eq", value, wanted, exact)
    left, right = _comparable(value, wanted, exact)
    if left is None:
        return False
    match op:
        case "eq":
            return bool(left == right)
        case "co" | "sw" | "ew":
            return isinstance(left, str) and _part(op, left, str(right))
        case _:
            return not isinstance(left, bool) and _in_order(op, left, right)


def _comparable(value: Any, wanted: Any, exact: bool) -> tuple[Any, Any]:
    """Both sides as one type, or (None, None) where they have none in common."""
    if isinstance(value, str) and isinstance(wanted, str):
        times = _moment(value), _moment(wanted)
        if times[0] and times[1]:
            return times
        return (value, wanted) if exact else (value.casefold(), wanted.casefold())
    if isinstance(value, bool) or isinstance(wanted, bool):
        return (value, wanted) if isinstance(value, bool) and isinstance(wanted, bool) else (None, None)
    if isinstance(value, int | float) and isinstance(wanted, int | float):
        return value, wanted
    return None, None


def _moment(text: str) -> datetime | None:
    if not _DATE_TIME.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _part(op: str, text: str, part: str) -> bool:
    return part in text if op == "co" else text.startswith(part) if op == "sw" else text.endswith(part)


def _in_order(op: str, left: Any, right: Any) -> bool:
    match op:
        case "gt":
            return bool(left > right)
        case "ge":
            return bool(left >= right)
        case "lt":
            return bool(left < right)
        case _:
            return bool(left <= right)
