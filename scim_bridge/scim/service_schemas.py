"""The schemas of what discovery itself answers (RFC 7643 sections 5, 6, 7 and 8.7.2), as data. Pure.

The RFC counts them among the schemas of a service. They are fixed and read-only, so they list what this
server says of itself.
"""

from __future__ import annotations

from typing import Any

from scim_bridge.scim.model import KINDS, Attribute, SchemaDefinition

CORE = "urn:ietf:params:scim:schemas:core:2.0"
SERVICE_PROVIDER_CONFIG = f"{CORE}:ServiceProviderConfig"
RESOURCE_TYPE = f"{CORE}:ResourceType"
SCHEMA = f"{CORE}:Schema"


_URI: dict[str, Any] = {"kind": "reference", "references": ("uri",), "case_exact": True}
_PAGE: dict[str, Any] = {"kind": "reference", "references": ("external",), "case_exact": True}


def _fixed(name: str, description: str, **more: Any) -> Attribute:
    return Attribute(name, description=description, mutability="readOnly", **more)


def _switch(name: str, description: str, *numbers: tuple[str, str]) -> Attribute:
    supported = _fixed("supported", "Whether the server does it.", kind="boolean", required=True)
    counts = (_fixed(number, text, kind="integer", required=True) for number, text in numbers)
    return _fixed(name, description, kind="complex", required=True, subs=(supported, *counts))


_SCHEMES = _fixed(
    "authenticationSchemes",
    "How clients prove who they are.",
    kind="complex",
    multi=True,
    required=True,
    subs=(
        _fixed("type", "The kind of the scheme.", required=True),
        _fixed("name", "Its common name.", required=True),
        _fixed("description", "What it is.", required=True),
        _fixed("specUri", "Its specification.", **_PAGE),
        _fixed("documentationUri", "How to use it here.", **_PAGE),
        _fixed("primary", "Whether it is the preferred one.", kind="boolean"),
    ),
)
_PAGINATION = _fixed(
    "pagination",
    "How lists are walked (RFC 9865).",
    kind="complex",
    subs=(
        _fixed("cursor", "Whether lists can be walked by a cursor.", kind="boolean", required=True),
        _fixed("index", "Whether lists can be walked by startIndex.", kind="boolean", required=True),
        _fixed("defaultPaginationMethod", "What a request gets that asks for neither.", canonical=("cursor", "index")),
        _fixed("defaultPageSize", "Resources on a page where count is not given.", kind="integer"),
        _fixed("maxPageSize", "Resources on a page at most.", kind="integer"),
        _fixed("cursorTimeout", "Seconds that a cursor holds at least.", kind="integer"),
    ),
)
_CHARACTERISTICS = (
    _fixed("name", "The attribute's name.", required=True, case_exact=True),
    _fixed("type", "The type of its value.", required=True, canonical=KINDS),
    _fixed("multiValued", "Whether it has several values.", kind="boolean", required=True),
    _fixed("description", "What it is for."),
    _fixed("required", "Whether it must have a value.", kind="boolean"),
    _fixed("canonicalValues", "Values that are suggested.", multi=True, case_exact=True),
    _fixed("caseExact", "Whether case counts in comparisons.", kind="boolean"),
    _fixed(
        "mutability",
        "Who may change it.",
        canonical=("readOnly", "readWrite", "immutable", "writeOnly"),
        case_exact=True,
    ),
    _fixed("returned", "When it is shown.", canonical=("always", "never", "default", "request"), case_exact=True),
    _fixed("uniqueness", "Where its value is unique.", canonical=("none", "server", "global"), case_exact=True),
    _fixed("referenceTypes", "What it may refer to.", multi=True, case_exact=True),
)
_ATTRIBUTES = _fixed(
    "attributes",
    "The attributes of the schema.",
    kind="complex",
    multi=True,
    required=True,
    subs=(
        *_CHARACTERISTICS,
        _fixed("subAttributes", "The parts of a complex value.", kind="complex", multi=True, subs=_CHARACTERISTICS),
    ),
)
_EXTENSIONS = _fixed(
    "schemaExtensions",
    "The extensions that resources may have.",
    kind="complex",
    multi=True,
    subs=(
        _fixed("schema", "The extension's URN.", required=True, **_URI),
        _fixed("required", "Whether every resource has it.", kind="boolean", required=True),
    ),
)

SERVICE_SCHEMAS = (
    SchemaDefinition(
        SERVICE_PROVIDER_CONFIG,
        "ServiceProviderConfig",
        "What the server can do.",
        (
            _fixed("documentationUri", "A page for people.", **_PAGE),
            _switch("patch", "Changes of parts of a resource."),
            _switch(
                "bulk",
                "Several operations in one request.",
                ("maxOperations", "Operations in one request at most."),
                ("maxPayloadSize", "Bytes of one request at most."),
            ),
            _switch("filter", "Filters on lists.", ("maxResults", "Resources in one answer at most.")),
            _switch("changePassword", "Changes of passwords."),
            _switch("sort", "Sorted lists."),
            _switch("etag", "Versions of resources."),
            _PAGINATION,
            _SCHEMES,
        ),
    ),
    SchemaDefinition(
        RESOURCE_TYPE,
        "ResourceType",
        "A kind of resource.",
        (
            _fixed("id", "The same as the name."),
            _fixed("name", "The kind's name.", required=True),
            _fixed("description", "What it is."),
            _fixed("endpoint", "Where it lives.", required=True, **_URI),
            _fixed("schema", "Its core schema.", required=True, **_URI),
            _EXTENSIONS,
        ),
    ),
    SchemaDefinition(
        SCHEMA,
        "Schema",
        "The attributes that a resource may have.",
        (
            _fixed("id", "The schema's URN.", required=True, case_exact=True),
            _fixed("name", "The schema's name."),
            _fixed("description", "What it describes."),
            _ATTRIBUTES,
        ),
    ),
)
