"""One mapping file to one ``HubMapping``, with everything that is wrong with it. Pure.

The parts are checked apart (``check_*``), here they come together: which keys there are, which are required,
and what only shows when all are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

from scim_bridge.contract.protocol import Abilities, Adapter
from scim_bridge.contract.registry import Registry
from scim_bridge.errors import BridgeError
from scim_bridge.filters import CORE_TRAITS, Traits
from scim_bridge.mapping.check_catalogue import Catalogue, read_catalogue
from scim_bridge.mapping.check_conditions import read_condition
from scim_bridge.mapping.check_connect import read_connect, read_fallback
from scim_bridge.mapping.check_environments import merge, read_environments
from scim_bridge.mapping.check_grants import read_grants
from scim_bridge.mapping.check_match import read_match
from scim_bridge.mapping.check_profile import read_profile
from scim_bridge.mapping.check_running import read_check, read_limits, read_login
from scim_bridge.mapping.check_safety import read_leave, read_safety
from scim_bridge.mapping.check_tests import read_tests
from scim_bridge.mapping.findings import Finding
from scim_bridge.mapping.model import HubMapping, Place, printable
from scim_bridge.mapping.nodes import Node, Table, parse_nodes
from scim_bridge.mapping.reader import Reader

_REQUIRED: Final = ("app", "roles", "grants")
_KEYS: Final = (
    *_REQUIRED,
    "connect",
    "limits",
    "scope",
    "asset_roles",
    "profile",
    "match",
    "leave",
    "safety",
    "login",
    "check",
    "environments",
    "tests",
)
_HUB_ID: Final = re.compile(r"[a-z0-9]+([-_.][a-z0-9]+)*")
_LONGEST_ID: Final = 100
_CHECK_S: Final = 86_400
SUFFIXES: Final = (".yaml", ".yml")


def hub_id_of(file: str) -> str:
    """``mappings/github-acme.yaml`` is hub ``github-acme``."""
    name = file.replace("\\", "/").rpartition("/")[2]
    return next((name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)), name)


def check_hub(
    file: str,
    text: str,
    registry: Registry,
    *,
    environment: str = "",
    today: date | None = None,
    traits: Traits = CORE_TRAITS,
) -> tuple[HubMapping | None, list[Finding]]:
    """Read one file as it is in ``environment``; faults of the others are told as well.

    ``today`` (UTC): earlier dates draw a warning; None: they do not. ``traits``: the attributes of users. The mapping
    is None where any finding is an error.
    """
    reader = Reader(traits=traits, today=today)
    start = Place(file, 1, 1)
    hub_id = hub_id_of(file)
    if len(hub_id) > _LONGEST_ID or not _HUB_ID.fullmatch(hub_id):
        reader.error(
            start,
            f"the file's name is the hub's id, and \"{printable(hub_id)}\" is none",
            f"rename it: lower-case letters and digits with - _ . between, at most {_LONGEST_ID}",
        )
    node = parse_nodes(file, text)
    if isinstance(node, Finding):
        return None, [*reader.findings, node]
    if not isinstance(node, Table):
        reader.error(start, "this file is no mapping", f"it needs {', '.join(_REQUIRED)}")
        return None, reader.findings
    hub = _read_hub(reader, hub_id, start, node, registry, environment)
    if any(finding.level == "error" for finding in reader.findings):
        return None, reader.findings
    return hub, reader.findings


def _read_hub(
    reader: Reader, hub_id: str, start: Place, node: Table, registry: Registry, environment: str
) -> HubMapping:
    given = reader.fields(node, "mapping", _KEYS)
    for key in _REQUIRED:
        if key not in given:
            reader.error(start, f"`{key}` is missing", f"every mapping needs {', '.join(_REQUIRED)}")
    app = (reader.text(given["app"], "app") if "app" in given else None) or ""
    adapter = _find_adapter(reader, given["app"], app, registry) if app else None
    abilities: Abilities | None = adapter.abilities if adapter else None
    environments = read_environments(reader, given.get("environments"), _KEYS)
    here = merge(given, environments.get(environment, {}), abilities)
    is_manual = read_fallback(reader, here.get("connect"), abilities)
    catalogue = read_catalogue(
        reader, given.get("roles"), given.get("asset_roles"), abilities, is_manual_fallback=is_manual
    )
    running = _read_running(reader, here, start, catalogue)
    elsewhere = (merge(given, changes, abilities) for name, changes in environments.items() if name != environment)
    _check_elsewhere(reader, elsewhere, start, catalogue)
    lost_access, disabled = read_leave(reader, given.get("leave"), catalogue)
    grants = read_grants(reader, given["grants"], catalogue) if "grants" in given else ()
    types = abilities.asset_types if abilities else {}
    hub = HubMapping(
        hub_id=hub_id,
        app=app,
        tenant="",
        roles=catalogue.roles,
        asset_roles=catalogue.asset_roles,
        exclusive_types=frozenset(name for name, kind in types.items() if kind.exclusive),
        grants=grants,
        place=start,
        scope=read_condition(reader, given["scope"], "scope") if "scope" in given else None,
        match=read_match(reader, given.get("match")),
        lost_access=lost_access,
        disabled=disabled,
        profile=read_profile(reader, given.get("profile"), catalogue),
        is_manual_fallback=is_manual,
        tests=read_tests(reader, given.get("tests"), grants, catalogue),
        traits=reader.traits,
        **running,
    )
    return replace(hub, tenant=_find_tenant(reader, node, here.get("connect"), adapter, hub.connect))


def _read_running(reader: Reader, given: Mapping[str, Node], start: Place, catalogue: Catalogue) -> dict[str, Any]:
    """The keys that an environment may change, as ``HubMapping`` takes them."""
    check_s = read_check(reader, given.get("check"))
    return {
        "connect": read_connect(reader, given.get("connect"), start, catalogue.abilities),
        "limits": read_limits(reader, given.get("limits"), catalogue.abilities),
        "login": read_login(reader, given.get("login")),
        "safety": read_safety(reader, given.get("safety"), catalogue),
        "check_s": _CHECK_S if check_s is None else check_s,
    }


def _check_elsewhere(
    reader: Reader, elsewhere: Iterable[Mapping[str, Node]], start: Place, catalogue: Catalogue
) -> None:
    """What is wrong in environments that are not this one; what is known of the file already is not told twice."""
    known = dict.fromkeys(reader.findings)
    for given in elsewhere:
        trial = Reader(traits=reader.traits, today=reader.today)
        is_manual = read_fallback(trial, given.get("connect"), catalogue.abilities)
        _read_running(trial, given, start, replace(catalogue, is_manual_fallback=is_manual))
        known |= dict.fromkeys(trial.findings)
    reader.findings = list(known)


def _find_adapter(reader: Reader, node: Node, app: str, registry: Registry) -> type[Adapter] | None:
    try:
        return registry.adapter(app)
    except BridgeError as error:
        reader.error(node.place, error.message, error.advice)
        return None


def _find_tenant(
    reader: Reader, start_node: Node, node: Node | None, adapter: type[Adapter] | None, connect: Mapping[str, str]
) -> str:
    """The tenant; asked for only where ``connect`` is right, since an adapter may count on that."""
    if adapter is None or any(finding.level == "error" for finding in reader.findings):
        return ""
    try:
        return adapter.tenant(connect)
    except BridgeError as error:
        reader.error((node or start_node).place, f"`connect`: {error.message}", error.advice)
    except Exception as error:  # it is somebody else's code: anything may come
        reader.error((node or start_node).place, f"`connect`: the adapter failed: {error!r}", "tell its author")
    return ""
