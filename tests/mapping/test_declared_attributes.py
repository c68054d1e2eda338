"""Conditions and templates know the attributes that an operator declared, by their kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from mapping_kit import MAPPING, TODAY, person, user

from scim_bridge.filters import Traits
from scim_bridge.mapping.evaluate import evaluate
from scim_bridge.mapping.findings import MappingError
from scim_bridge.mapping.load import MappingSet
from scim_bridge.mapping.model import HubMapping
from scim_bridge.mapping.profile import profile_of
from scim_bridge.scim.extensions import load_traits, read_types
from scim_bridge.scim.traits import traits_of

Load = Callable[..., MappingSet]

URN = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
SCHEMAS = f"""\
{URN}:
  resource: User
  attributes:
    badge: {{type: string, caseExact: true}}
    floor: {{type: integer}}
    since: {{type: dateTime}}
"""


@pytest.fixture
def traits() -> Traits:
    return traits_of(read_types("schemas.yaml", SCHEMAS).users)


@pytest.fixture
def hub(load: Load, traits: Traits) -> Callable[..., HubMapping]:
    def build(where: str, more: str = "") -> HubMapping:
        text = MAPPING.format(scope="active eq true").replace("forge", "able")
        text += f"- {{name: a, where: '{where}', role: member}}\n{more}"
        return load(acme=text, traits=traits).hubs["acme"]

    return build


@pytest.mark.parametrize(
    ("where", "document", "gets"),
    [
        pytest.param(f'{URN}:badge eq "B7"', {URN: {"badge": "B7"}}, True, id="text"),
        pytest.param(f'{URN}:badge eq "b7"', {URN: {"badge": "B7"}}, False, id="case-counts-where-declared"),
        pytest.param(f"{URN}:floor gt 9", {URN: {"floor": 10}}, True, id="number"),
        pytest.param(f'{URN}:floor gt "9"', {URN: {"floor": 10}}, True, id="a-number-in-quotes-is-one"),
        pytest.param(
            f'{URN}:since lt "2026-01-01T00:00:00Z"', {URN: {"since": "2026-01-01T00:30:00+01:00"}}, True, id="moment"
        ),
        pytest.param('badge eq "B7"', {URN: {"badge": "B7"}}, True, id="without-urn-where-only-it-has-the-name"),
        pytest.param('department eq "r&d"', {ENTERPRISE: {"department": "R&D"}}, True, id="enterprise-without-urn"),
        pytest.param('title eq "lead"', {"title": "Lead"}, True, id="the-rfcs-own"),
        pytest.param('externalId eq "x"', {"externalId": "X"}, False, id="externalId-is-case-exact"),
    ],
)
def test_comparing(hub: Callable[..., HubMapping], where: str, document: dict[str, Any], gets: bool) -> None:
    assert (evaluate(hub(where), person(user(**document)), {}, TODAY).role == "member") is gets


@pytest.mark.parametrize(
    ("where", "finding"),
    [
        (f'{URN}:floor eq "x"', "the value for " + URN + ":floor has another type; write a number"),
        (f'{URN}:floor co "1"', "co compares text"),
        ("title eq 7", "the value for title has another type; write text in quotes"),
    ],
)
def test_what_no_value_can_meet_is_refused(hub: Callable[..., HubMapping], where: str, finding: str) -> None:
    with pytest.raises(MappingError) as caught:
        hub(where)
    assert finding in str(caught.value.findings[0])


@pytest.mark.parametrize(
    ("where", "doubt"),
    [
        (f'{URN}:bagde eq "B7"', f'users have no attribute {URN}:bagde; did you mean "badge"?'),
        ('urn:acme:none:User:x eq "B7"', "users have no attribute urn:acme:none:User:x; "),
        ('titel eq "x"', 'users have no attribute titel; did you mean "title"?'),
    ],
)
def test_what_nobody_has_is_doubted(load: Load, traits: Traits, where: str, doubt: str) -> None:
    text = MAPPING.format(scope="active eq true") + f"- {{name: a, where: '{where}', role: member}}\n"
    [found] = load(acme=text, traits=traits).warnings
    assert doubt in str(found)


def test_templates_read_them(hub: Callable[..., HubMapping]) -> None:
    mapping = hub("userName pr", f"profile: {{badge: '{{{URN}:badge|lower}}', boss: '{{manager.displayName}}'}}\n")
    who = person(user(**{URN: {"badge": "B7"}, ENTERPRISE: {"manager": {"displayName": "Kim"}}}))
    assert profile_of(mapping, who) == {"badge": "b7", "boss": "Kim"}


def test_a_template_of_what_nobody_has_is_refused(hub: Callable[..., HubMapping]) -> None:
    with pytest.raises(MappingError, match=r"`profile.x`: users have no attribute name\.givnName"):
        hub("userName pr", "profile: {x: '{name.givnName}'}\n")


def test_without_declarations_the_rfc_is_known() -> None:
    assert load_traits(None).resource == "User"
