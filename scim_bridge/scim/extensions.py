"""Extension schemas that the operator declares in a YAML file (setting ``schemas``), read once at the start.

A wrong declaration stops the start: a misspelt attribute would be ignored in every push, and nobody would
hear of it. Every message names file, line and column, and the way out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args

from scim_bridge.errors import InvalidInput
from scim_bridge.filters import Traits
from scim_bridge.mapping.findings import Finding
from scim_bridge.mapping.nodes import Items, Node, Scalar, Table, parse_nodes
from scim_bridge.mapping.reader import Reader
from scim_bridge.scim.definitions import GROUPS, USERS, ResourceTypes
from scim_bridge.scim.model import KINDS, Attribute, ResourceType, Returned, SchemaDefinition
from scim_bridge.scim.service_schemas import SERVICE_SCHEMAS
from scim_bridge.scim.traits import traits_of

_URN: Final = re.compile(r"urn:[a-z0-9][a-z0-9-]{1,31}(:[A-Za-z0-9._-]+)+", re.IGNORECASE | re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)
_RESOURCES: Final = (USERS.name, GROUPS.name)
_SCHEMA_KEYS: Final = ("resource", "name", "description", "attributes")
_PART_KEYS: Final = (
    "type",
    "description",
    "required",
    "caseExact",
    "canonicalValues",
    "referenceTypes",
    "returned",
)
_KEYS: Final = (*_PART_KEYS, "multiValued", "mutability", "subAttributes")
_CASED: Final = ("string", "reference", "binary")
_MUTABILITIES: Final = ("readWrite", "immutable")


def load_types(path: Path | None) -> ResourceTypes:
    """The resource types with the extensions that the file at ``path`` declares; None: as the RFC has them.

    Raises InvalidInput for the first thing that is wrong, saying how many more there are.
    """
    if path is None:
        return ResourceTypes()
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InvalidInput(
            f"the setting schemas names {path}, which cannot be read: {error.strerror}",
            advice="name a YAML file, or leave the setting empty",
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8", advice="save it as UTF-8") from error
    return read_types(str(path), text)


def load_traits(path: Path | None) -> Traits:
    """What conditions in mappings may know of a user's attributes, those that the file at ``path`` declares included.

    Raises InvalidInput as ``load_types`` does.
    """
    return traits_of(load_types(path).users)


def never_shown(types: ResourceTypes) -> Iterator[tuple[str, str]]:
    """What extensions keep to themselves (``returned: never``): URN, and ``name`` or ``name.part``.

    Once more with an empty URN where a request may name it without.
    """
    for kind in (types.users, types.groups):
        for schema in kind.extensions:
            for one in schema.attributes:
                parts = [f"{one.name}.{sub.name}" for sub in one.subs if sub.returned == "never"]
                for path in [one.name] if one.returned == "never" else parts:
                    yield schema.urn, path
                    if kind.find(one.name) is None:
                        yield "", path


def read_types(file: str, text: str) -> ResourceTypes:
    """The same from text; ``file`` is what messages call it."""
    reader = Reader()
    node = parse_nodes(file, text)
    declared = _schemas(reader, node) if not isinstance(node, Finding) else []
    findings = [node] if isinstance(node, Finding) else reader.findings
    if findings:
        first, more = findings[0], len(findings) - 1
        raise InvalidInput(
            f"{first.place}: {first.message}" + (f" (and {more} more)" if more else ""), advice=first.advice
        )
    return ResourceTypes(_extended(USERS, declared), _extended(GROUPS, declared))


def _extended(kind: ResourceType, declared: Sequence[tuple[str, SchemaDefinition]]) -> ResourceType:
    own = tuple(schema for resource, schema in declared if resource == kind.name)
    return ResourceType(kind.name, kind.endpoint, kind.core, (*kind.extensions, *own), kind.ignored_urns, kind.common)


def _schemas(reader: Reader, node: Node) -> list[tuple[str, SchemaDefinition]]:
    if isinstance(node, Scalar) and node.kind == "nothing":
        return []
    found: list[tuple[str, SchemaDefinition]] = []
    known = {schema.urn.lower(): "the RFC's" for schema in (*USERS.schemas, *GROUPS.schemas, *SERVICE_SCHEMAS)}
    for key, value in reader.table(node, "schemas").values():
        if _check_urn(reader, key, known):
            known[key.text.lower()] = f"in line {key.place.line}"
            read = _schema(reader, key, value)
            if read is not None:
                found.append(read)
    return found


def _check_urn(reader: Reader, key: Scalar, known: Mapping[str, str]) -> bool:
    urn = key.text.lower()
    if not _URN.fullmatch(key.text):
        advice = "write urn:ietf:params:scim:schemas:extension:<name>:2.0:User"
        reader.error(key.place, f'"{key.text}" is no URN of a schema', advice)
        return False
    for other, where in known.items():
        if other == urn:
            reader.error(key.place, f'the schema "{key.text}" is there already, {where}', "give it another URN")
            return False
        if urn.startswith(f"{other}:") or other.startswith(f"{urn}:"):
            reader.error(
                key.place,
                f'"{key.text}" and "{other}" begin alike, so that a path could mean either',
                "give it another URN",
            )
            return False
    return True


def _schema(reader: Reader, key: Scalar, node: Node) -> tuple[str, SchemaDefinition] | None:
    given = reader.fields(node, key.text, _SCHEMA_KEYS)
    for needed in ("resource", "attributes"):
        if needed not in given:
            reader.error(key.place, f'the schema "{key.text}" has no `{needed}`', f"add `{needed}:` below it")
    if not {"resource", "attributes"} <= given.keys():
        return None
    resource = reader.word(given["resource"], "resource", _RESOURCES)
    name = reader.text(given["name"], "name") if "name" in given else key.text
    attributes = _attributes(reader, given["attributes"], "attributes", _KEYS)
    if resource is None or name is None:
        return None
    return resource, SchemaDefinition(key.text, name, _description(reader, given), attributes)


def _attributes(reader: Reader, node: Node, what: str, keys: Sequence[str]) -> tuple[Attribute, ...]:
    found: dict[str, Attribute] = {}
    entries = reader.table(node, what).values()
    if isinstance(node, Table) and not entries:
        reader.error(node.place, f"`{what}` is empty", "name at least one attribute")
    for key, value in entries:
        if not _NAME.fullmatch(key.text):
            advice = "use letters, digits, - and _, a letter first, 64 characters at most"
            reader.error(key.place, f'"{key.text}" is no name of an attribute', advice)
        elif key.text.lower() in found:
            reader.error(key.place, f'"{key.text}" is there already in another spelling', "names ignore case")
        else:
            found[key.text.lower()] = _attribute(reader, key, value, keys)
    return tuple(found.values())


def _attribute(reader: Reader, key: Scalar, node: Node, keys: Sequence[str]) -> Attribute:
    is_bare = isinstance(node, Scalar) and node.kind == "nothing"  # `badge:` is a plain text
    given = {} if is_bare else reader.fields(node, key.text, keys)
    kinds = KINDS if "subAttributes" in keys else tuple(kind for kind in KINDS if kind != "complex")
    kind = _word(reader, given, "type", kinds, "string")
    if kind is None:
        return Attribute(key.text)
    _check_fit(reader, key, given, kind)
    subs: tuple[Attribute, ...] = ()
    if "subAttributes" in given:
        subs = _attributes(reader, given["subAttributes"], "subAttributes", _PART_KEYS)
    return Attribute(
        key.text,
        kind,
        _description(reader, given),
        multi=_truth(reader, given, "multiValued"),
        subs=subs,
        required=_truth(reader, given, "required"),
        case_exact=_truth(reader, given, "caseExact", default=kind in ("reference", "binary")),
        mutability=_word(reader, given, "mutability", _MUTABILITIES, "readWrite"),
        returned=_word(reader, given, "returned", get_args(Returned), "default"),
        canonical=_texts(reader, given, "canonicalValues"),
        references=_texts(reader, given, "referenceTypes") or (("external",) if kind == "reference" else ()),
    )


def _check_fit(reader: Reader, key: Scalar, given: Mapping[str, Node], kind: str) -> None:
    """Refuse characteristics that mean nothing for the type."""
    for name, kinds in (
        ("caseExact", _CASED),
        ("canonicalValues", ("string",)),
        ("referenceTypes", ("reference",)),
        ("subAttributes", ("complex",)),
    ):
        if name in given and kind not in kinds:
            reader.error(given[name].place, f"`{name}` means nothing for the type {kind}", "remove it")
    if kind == "complex" and "subAttributes" not in given:
        reader.error(key.place, f"`{key.text}` is complex and has no `subAttributes`", "add them below it")


def _description(reader: Reader, given: Mapping[str, Node]) -> str:
    return (reader.text(given["description"], "description") or "") if "description" in given else ""


def _truth(reader: Reader, given: Mapping[str, Node], name: str, *, default: bool = False) -> bool:
    return bool(reader.truth(given[name], name)) if name in given else default


def _word(reader: Reader, given: Mapping[str, Node], name: str, known: Sequence[str], default: str) -> Any:
    return reader.word(given[name], name, known) if name in given else default


def _texts(reader: Reader, given: Mapping[str, Node], name: str) -> tuple[str, ...]:
    if name not in given:
        return ()
    node = given[name]
    if not isinstance(node, Items):
        reader.error(node.place, f"`{name}` must be a list", "write [one, two]")
        return ()
    return tuple(text for text, _ in reader.texts(node, name))
