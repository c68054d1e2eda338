"""What this server is and can do (RFC 7644 section 4): exactly what holds, no more."""

from __future__ import annotations

from typing import Any

from scim_bridge.errors import NotFound
from scim_bridge.scim.answers import Answer
from scim_bridge.scim.auth import schemes
from scim_bridge.scim.definitions import GROUPS, USERS, Attribute, ResourceType, SchemaDefinition
from scim_bridge.scim.listing import MAX_COUNT, list_body
from scim_bridge.scim.problems import Problem
from scim_bridge.scim.service import Call

_CORE = "urn:ietf:params:scim:schemas:core:2.0"
_TYPES = (USERS, GROUPS)
_SCHEMAS = tuple(schema for kind in _TYPES for schema in (kind.core, *kind.extensions))


def service_provider_config(call: Call) -> Answer:
    """GET /ServiceProviderConfig."""
    _refuse_filter(call)
    return Answer(
        {
            "schemas": [f"{_CORE}:ServiceProviderConfig"],
            "patch": {"supported": True},
            "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
            "filter": {"supported": True, "maxResults": MAX_COUNT},
            "changePassword": {"supported": False},
            "sort": {"supported": False},
            "etag": {"supported": False},
            "authenticationSchemes": schemes(call.source),
            "meta": _meta(call, "ServiceProviderConfig", "/ServiceProviderConfig"),
        }
    )


def list_resource_types(call: Call) -> Answer:
    """GET /ResourceTypes."""
    _refuse_filter(call)
    return Answer(list_body([_resource_type(call, kind) for kind in _TYPES], total=len(_TYPES)))


def get_resource_type(call: Call, name: str) -> Answer:
    """GET /ResourceTypes/{name}."""
    for kind in _TYPES:
        if kind.name.lower() == name.lower():
            return Answer(_resource_type(call, kind))
    raise NotFound("there is no resource type of this name", advice="GET /ResourceTypes lists them")


def list_schemas(call: Call) -> Answer:
    """GET /Schemas."""
    _refuse_filter(call)
    return Answer(list_body([_schema(call, schema) for schema in _SCHEMAS], total=len(_SCHEMAS)))


def get_schema(call: Call, urn: str) -> Answer:
    """GET /Schemas/{urn}."""
    for schema in _SCHEMAS:
        if schema.urn.lower() == urn.lower():
            return Answer(_schema(call, schema))
    raise NotFound("there is no schema of this name", advice="GET /Schemas lists them")


def _refuse_filter(call: Call) -> None:
    if "filter" in call.query:
        raise Problem(403, "there is no filter here (RFC 7644 section 4)")


def _meta(call: Call, kind: str, endpoint: str) -> dict[str, str]:
    return {"resourceType": kind, "location": call.location(endpoint)}


def _resource_type(call: Call, kind: ResourceType) -> dict[str, Any]:
    return {
        "schemas": [f"{_CORE}:ResourceType"],
        "id": kind.name,
        "name": kind.name,
        "description": kind.core.description,
        "endpoint": kind.endpoint,
        "schema": kind.core.urn,
        "schemaExtensions": [{"schema": one.urn, "required": False} for one in kind.extensions],
        "meta": _meta(call, "ResourceType", f"/ResourceTypes/{kind.name}"),
    }


def _schema(call: Call, schema: SchemaDefinition) -> dict[str, Any]:
    return {
        "schemas": [f"{_CORE}:Schema"],
        "id": schema.urn,
        "name": schema.name,
        "description": schema.description,
        "attributes": [_attribute(attribute) for attribute in schema.attributes],
        "meta": _meta(call, "Schema", f"/Schemas/{schema.urn}"),
    }


def _attribute(attribute: Attribute) -> dict[str, Any]:
    """One attribute as RFC 7643 section 7 writes it: no nulls, and only what applies to its type."""
    shown: dict[str, Any] = {
        "name": attribute.name,
        "type": attribute.kind,
        "multiValued": attribute.multi,
        "description": attribute.description,
        "required": attribute.required,
        "mutability": attribute.mutability,
        "returned": attribute.returned,
    }
    if attribute.kind != "complex":
        shown["uniqueness"] = attribute.uniqueness
    if attribute.kind in ("string", "reference", "binary"):
        shown["caseExact"] = attribute.case_exact
    if attribute.canonical:
        shown["canonicalValues"] = list(attribute.canonical)
    if attribute.references:
        shown["referenceTypes"] = list(attribute.references)
    if attribute.subs:
        shown["subAttributes"] = [_attribute(sub) for sub in attribute.subs]
    return shown
