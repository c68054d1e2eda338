"""The boundary: what a document must look like to be stored, as marshmallow schemas built once.

They come out of the definitions, so that what is checked is what GET /Schemas says. Behind them we pass
plain documents with canonical names; the dialects have been straightened out before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from scim_bridge.scim.definitions import COMMON, GROUPS, USERS, Attribute, ResourceType
from scim_bridge.scim.dialects import normalise
from scim_bridge.scim.patch import one_primary
from scim_bridge.scim.refusals import invalid_value

_SERVER_SIDE = ("id", "meta", "groups", "members", "password", "schemas")


def _fields(attributes: Iterable[Attribute]) -> dict[str, fields.Field[Any]]:
    return {one.name: _field(one) for one in attributes if one.name not in _SERVER_SIDE}


def _field(attribute: Attribute) -> fields.Field[Any]:
    if attribute.subs:
        nested = Schema.from_dict({sub.name: _field(sub) for sub in attribute.subs})(unknown=EXCLUDE)
        return fields.Nested(nested, many=attribute.multi)
    if attribute.kind == "boolean":
        return fields.Boolean(truthy={True}, falsy={False})
    return fields.String(required=attribute.required, validate=validate.Length(min=1) if attribute.required else None)


def _schema(kind: ResourceType) -> Schema:
    parts = _fields((*kind.core.attributes, COMMON["externalid"]))
    for extension in kind.extensions:
        nested = Schema.from_dict(_fields(extension.attributes))(unknown=EXCLUDE)
        # under its short name: marshmallow takes the dots of a URN for a path into dicts
        parts[extension.name] = fields.Nested(nested, data_key=extension.urn)
    return Schema.from_dict(parts)(unknown=EXCLUDE)


_SCHEMAS = {kind.name: _schema(kind) for kind in (USERS, GROUPS)}


def read_document(body: Mapping[str, Any], kind: ResourceType) -> dict[str, Any]:
    """The document in the body of a POST or PUT, without what only the server writes. Raises Refused.

    Of several elements that call themselves primary the first keeps it.
    """
    document = normalise(body, kind)
    for attribute in kind.core.attributes:
        if attribute.multi and isinstance(document.get(attribute.name), list):
            one_primary(document[attribute.name])
    return check_document(document, kind)


def check_document(document: Mapping[str, Any], kind: ResourceType) -> dict[str, Any]:
    """``document`` (canonical names) if every value has its type and nothing required is missing.

    Raises Refused invalidValue, naming the first attribute that is wrong. ``schemas`` is set to what the
    document really uses.
    """
    try:
        checked: dict[str, Any] = _SCHEMAS[kind.name].load(document)
    except ValidationError as error:
        raise invalid_value(_first(error.messages_dict)) from error
    used = [one for one in kind.extensions if one.name in checked]
    parts = {one.urn: checked.pop(one.name) for one in used}
    return {"schemas": [kind.core.urn, *parts], **checked, **parts}


def _first(messages: Any, path: str = "") -> str:
    while isinstance(messages, dict):
        key, messages = next(iter(messages.items()))
        path = f"{path}.{key}" if path else str(key)
    return f"{path}: {messages[0] if isinstance(messages, list) else messages}"
