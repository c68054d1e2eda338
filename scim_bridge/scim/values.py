"""A value as sent to the value as stored, by the attribute that it is for; wrong types are refused. Pure.

    kind                        | taken
    ----------------------------+------------------------------------------------------------------
    string, reference           | text
    boolean                     | true, false; also as text in any case (Entra ID)
    integer                     | a whole number of 64 bits; also as text of digits
    decimal                     | a number; also as text of one
    dateTime                    | text with date and time (RFC 7643 section 2.3.5), kept as sent
    binary                      | base64, also its alphabet for addresses (RFC 4648)
    complex                     | an object; parts that are not known are left out (RFC 7644 section 3.3)
    several values              | a list, or one value alone
    ``null``, ``""``, ``[]``    | nothing: unassigned (RFC 7643 section 2.5)

A refusal names the attribute, never the value: it may be a password.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from scim_bridge.scim.model import Attribute, SchemaDefinition
from scim_bridge.scim.refusals import invalid_syntax, invalid_value

MAX_VALUES = 1000
"""Values of one attribute that a resource may have; the members of a group have no such limit."""

_TRUTHS = {"true": True, "false": False}
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", re.ASCII)
_LARGEST = 2**63
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/_\-\s]+={0,2}\s*", re.ASCII)


def is_unassigned(value: Any) -> bool:
    """``null``, ``""``, ``[]`` and ``{}`` all mean: no value (RFC 7643 section 2.5)."""
    return not value and not isinstance(value, int | float)


def read_value(attribute: Attribute, value: Any, name: str, *, bare: bool = False) -> Any:
    """``value`` as ``attribute`` stores it; None where nothing is assigned. Raises Refused invalidValue.

    ``name`` is what a refusal calls it. ``bare``: elements may be texts where providers send them so (PATCH).
    """
    if is_unassigned(value):
        return None
    if attribute.multi:
        return _several(attribute, value, name, bare) or None
    if attribute.subs:
        if type(value) is list and len(value) == 1:  # an old Entra sample lists its one manager
            value = value[0]
        return _complex(attribute, value, name, attribute.takes_text) or None
    return _READ[attribute.kind](value, name)


def read_element(attribute: Attribute, value: Any, name: str) -> Any:
    """One of several values, which may be a bare text; ``value`` assigns something. Raises Refused likewise."""
    if attribute.subs:
        return _complex(attribute, value, name, attribute.takes_text)
    return _READ[attribute.kind](value, name)


def read_extension(schema: SchemaDefinition, value: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of an extension in a POST or PUT; names that are not known are ignored. Raises Refused."""
    found: dict[str, Any] = {}
    for key, part in value.items():
        attribute = schema.find(key)
        if attribute is None or is_unassigned(part):
            continue
        name = f"{schema.urn}.{attribute.name}"
        if attribute.name in found:
            raise stands_twice(name)
        if (read := read_value(attribute, part, name)) is not None:
            found[attribute.name] = read
    return found


def _several(attribute: Attribute, value: Any, name: str, bare: bool) -> list[Any]:
    values = value if isinstance(value, list) else [value]
    if len(values) > MAX_VALUES:
        raise too_many(name)
    found: list[Any] = []
    for index, one in enumerate(values):
        if is_unassigned(one):
            continue
        place = f"{name}.{index}"
        if attribute.subs:
            read = _complex(attribute, one, place, bare and attribute.takes_text)
        else:
            read = _READ[attribute.kind](one, place)
        if not is_unassigned(read) and (attribute.subs or read not in found):
            found.append(read)
    return found


def stands_twice(name: str) -> Exception:
    """One attribute under names that differ in case only: nobody could say which value holds."""
    return invalid_syntax(f"{name} stands twice, in different cases", advice="send it once")


def too_many(name: str) -> Exception:
    """The refusal of more values than a resource may have."""
    return invalid_value(f"{name}: a resource has {MAX_VALUES} values of it at most", advice="send fewer")


def _complex(attribute: Attribute, value: Any, name: str, takes_text: bool) -> dict[str, Any]:
    if takes_text and isinstance(value, str):
        value = {"value": value}
    if not isinstance(value, Mapping):
        kind = "a list of objects" if attribute.multi else "an object"
        raise invalid_value(f"{name}: {attribute.name} takes {kind}", advice='write {"value": "..."}')
    if attribute.name == "roles":
        value = _role(value)
    found: dict[str, Any] = {}
    for key, part in value.items():
        sub = attribute.sub(key)
        if sub is None or is_unassigned(part) or (sub.mutability == "readOnly" and attribute.mutability != "readOnly"):
            continue
        if sub.name in found:
            raise stands_twice(f"{name}.{sub.name}")
        if sub.kind == "string" and type(part) is str and not sub.multi:
            found[sub.name] = part
        else:
            found[sub.name] = _READ[sub.kind](part, f"{name}.{sub.name}")
    return found


def _role(role: Mapping[str, Any]) -> Mapping[str, Any]:
    """Entra's role: JSON text in ``value``, ``displayName`` where the RFC says ``display``.

    An app role may be without a value (Entra's own "User" is): its id stands for it.
    """
    folded = {key.lower(): value for key, value in role.items()}
    text = folded.get("value")
    if isinstance(text, str) and text.lstrip().startswith("{"):
        try:
            inner = json.loads(text)
        except (ValueError, RecursionError):
            inner = None
        parts = {key.lower(): value for key, value in inner.items()} if isinstance(inner, dict) else {}
        if isinstance(named := parts.get("value") or parts.get("id"), str):
            folded |= {**parts, "value": named}
    if "displayname" in folded:
        folded.setdefault("display", folded["displayname"])
    return folded


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise invalid_value(f"{name}: it takes a text")
    return value


def _boolean(value: Any, name: str) -> bool:
    if isinstance(value, str):
        value = _TRUTHS.get(value.strip().lower())
    if not isinstance(value, bool):
        raise invalid_value(f"{name}: it takes true or false")
    return value


def _integer(value: Any, name: str) -> int:
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid_value(f"{name}: it takes a whole number")
    if not -_LARGEST <= value < _LARGEST:
        raise invalid_value(f"{name}: a whole number has 64 bits at most")
    return value


def _decimal(value: Any, name: str) -> float:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid_value(f"{name}: it takes a number")
    if isinstance(value, int):
        return _integer(value, name)
    if not math.isfinite(value):
        raise invalid_value(f"{name}: the number is too large")
    return value


def _date_time(value: Any, name: str) -> str:
    text = _text(value, name)
    try:
        if not _DATE_TIME.fullmatch(text):
            raise ValueError
        datetime.fromisoformat(text)
    except ValueError:
        raise invalid_value(f"{name}: it takes a date with a time", advice="write 2027-03-31T09:00:00Z") from None
    return text


def _binary(value: Any, name: str) -> str:
    text = _text(value, name)
    if not _BASE64.fullmatch(text):
        raise invalid_value(f"{name}: it takes base64")
    return text


_READ: Mapping[str, Callable[[Any, str], Any]] = {
    "string": _text,
    "reference": _text,
    "boolean": _boolean,
    "integer": _integer,
    "decimal": _decimal,
    "dateTime": _date_time,
    "binary": _binary,
}
