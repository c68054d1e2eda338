"""A company as the rules see it: people with documents and groups, and hubs with rules about them.

Made of numbers, so that it is the same each time. There are 200 groups and each person is in ten; each hub has 18
rules by group (14 names, 3 patterns, an id) and 2 by conditions.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from random import Random

from scim_bridge.contract import registry
from scim_bridge.directory.snapshot import GroupFact, PersonFact, UserFact
from scim_bridge.folding import name_key
from scim_bridge.mapping.load import MappingSet, load_set

TODAY = date(2027, 1, 1)
_GROUPS = 200
_OF_A_PERSON = 10
_TITLES = ("Engineer", "Lead", "Analyst", "Release Lead", "Director", "Assistant")
_DEPARTMENTS = ("R&D", "Sales", "Finance", "Support", "Legal")
_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_HEAD = """\
app: github
connect: {{org: org-{hub}, token: "env:BENCH_TOKEN"}}
roles: [admin, member]
asset_roles: {{team: [maintainer, member]}}
grants:
"""
_BY_CONDITION = f"""\
  - {{name: leads, where: 'title eq "Release Lead"', role: member, assets: {{team/release: maintainer}}}}
  - {{name: department, where: '{_ENTERPRISE}:department eq "R&D" and not (userType eq "Vendor")', role: member}}
"""


def hubs(count: int) -> MappingSet:
    """That many mappings, each about eighteen of the company's groups."""
    return load_set(
        {f"mappings/hub-{hub}.yaml": _mapping(hub) for hub in range(count)},
        registry=registry.load(),
        environment="production",
    )


def _mapping(hub: int) -> str:
    lines = [_HEAD.format(hub=hub)]
    for rule in range(18):
        number = (hub * 18 + rule) % _GROUPS
        if rule == 17:
            who = f"{{id: entra-{number}}}"
        elif rule >= 14:
            who = f'"Team {number}-{{word}}"'
        else:
            who = f"Team {number}-core"
        asset = '"team/{word}"' if 14 <= rule < 17 else f"team/t{number}"
        role = "admin" if rule == 0 else "member"
        lines.append(f"  - {{name: rule {rule}, group: {who}, role: {role}, assets: {{{asset}: member}}}}\n")
    return "".join((*lines, _BY_CONDITION))


def people(first: int, count: int) -> Iterator[PersonFact]:
    """People by their numbers; nothing of them is kept here."""
    groups = [
        GroupFact(n, f"group-{n}", f"entra-{n}", f"Team {n}-core", name_key(f"Team {n}-core")) for n in range(_GROUPS)
    ]
    for number in range(first, first + count):
        chance = Random(number)
        address = f"person{number}@acme.example"
        document = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", _ENTERPRISE],
            "userName": address,
            "externalId": f"00u{number}",
            "name": {"givenName": "Ada", "familyName": f"Byron {number}"},
            "displayName": f"Ada Byron {number}",
            "title": chance.choice(_TITLES),
            "userType": "Employee",
            "locale": "en-US",
            "emails": [{"value": address, "type": "work", "primary": True}],
            _ENTERPRISE: {"employeeNumber": str(number), "department": chance.choice(_DEPARTMENTS)},
        }
        mine = tuple(groups[n] for n in sorted(chance.sample(range(_GROUPS), _OF_A_PERSON)))
        yield PersonFact(number, (UserFact(number, 1, "okta", True, document, mine),))
