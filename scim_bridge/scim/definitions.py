"""The attributes of User, Group and the Enterprise extension (RFC 7643 sections 4, 8.7), as data. Pure.

One table serves the validation at the boundary, PATCH paths, projection and GET /Schemas, so they cannot
tell different stories. Elements of ``roles`` and ``entitlements`` take any text: the RFC's empty list of
canonical values must not be read as "no value allowed".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ENTRA_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"

Kind = Literal["string", "boolean", "complex", "reference", "binary", "dateTime"]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute with its characteristics (RFC 7643 section 7)."""

    name: str
    kind: Kind = "string"
    description: str = ""
    multi: bool = False
    subs: tuple[Attribute, ...] = ()
    required: bool = False
    case_exact: bool = False
    mutability: Literal["readWrite", "readOnly", "immutable", "writeOnly"] = "readWrite"
    returned: Literal["always", "default", "never"] = "default"
    uniqueness: Literal["none", "server"] = "none"
    canonical: tuple[str, ...] = ()
    references: tuple[str, ...] = ()

    def sub(self, name: str) -> Attribute | None:
        """The sub-attribute of this name, in any case."""
        folded = name.lower()
        return next((sub for sub in self.subs if sub.name.lower() == folded), None)


@dataclass(frozen=True, slots=True)
class SchemaDefinition:
    """One schema: its URN, name and attributes."""

    urn: str
    name: str
    description: str
    attributes: tuple[Attribute, ...]

    def find(self, name: str) -> Attribute | None:
        """The attribute of this name, in any case."""
        folded = name.lower()
        return next((attribute for attribute in self.attributes if attribute.name.lower() == folded), None)


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A kind of resource: its core schema, extensions, and where it lives."""

    name: str
    endpoint: str
    core: SchemaDefinition
    extensions: tuple[SchemaDefinition, ...] = ()
    ignored_urns: tuple[str, ...] = ()  # schema names that a client may send and that mean nothing here

    def extension(self, urn: str) -> SchemaDefinition | None:
        """The extension of this URN, in any case."""
        return next((schema for schema in self.extensions if schema.urn.lower() == urn.lower()), None)


def _plural(name: str, description: str, *types: str, value: Attribute | None = None) -> Attribute:
    subs = (
        value or Attribute("value", description="The value itself."),
        Attribute("display", description="A name for people to read."),
        Attribute("type", description="What the value is used for.", canonical=types),
        Attribute("primary", "boolean", "Whether this is the preferred value; true for one at most."),
    )
    return Attribute(name, "complex", description, multi=True, subs=subs)


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
        _plural("roles", "Roles of the user."),
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
    "id": Attribute("id", mutability="readOnly", returned="always", case_exact=True, uniqueness="server"),
    "externalid": Attribute("externalId", case_exact=True),
    "schemas": Attribute("schemas", multi=True, returned="always", required=True),
    "meta": _META,
}
"""Attributes of every resource (RFC 7643 section 3.1), which no schema lists; by folded name."""

USERS = ResourceType("User", "/Users", USER_SCHEMA, (ENTERPRISE_SCHEMA,))
GROUPS = ResourceType("Group", "/Groups", GROUP_SCHEMA, ignored_urns=(ENTRA_GROUP,))
