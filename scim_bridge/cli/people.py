"""PERSON on a command line: an id (``p42``), a userName or an e-mail address."""

from __future__ import annotations

from scim_bridge.db import Tx
from scim_bridge.directory.people import PersonView, find_people
from scim_bridge.errors import InvalidInput, NotFound


def the_person(tx: Tx, text: str) -> int:
    """The one person that ``text`` means. ``NotFound`` for none; several are ``InvalidInput`` with the list."""
    found = find_people(tx, text)
    if not found:
        raise NotFound(f'no person "{text}"', advice="name an id (p42), a userName or an e-mail address")
    if len(found) > 1:
        listed = ", ".join(describe(person) for person in found)
        raise InvalidInput(f'"{text}" is {len(found)} people: {listed}', advice="name one by the id")
    return found[0].id


def describe(person: PersonView) -> str:
    """``p42 (ana@acme.example, okta)``."""
    return f"p{person.id} ({', '.join((*person.user_names, *person.sources))})"
