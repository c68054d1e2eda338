"""What this server is and can do (RFC 7644 section 4): exactly what holds, no more."""

from __future__ import annotations

from typing import Any

from scim_bridge.errors import NotFound
from scim_bridge.scim.answers import Answer
from scim_bridge.scim.auth import schemes
from scim_bridge.scim.list_request import DEFAULT_COUNT, MAX_COUNT
from scim_bridge.scim.listed import list_body
from scim_bridge.scim.model import Attribute, ResourceType, SchemaDefinition
from scim_bridge.scim.problems import Problem
from scim_bridge.scim.service import Call
from scim_bridge.scim.service_schemas import RESOURCE_TYPE, SCHEMA, SERVICE_PROVIDER_CONFIG, SERVICE_SCHEMAS


def features(call: Call) -> dict[str, Any]:
    """What this server does and does not, with its limits: the one place to say so."""
    return {
        "patch": {"supported": True},
        "bulk": {
            "supported": True,
            "maxOperations": call.service.max_bulk_operations,
            "maxPayloadSize": call.service.max_bulk_bytes,
        },
        "filter": {"supported": True, "maxResults": MAX_COUNT},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": DEFAULT_COUNT,
            "maxPageSize": MAX_COUNT,
        },
    }


def service_provider_config(call: Call) -> Answer:
    """GET /ServiceProviderConfig."""
    _refuse_filter(call)
    return Answer(
        {
            "schemas": [SERVICE_PROVIDER_CONFIG],
            **features(call),
            "authenticationSchemes": schemes(call.source),
            "meta": _meta(call, "ServiceProviderConfig", "/ServiceProviderConfig"),
        }
    )


def list_resource_types(call: Call) -> Answer:
    """GET /ResourceTypes."""
    _refuse_filter(call)
    kinds = [_resource_type(call, kind) for kind in call.types]
    return Answer(list_body(kinds, total=len(kinds)))


def get_resource_type(call: Call, name: str) -> Answer:
    """GET /ResourceTypes/{name}."""
    for kind in call.types:
        if kind.name.lower() == name.lower():
            return Answer(_resource_type(call, kind))
    raise NotFound("there is no resource type of this name", advice="GET /ResourceTypes lists them")


def list_schemas(call: Call) -> Answer:
    """GET /Schemas."""
    _refuse_filter(call)
    schemas = [_schema(call, schema) for schema in _schemas(call)]
    return Answer(list_body(schemas, total=len(schemas)))


def get_schema(call: Call, urn: str) -> Answer:
    """GET /Schemas/{urn}."""
    for schema in _schemas(call):
        if schema.urn.lower() == urn.lower():
            return Answer(_schema(call, schema))
    raise NotFound("there is no schema of this name", advice="GET /Schemas lists them")


def _schemas(call: Call) -> list[SchemaDefinition]:
    return [*(schema for kind in call.types for schema in kind.schemas), *SERVICE_SCHEMAS]


def _refuse_filter(call: Call) -> None:
    if "filter" in call.query:
        raise Problem(403, "there is no filter here (RFC 7644 section 4)")


def _meta(call: Call, kind: str, endpoint: str) -> dict[str, str]:
    return {"resourceType": kind, "location": call.location(endpoint)}


def _resource_type(call: Call, kind: ResourceType) -> dict[str, Any]:
    return {
        "schemas": [RESOURCE_TYPE],
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
        "schemas": [SCHEMA],
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
