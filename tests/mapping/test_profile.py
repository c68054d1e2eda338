"""What an account is told of its person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from mapping_kit import ENTRA, person, user

from scim_bridge.directory.snapshot import PersonFact
from scim_bridge.mapping.load import MappingSet
from scim_bridge.mapping.model import HubMapping
from scim_bridge.mapping.profile import paths_of, profile_of

GOOD = 'app: able\nconnect: {org: acme, token: "env:T"}\nroles: [member]\ngrants: []\n'
NAME = {"givenName": "Ada", "familyName": "Byron"}
MAILS = [{"value": "home@x.example", "type": "home"}, {"value": "Ada@Acme.example", "type": "work", "primary": True}]


@pytest.fixture
def told(load: Callable[..., MappingSet]) -> Callable[..., str | None]:
    def fill(template: str, who: PersonFact) -> str | None:
        hub: HubMapping = load(acme=GOOD + f"profile: {{x: '{template}'}}\n").hubs["acme"]
        return profile_of(hub, who).get("x")

    return fill


@pytest.mark.parametrize(
    ("template", "document", "text"),
    [
        pytest.param("{userName}", {}, "ana@acme.example", id="attribute"),
        pytest.param("{USERNAME}", {}, "ana@acme.example", id="names-ignore-case"),
        pytest.param("{name.givenName} {name.familyName}", {"name": NAME}, "Ada Byron", id="sub-attributes"),
        pytest.param("{name.givenName} {name.familyName}", {"name": {"givenName": "Ada"}}, "Ada", id="what-is-there"),
        pytest.param("{userName|upper}", {}, "ANA@ACME.EXAMPLE", id="upper"),
        pytest.param("{emails.value|lower}", {"emails": MAILS}, "ada@acme.example", id="the-primary-one"),
        pytest.param("{emails}", {"emails": MAILS}, "Ada@Acme.example", id="complex-by-its-value"),
        pytest.param("{emails.type}", {"emails": MAILS}, "work", id="the-primary-ones-part"),
        pytest.param("{emails.value}", {"emails": MAILS[:1]}, "home@x.example", id="the-first-where-none-is-primary"),
        pytest.param("{userName|local}", {}, "ana", id="local"),
        pytest.param("{userName|domain}", {}, "acme.example", id="domain"),
        pytest.param("{title|slug}", {"title": "Größe & Co"}, "große-co", id="slug"),
        pytest.param("{title|default:Staff}", {}, "Staff", id="default"),
        pytest.param("{title|default:Staff}", {"title": "Lead"}, "Lead", id="default-is-not-needed"),
        pytest.param("{title}", {}, None, id="nothing-is-not-told"),
        pytest.param("{title}", {"title": None}, None, id="null-is-nothing"),
        pytest.param("{name}", {"name": NAME}, None, id="parts-have-no-text"),
        pytest.param("{title.value}", {"title": "Lead"}, "Lead", id="a-plain-value-is-its-value"),
        pytest.param("{title.type}", {"title": "Lead"}, None, id="a-plain-value-has-no-parts"),
        pytest.param("{active}", {}, "true", id="truth"),
        pytest.param("{urn:acme:User:level}", {"urn:acme:User": {"level": 7}}, "7", id="number-of-an-extension"),
        pytest.param("Acme", {}, "Acme", id="text-alone"),
    ],
)
def test_templates(told: Callable[..., str | None], template: str, document: dict[str, Any], text: str | None) -> None:
    assert told(template, person(user(**document))) == text


@pytest.mark.parametrize(
    ("who", "text"),
    [
        pytest.param(person(user(title="One"), user(source=ENTRA, title="Two")), "One", id="the-first-user"),
        pytest.param(person(user(), user(source=ENTRA, title="Two")), "Two", id="what-the-first-leaves-out"),
        pytest.param(
            person(user(title="One", active=False), user(source=ENTRA, title="Two")), "Two", id="active-ones-only"
        ),
        pytest.param(person(user(title="One", active=False)), "One", id="a-leaver-as-they-were"),
        pytest.param(person(), None, id="nobody"),
    ],
)
def test_a_person_of_several_users(told: Callable[..., str | None], who: PersonFact, text: str | None) -> None:
    assert told("{title}", who) == text


def test_the_attributes_a_template_reads() -> None:
    assert [str(path) for path in paths_of("{title} {name.givenName|lower} {title}")] == ["name.givenName", "title"]
