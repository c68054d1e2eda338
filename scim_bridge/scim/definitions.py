"""The attributes of User, Group and the Enterprise extension (RFC 7643 sections 4 and 8.7), as data. Pure.

Elements of ``roles`` and ``entitlements`` take any text: the RFC's empty list of canonical values must not
be read as "no value allowed". ``externalId`` is listed with User and Group, as RFC 7643 section 3.1 allows:
Entra ID looks for every attribute that it maps in GET /Schemas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scim_bridge.scim.model import Attribute, ResourceType, SchemaDefinition

__all__ = [
    "COMMON",
    "ENTERPRISE",
    "ENTRA_GROUP",
    "GROUP",
    "GROUPS",
    "USER",
    "USERS",
    "Attribute",
    "ResourceType",
    "ResourceTypes",
    "SchemaDefinition",
]

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ENTRA_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"


def _plural(
    name: str, description: str, *types: str, value: Attribute | None = None, takes_text: bool = False
) -> Attribute:
    subs = (
        value or Attribute("value", description="The value itself."),
        Attribute("display", description="A name for people to read."),
        Attribute("type", description="What the value is used for.", canonical=types),
        Attribute("primary", "boolean", "Whether this is the preferred value; true for one at most."),
    )
    return Attribute(name, "complex", description, multi=True, subs=subs, takes_text=takes_text)


_EXTERNAL_ID = Attribute("externalId", description="The client's own id of the resource.", case_exact=True)


_NAME = Attribute(
    "name",
    "complex",
    "The parts of the user's name.",
    subs=tuple(
        Attribute(part, description=text)
        for part, text in (
            ("formatted", "The full name, for display."),
            ("familyName", "The family name."),
            ("givenName", "The given name."),
            ("middleName", "The middle names."),
            ("honorificPrefix", "The title before the name."),
            ("honorificSuffix", "The title after the name."),
        )
    ),
)
_ADDRESSES = Attribute(
    "addresses",
    "complex",
    "Postal addresses.",
    multi=True,
    subs=(
        Attribute("formatted", description="The whole address, for display; may hold line breaks."),
        Attribute("streetAddress", description="Street and number."),
        Attribute("locality", description="The city."),
        Attribute("region", description="The state or region."),
        Attribute("postalCode", description="The postal code."),
        Attribute("country", description="The country, ISO 3166-1 alpha 2."),
        Attribute("type", description="What the address is used for.", canonical=("work", "home", "other")),
        Attribute("primary", "boolean", "Whether this is the preferred address; true for one at most."),
    ),
)
_GROUPS = Attribute(
    "groups",
    "complex",
    "The groups that the user is directly in; changed through the groups.",
    multi=True,
    mutability="readOnly",
    subs=(
        Attribute("value", description="The group's id.", mutability="readOnly", case_exact=True),
        Attribute(
            "$ref", "reference", "The group's address.", mutability="readOnly", references=("Group",), case_exact=True
        ),
        Attribute("display", description="The group's name.", mutability="readOnly"),
        Attribute("type", description="How the user is in it.", mutability="readOnly", canonical=("direct",)),
    ),
)

USER_SCHEMA = SchemaDefinition(
    USER,
    "User",
    "User Account",
    (
        _EXTERNAL_ID,
        Attribute("userName", description="The name to sign in with.", required=True, uniqueness="server"),
        _NAME,
        Attribute("displayName", description="The name for display."),
        Attribute("nickName", description="The casual name."),
        Attribute("profileUrl", "reference", "A page about the user.", references=("external",), case_exact=True),
        Attribute("title", description="The title, such as Vice President."),
        Attribute("userType", description="The relation to the organization, such as Contractor."),
        Attribute("preferredLanguage", description="The preferred language, as in Accept-Language."),
        Attribute("locale", description="The locale for dates, numbers and money, such as en-US."),
        Attribute("timezone", description="The time zone, such as Europe/Berlin."),
        Attribute("active", "boolean", "Whether the user is active."),
        Attribute(
            "password",
            description="Accepted, never stored and never returned.",
            mutability="writeOnly",
            returned="never",
            stored=False,
        ),
        _plural("emails", "E-mail addresses.", "work", "home", "other"),
        _plural("phoneNumbers", "Phone numbers, as sent.", "work", "home", "mobile", "fax", "pager", "other"),
        _plural("ims", "Instant messaging addresses."),
        _plural(
            "photos",
            "Pictures of the user.",
            "photo",
            "thumbnail",
            value=Attribute("value", "reference", "The picture's address.", references=("external",), case_exact=True),
        ),
        _ADDRESSES,
        _GROUPS,
        _plural("entitlements", "Things that the user is entitled to."),
        _plural("roles", "Roles of the user.", takes_text=True),
        _plural(
            "x509Certificates",
            "Certificates.",
            value=Attribute("value", "binary", "DER, base64.", case_exact=True),
        ),
    ),
)

ENTERPRISE_SCHEMA = SchemaDefinition(
    ENTERPRISE,
    "EnterpriseUser",
    "Enterprise User",
    (
        Attribute("employeeNumber", description="The number of the employee."),
        Attribute("costCenter", description="The cost center."),
        Attribute("organization", description="The organization."),
        Attribute("division", description="The division."),
        Attribute("department", description="The department."),
        Attribute(
            "manager",
            "complex",
            "The user's manager, who need not be known here.",
            takes_text=True,
            subs=(
                Attribute("value", description="The manager's id, as sent.", case_exact=True),
                Attribute("$ref", "reference", "The manager's address.", references=("User",), case_exact=True),
                Attribute("displayName", description="The manager's name.", mutability="readOnly"),
            ),
        ),
    ),
)

GROUP_SCHEMA = SchemaDefinition(
    GROUP,
    "Group",
    "Group",
    (
        _EXTERNAL_ID,
        Attribute("displayName", description="The group's name.", required=True),
        Attribute(
            "members",
            "complex",
            "Users and groups in the group; an id that is not known yet is kept without $ref.",
            multi=True,
            subs=(
                Attribute("value", description="The member's id.", mutability="immutable", case_exact=True),
                Attribute(
                    "$ref",
                    "reference",
                    "The member's address.",
                    mutability="immutable",
                    references=("User", "Group"),
                    case_exact=True,
                ),
                Attribute("type", description="What it is.", mutability="immutable", canonical=("User", "Group")),
            ),
        ),
    ),
)

_META = Attribute(
    "meta",
    "complex",
    "About the resource.",
    mutability="readOnly",
    subs=(
        Attribute("resourceType", mutability="readOnly", case_exact=True),
        Attribute("created", "dateTime", mutability="readOnly"),
        Attribute("lastModified", "dateTime", mutability="readOnly"),
        Attribute("location", "reference", mutability="readOnly", case_exact=True),
        Attribute("version", mutability="readOnly", case_exact=True),
    ),
)
COMMON: Mapping[str, Attribute] = {
    "id": Attribute("id", mutability="readOnly", returned="always", case_exact=True, uniqueness="global"),
    "externalid": _EXTERNAL_ID,
    "schemas": Attribute("schemas", multi=True, returned="always", required=True),
    "meta": _META,
}
"""Attributes of every resource (RFC 7643 section 3.1), by folded name."""

_COMMON = tuple(COMMON.values())
USERS = ResourceType("User", "/Users", USER_SCHEMA, (ENTERPRISE_SCHEMA,), common=_COMMON)
GROUPS = ResourceType("Group", "/Groups", GROUP_SCHEMA, ignored_urns=(ENTRA_GROUP,), common=_COMMON)


@dataclass(frozen=True, slots=True)
class ResourceTypes:
    """The resource types of one application: as above, or with the operator's extensions."""

    users: ResourceType = USERS
    groups: ResourceType = GROUPS
