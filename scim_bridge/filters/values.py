"""When one value equals, precedes or contains another: by the attribute's kind, not by the look of the text.

    kind                      | compares as                          | operators
    --------------------------+--------------------------------------+---------------------------
    string, reference         | text; case-folded unless caseExact   | all, in order of code points
    binary                    | the same                             | all but gt ge lt le
    integer, decimal          | number                               | eq ne gt ge lt le
    dateTime                  | moment (microseconds since 1970)     | eq ne gt ge lt le
    boolean                   | true, false                          | eq ne
    complex                   | by its ``value``, if it has one      |

Providers write ``"True"`` and ``"7"`` where a boolean or number is due; the wanted value is read by the kind.
The same keys are made in SQL, so that a list finds what memory finds.
"""

from __future__ import annotations

import re
from typing import Any

from scim_bridge.filters.traits import Kind, Trait
from scim_bridge.filters.tree import InvalidFilter, Value
from scim_bridge.folding import fold
from scim_bridge.moments import moment

Key = str | int | float | bool
ORDERED = frozenset({"gt", "ge", "lt", "le"})
PART = frozenset({"co", "sw", "ew"})
NUMBERS = frozenset({"integer", "decimal"})
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]+)?")
_TRUTHS = {"true": True, "false": False}
_NEEDS: dict[str, str] = {
    "boolean": "true or false",
    "integer": "a number",
    "decimal": "a number",
    "dateTime": 'a time, "2027-03-31T09:00:00Z"',
}


def kind_for(trait: Trait, wanted: Value) -> Kind:
    """The kind that a comparison with ``wanted`` goes by."""
    if trait.kind != "any":
        return trait.kind
    if isinstance(wanted, str):
        return "string" if moment(wanted) is None else "dateTime"
    return "boolean" if isinstance(wanted, bool) else "decimal"


def wanted_key(trait: Trait, kind: Kind, wanted: Value) -> Key | None:
    """What ``wanted`` compares as; None where it is nothing of that kind."""
    if isinstance(wanted, str):
        if kind == "boolean":
            return _TRUTHS.get(wanted.lower())
        if kind in NUMBERS and _NUMBER.fullmatch(wanted):
            return float(wanted) if "." in wanted else int(wanted)
    return stored_key(trait, kind, wanted)


def stored_key(trait: Trait, kind: Kind, value: Any) -> Key | None:
    """What a stored value compares as; None where it is nothing of that kind."""
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    if kind in NUMBERS:
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if kind == "complex" or not isinstance(value, str):
        return None
    if kind == "dateTime":
        return moment(value)
    return value if trait.case_exact else fold(value)


def holds(op: str, left: Key, right: Key) -> bool:
    """``left op right`` for two keys of one kind; ``op`` is any but ne and pr."""
    match op:
        case "eq":
            return left == right
        case "co" | "sw" | "ew":
            return isinstance(left, str) and _part(op, left, str(right))
        case _:
            return not isinstance(left, bool) and _in_order(op, left, right)


def check_comparison(name: str, trait: Trait, op: str, wanted: Value) -> None:
    """Raise InvalidFilter for what no value can ever meet (RFC 7644 table 3), instead of finding nothing for ever."""
    if wanted is None or trait.kind == "any":
        return
    if trait.kind == "complex":
        parts = ", ".join(sub.name for sub in trait.subs.values())
        raise InvalidFilter(f"{name} has parts and no value of its own", advice=f"ask for one of {parts}")
    if op in ORDERED and trait.kind in ("boolean", "binary"):
        raise InvalidFilter(f"{name} cannot be ordered by {op}", advice="use eq or ne")
    if op in PART and trait.kind in _NEEDS:
        raise InvalidFilter(f"{op} compares text, and {name} is none", advice="use eq, ne, gt, ge, lt or le")
    if wanted_key(trait, trait.kind, wanted) is None:
        needs = _NEEDS.get(trait.kind, "text in quotes")
        raise InvalidFilter(f"the value for {name} has another type", advice=f"write {needs}")


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
