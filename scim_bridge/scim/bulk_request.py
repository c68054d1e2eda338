"""A BulkRequest: its operations, what they name of each other, and their order (RFC 7644 section 3.7). Pure.

Every POST gets the id of what it will make before anything is carried out. So a ``bulkId:`` is replaced
by an id wherever it stands, and circles need no second pass: a group keeps a member that nobody is yet as
pending, and a manager may always be unknown. Where there is no circle, an operation still waits for those it
names, so that it can be refused when one of them failed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scim_bridge.scim.messages import by_lower_name, check_message, part
from scim_bridge.scim.refusals import invalid_syntax, invalid_value

_PREFIX = "bulkId:"
_IN_PATH = re.compile(rf'(?<="){_PREFIX}([^"\\]+)(?=")|(?<=/){_PREFIX}([^/?#]+)')


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; ``bulk_id`` names what a POST makes, ``version`` is its If-Match."""

    method: str
    path: str
    bulk_id: str | None
    version: str | None
    data: Any

    @property
    def makes(self) -> str | None:
        """The bulkId that others may name."""
        return self.bulk_id if self.method == "POST" else None

    def needs(self) -> set[str]:
        """The bulkIds that it names, but its own."""
        named: set[str] = set()

        def note(name: str) -> str:
            named.add(name)
            return name

        _replaced({"path": self.path, "data": self.data}, note)
        return named - {self.makes}

    def resolved(self, ids: Mapping[str, str]) -> Operation:
        """The same with ids. Raises Refused invalidValue for a bulkId that no POST of the request has."""

        def resolve(name: str) -> str:
            if name not in ids:
                raise invalid_value(f"{_PREFIX}{name} is the bulkId of no POST in this request")
            return ids[name]

        path, data = _replaced(self.path, resolve, is_path=True), _replaced(self.data, resolve)
        return Operation(self.method, path, self.bulk_id, self.version, data)


def read_bulk(body: Mapping[str, Any]) -> tuple[list[Any], int | None]:
    """The operations as they came, and after how many failures to stop. Raises Refused invalidSyntax, invalidValue."""
    check_message(body, "BulkRequest")
    operations, stop = part(body, "Operations"), part(body, "failOnErrors")
    if not isinstance(operations, list):
        raise invalid_syntax("Operations is no list")
    if stop is not None and (isinstance(stop, bool) or not isinstance(stop, int) or stop < 1):
        raise invalid_value("failOnErrors is no whole number from 1 on")
    return operations, stop


def read_operation(raw: Any) -> Operation:
    """One operation. Raises Refused (invalidSyntax, invalidValue); RFC 7644 section 3.7 wants a bulkId of each POST."""
    if not isinstance(raw, Mapping):
        raise invalid_syntax("an operation is no JSON object")
    by_lower_name(raw)
    method, path, bulk_id = (_text(raw, name) for name in ("method", "path", "bulkId"))
    if method is None or path is None:
        raise invalid_syntax("an operation has no method or no path", advice='send "method" and "path"')
    if method.upper() == "POST" and not bulk_id:
        raise invalid_syntax("a POST has no bulkId", advice="give each POST a bulkId of its own")
    version = _text(raw, "version")
    if version and not version.isprintable():
        raise invalid_value("version is no entity-tag", advice='send "version": "W/\\"7\\"", as meta.version says it')
    return Operation(method.upper(), path, bulk_id, version, part(raw, "data"))


def check_bulk_ids(makes: Sequence[str | None]) -> None:
    """Raises Refused invalidValue where two POSTs have one bulkId."""
    given = [name for name in makes if name is not None]
    for name in given:
        if given.count(name) > 1:
            raise invalid_value(f"two POSTs have the bulkId {name}", advice="give each POST a bulkId of its own")


def in_order(makes: Sequence[str | None], needs: Sequence[set[str]]) -> list[int]:
    """The numbers of the operations as they are carried out: as they came, but after those that they need.

    Those that need each other in a circle go as they came.
    """
    missing = {name for name in makes if name is not None}
    waiting = list(range(len(makes)))
    order: list[int] = []
    while waiting:
        ready = next((number for number in waiting if not needs[number] & missing), waiting[0])
        waiting.remove(ready)
        order.append(ready)
        missing.discard(makes[ready] or "")
    return order


def _text(raw: Mapping[str, Any], name: str) -> str | None:
    value = part(raw, name)
    if value is not None and not isinstance(value, str):
        raise invalid_syntax(f"{name} is no text")
    return value


def _replaced(value: Any, resolve: Callable[[str], str], *, is_path: bool = False) -> Any:
    """``value`` with ids for bulkIds: texts that are one, and those in quotes or after a slash inside paths."""
    if isinstance(value, dict):
        return {key: _replaced(one, resolve, is_path=key.lower() == "path") for key, one in value.items()}
    if isinstance(value, list):
        return [_replaced(one, resolve) for one in value]
    if not isinstance(value, str) or _PREFIX not in value:
        return value
    if value.startswith(_PREFIX):
        return resolve(value.removeprefix(_PREFIX))
    return _IN_PATH.sub(lambda found: resolve(found[1] or found[2]), value) if is_path else value
