"""What filters know of attributes comes out of the definitions, of declared extensions too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scim_bridge.filters import (
    CORE_TRAITS,
    AttributePath,
    InvalidFilter,
    Traits,
    check_types,
    matches,
    parse_filter,
    parse_path,
    value_of,
)
from scim_bridge.scim.definitions import ENTERPRISE, GROUPS, USERS, Attribute, SchemaDefinition
from scim_bridge.scim.traits import traits_of

ACME = "urn:example:params:scim:schemas:extension:acme:2.0:User"
KIND = replace(
    USERS,
    extensions=(
        *USERS.extensions,
        SchemaDefinition(
            ACME,
            "Acme",
            "",
            (
                Attribute("startsAt", "dateTime"),
                Attribute("level", "integer"),
                Attribute("ratio", "decimal"),
                Attribute("badge", case_exact=True),
                Attribute("skills", case_exact=True, multi=True),
                Attribute("key", returned="never"),
            ),
        ),
    ),
)


def _path(text: str) -> AttributePath:
    return parse_path(text).attribute


def _found(traits: Traits, text: str) -> list[str] | None:
    chain = traits.find(_path(text))
    return None if chain is None else [trait.name for trait in chain]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("USERNAME", ["userName"]),
        ("name.familyname", ["name", "familyName"]),
        ("meta.lastModified", ["meta", "lastModified"]),
        (f"{USERS.core.urn.upper()}:emails.VALUE", ["emails", "value"]),
        (f"{ENTERPRISE}:manager.value", [ENTERPRISE, "manager", "value"]),
        ("manager", [ENTERPRISE, "manager"]),
        ("manager.displayName", [ENTERPRISE, "manager", "displayName"]),
        (ENTERPRISE, [ENTERPRISE]),
        (f"{ACME}:startsat", [ACME, "startsAt"]),
        ("nothing", None),
        ("name.nothing", None),
        ("userName.value", None),
        (f"{ENTERPRISE}:nothing", None),
        (f"{ENTERPRISE}:userName", None),
        ("urn:unknown:2.0:User:title", None),
        (f"{ENTERPRISE}.value", None),
    ],
)
def test_names_are_found_in_any_case(text: str, names: list[str] | None) -> None:
    assert _found(traits_of(KIND), text) == names


def test_they_are_made_once_for_a_resource_type() -> None:
    assert traits_of(USERS) is traits_of(USERS)
    assert traits_of(USERS) is not traits_of(KIND)


def test_a_group_has_no_extension_of_users() -> None:
    assert _found(traits_of(GROUPS), "manager") is None
    assert _found(traits_of(GROUPS), "members.value") == ["members", "value"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("usrname", 'User has no attribute usrname; did you mean "userName"?'),
        ("emails.typ", 'User has no attribute emails.typ; did you mean "type"?'),
        ("userName.value", 'did you mean "userName"?'),
        (f"{ACME}:bagde", 'did you mean "badge"?'),
        (f"{ACME}x:badge", f'did you mean "{ACME}"?'),
        ("password", "password is sensitive and cannot be asked for"),
        (f"{ACME}:key", "is sensitive"),
    ],
)
def test_what_is_not_there_is_said_with_the_nearest_name(text: str, message: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        traits_of(KIND).get(_path(text))
    assert message in str(caught.value)


@pytest.mark.parametrize("kind", [USERS, GROUPS], ids=["User", "Group"])
def test_the_traits_that_are_known_without_schemas_are_those_of_the_schemas(kind: object) -> None:
    """Mapping conditions know no schemas; what CORE_TRAITS say must be what the definitions say."""
    assert isinstance(kind, type(USERS))
    traits = traits_of(kind)
    for one in (*traits.attributes.values(), *(sub for ext in traits.extensions.values() for sub in ext.subs.values())):
        for path in (one.name, *(f"{one.name}.{sub.name}" for sub in one.subs.values())):
            known = traits.find(_path(path))
            assert known is not None
            plain = CORE_TRAITS.find(_path(path))
            is_special = known[-1].case_exact or known[-1].kind in ("boolean", "dateTime", "binary", "reference")
            if plain is None:
                assert not is_special or path.endswith(".$ref"), path
            else:
                assert (plain[-1].name, plain[-1].kind, plain[-1].case_exact, plain[-1].multi) == (
                    known[-1].name,
                    known[-1].kind,
                    known[-1].case_exact,
                    known[-1].multi,
                )


RESOURCE = {
    "userName": "Ada",
    "emails": [{"value": "A@x.org", "type": "work", "primary": True}],
    ENTERPRISE: {"manager": {"value": "Boss"}},
    ACME: {"level": 7, "ratio": 2.5, "startsAt": "2026-01-01T01:00:00+01:00", "badge": "aB", "skills": ["Go", "sql"]},
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        (f'{ACME}:startsAt eq "2026-01-01T00:00Z"', True),
        (f'{ACME}:startsAt gt "yesterday"', False),
        (f'{ACME}:level eq "7" and {ACME}:ratio eq "2.5"', True),
        (f'{ACME}:level gt "six"', False),
        (f'{ACME}:badge eq "AB"', False),
        (f'{ACME}:badge eq "aB"', True),
        (f'{ACME}:skills eq "go"', False),
        (f'{ACME}:skills[value eq "Go"]', True),
        (f"{ACME} pr", True),
        ('manager eq "Boss"', True),
        ('manager eq "boss"', False),
        ('emails[primary eq "True" and value sw "a@"]', True),
        ('emails[primary eq "yes"]', False),
        ('userName eq "2026-01-01T00:00Z"', False),
        ("emails ne null and name eq null", True),
    ],
)
def test_memory_asks_the_schemas(text: str, holds: bool) -> None:
    assert matches(parse_filter(text), RESOURCE, traits_of(KIND)) is holds


@pytest.mark.parametrize(
    "text",
    [
        "active gt 1",
        'not (active co "t")',
        'emails[primary ge "a"]',
        'emails[type eq "work"].primary eq 7',
        'userName eq "a" and (title pr or emails.primary le 1)',
    ],
)
def test_types_are_checked_everywhere(text: str) -> None:
    with pytest.raises(InvalidFilter):
        check_types(parse_filter(text), traits_of(KIND))


@pytest.mark.parametrize(
    "text",
    [
        'active eq "True"',
        "active eq null or name eq null",
        "unknown gt 1",
        'unknown[a eq 1].b eq "x"',
        "emails[primary eq true]",
        '(title pr or a eq 1) and not (name eq "x")',
    ],
)
def test_what_may_be_compared_passes(text: str) -> None:
    check_types(parse_filter(text))


def test_a_complex_attribute_without_a_value_means_nothing_alone() -> None:
    traits = traits_of(USERS)
    assert value_of(traits.get(_path("addresses"))) is None
    assert [trait.name for trait in value_of(traits.get(_path("emails"))) or ()] == ["emails", "value"]
