"""What an account is told of its person: ``{name.givenName} {name.familyName}``, filled. Pure.

A person of several users is read from the active ones, each attribute from the first that has it: what a second
source leaves out must not blank what the first one knows. What comes out empty is not told at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from scim_bridge.directory.snapshot import PersonFact
from scim_bridge.errors import InvalidInput
from scim_bridge.filters import AttributePath, InvalidFilter, Traits, find_key, is_present, parse_path, values_at
from scim_bridge.mapping.model import HubMapping
from scim_bridge.mapping.patterns import Template, parse_template


def profile_of(hub: HubMapping, person: PersonFact) -> dict[str, str]:
    """Target attribute -> text, in the file's order."""
    users = [user for user in person.users if user.active] or list(person.users)
    documents = [{**user.document, "active": user.active} for user in users]
    told = {}
    for target, text in hub.profile.items():
        template = _template(text)
        values = {name: _read(documents, _path(name), hub.traits) for name in template.names}
        rendered = template.render(values).strip()
        if rendered:
            told[target] = rendered
    return told


def paths_of(text: str) -> tuple[AttributePath, ...]:
    """The attributes that a template reads. Raises ``InvalidInput`` naming what is wrong with it."""
    return tuple(_path(name) for name in sorted(_template(text).names))


@lru_cache(maxsize=1024)
def _template(text: str) -> Template:
    return parse_template(text, is_name=_is_attribute, what="attribute")


def _is_attribute(text: str) -> bool:
    try:
        _path(text)
    except InvalidInput:
        return False
    return True


@lru_cache(maxsize=1024)
def _path(text: str) -> AttributePath:
    path = parse_path(text)
    if path.where is not None:
        raise InvalidFilter(f"{text} chooses by a filter", advice="name an attribute")
    return path.attribute


def _read(documents: list[dict[str, Any]], path: AttributePath, traits: Traits) -> str:
    for document in documents:
        elements = values_at(document, AttributePath(path.urn, path.name), traits)
        for element in sorted(elements, key=_is_secondary):
            value = _part(element, path.sub or "value")
            if is_present(value) and not isinstance(value, Mapping | list):
                return str(value).lower() if isinstance(value, bool) else str(value)
    return ""


def _is_secondary(element: Any) -> bool:
    return not (isinstance(element, Mapping) and element.get("primary") is True)


def _part(element: Any, name: str) -> Any:
    if not isinstance(element, Mapping):
        return element if name == "value" else None
    key = find_key(element, name)
    return None if key is None else element[key]
