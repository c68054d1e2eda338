"""The boundary: what a body must look like to be stored, as marshmallow schemas built once for each resource type.

They come out of the definitions, so that what is checked is what GET /Schemas says. Their fields read values
by the definitions: marshmallow's own know nothing of what providers send, and a schema nested in a schema
costs ten times as much. Behind them we pass plain documents with canonical names.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from marshmallow import EXCLUDE, Schema, fields

from scim_bridge.scim.dialects import normalise
from scim_bridge.scim.documents import completed
from scim_bridge.scim.elements import one_primary
from scim_bridge.scim.model import Attribute, ResourceType, SchemaDefinition
from scim_bridge.scim.values import read_extension, read_value

_ELSEWHERE = frozenset({"schemas", "members"})  # read by check_schemas and members


class _AttributeField(fields.Field[Any]):
    """One attribute of any kind; of several values that call themselves primary the first keeps it."""

    def __init__(self, attribute: Attribute) -> None:
        super().__init__(data_key=attribute.name)
        self._attribute = attribute

    def deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        read = read_value(self._attribute, value, self._attribute.name)
        if read and self._attribute.multi and self._attribute.subs:
            one_primary(read)
        return read if self._attribute.stored else None


class _ExtensionField(fields.Field[Any]):
    """All attributes of one extension."""

    def __init__(self, schema: SchemaDefinition) -> None:
        super().__init__(data_key=schema.urn)
        self._schema = schema

    def deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        return read_extension(self._schema, value)


def read_document(body: Mapping[str, Any], kind: ResourceType) -> dict[str, Any]:
    """The document in the body of a POST or PUT, without what only the server writes.

    Raises Refused invalidValue, naming the first attribute that is wrong or missing.
    """
    loaded: dict[str, Any] = _schema(kind).load(normalise(body, kind), partial=True)
    for place, extension in enumerate(kind.extensions):
        if part := loaded.pop(f"extension_{place}", None):
            loaded[extension.urn] = part
    return completed({name: value for name, value in loaded.items() if value is not None}, kind)


@lru_cache(maxsize=64)
def _schema(kind: ResourceType) -> Schema:
    parts: dict[str, fields.Field[Any]] = {
        one.name: _AttributeField(one)
        for one in kind.core.attributes
        if one.mutability != "readOnly" and one.name not in _ELSEWHERE
    }
    for place, extension in enumerate(kind.extensions):
        # marshmallow would take the dots of the URN for a path into dicts
        parts[f"extension_{place}"] = _ExtensionField(extension)
    return Schema.from_dict(parts)(unknown=EXCLUDE)
