"""One mapping file to one ``HubMapping``, with everything that is wrong with it. Pure.

The parts are checked apart (``check_*``), here they come together: which keys there are, which are required,
and what only shows when all are read.
"""

from __future__ import annotations

import re
from typing import Final

from scim_bridge.contract.protocol import Abilities, Adapter
from scim_bridge.contract.registry import Registry
from scim_bridge.errors import BridgeError
from scim_bridge.mapping.check_conditions import read_condition
from scim_bridge.mapping.check_connect import read_connect
from scim_bridge.mapping.check_grants import read_catalogue, read_grants
from scim_bridge.mapping.check_safety import (
    read_check,
    read_leave,
    read_limits,
    read_login,
    read_match,
    read_safety,
)
from scim_bridge.mapping.findings import Finding
from scim_bridge.mapping.model import HubMapping, Place
from scim_bridge.mapping.nodes import Node, Table, parse_nodes
from scim_bridge.mapping.reader import Reader

_REQUIRED: Final = ("app", "roles", "grants")
_KEYS: Final = (
    *_REQUIRED,
    "connect",
    "limits",
    "scope",
    "asset_roles",
    "match",
    "leave",
    "safety",
    "login",
    "check",
)
_LATER: Final = ("profile", "environments", "tests")
_HUB_ID: Final = re.compile(r"[a-z0-9]+([-_.][a-z0-9]+)*")
_LONGEST_ID: Final = 100
_CHECK_S: Final = 86_400
SUFFIXES: Final = (".yaml", ".yml")


def hub_id_of(file: str) -> str:
    """``mappings/github-acme.yaml`` is hub ``github-acme``."""
    name = file.replace("\\", "/").rpartition("/")[2]
    return next((name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)), name)


def check_hub(file: str, text: str, registry: Registry) -> tuple[HubMapping | None, list[Finding]]:
    """Read one file. The mapping is None where any finding is an error."""
    reader = Reader()
    start = Place(file, 1, 1)
    hub_id = hub_id_of(file)
    if len(hub_id) > _LONGEST_ID or not _HUB_ID.fullmatch(hub_id):
        reader.error(
            start,
            f"the file's name is the hub's id, and \"{hub_id}\" is none",
            f"rename it: lower-case letters and digits with - _ . between, at most {_LONGEST_ID}",
        )
    node = parse_nodes(file, text)
    if isinstance(node, Finding):
        return None, [*reader.findings, node]
    if not isinstance(node, Table):
        reader.error(start, "this file is no mapping", f"it needs {', '.join(_REQUIRED)}")
        return None, reader.findings
    hub = _read_hub(reader, hub_id, start, node, registry)
    if any(finding.level == "error" for finding in reader.findings):
        return None, reader.findings
    return hub, reader.findings


def _read_hub(reader: Reader, hub_id: str, start: Place, node: Table, registry: Registry) -> HubMapping:
    given = reader.fields(node, "mapping", _KEYS, _LATER)
    for key in _REQUIRED:
        if key not in given:
            reader.error(start, f"`{key}` is missing", f"every mapping needs {', '.join(_REQUIRED)}")
    app = (reader.text(given["app"], "app") if "app" in given else None) or ""
    adapter = _find_adapter(reader, given["app"], app, registry) if app else None
    abilities: Abilities | None = adapter.abilities if adapter else None
    catalogue = read_catalogue(reader, given.get("roles"), given.get("asset_roles"), abilities)
    connect = read_connect(reader, given.get("connect"), start, abilities)
    lost_access, disabled = read_leave(reader, given.get("leave"), abilities)
    check_s = read_check(reader, given.get("check"))
    read_login(reader, given.get("login"))
    types = abilities.asset_types if abilities else {}
    return HubMapping(
        hub_id=hub_id,
        app=app,
        tenant=_find_tenant(reader, node, given.get("connect"), adapter, connect),
        connect=connect,
        roles=catalogue.roles,
        asset_roles=catalogue.asset_roles,
        exclusive_types=frozenset(name for name, kind in types.items() if kind.exclusive),
        grants=read_grants(reader, given["grants"], catalogue) if "grants" in given else (),
        place=start,
        limits=read_limits(reader, given.get("limits"), abilities),
        scope=read_condition(reader, given["scope"], "scope") if "scope" in given else None,
        match=read_match(reader, given.get("match")),
        lost_access=lost_access,
        disabled=disabled,
        safety=read_safety(reader, given.get("safety"), catalogue),
        check_s=_CHECK_S if check_s is None else check_s,
    )


def _find_adapter(reader: Reader, node: Node, app: str, registry: Registry) -> type[Adapter] | None:
    try:
        return registry.adapter(app)
    except BridgeError as error:
        reader.error(node.place, error.message, error.advice)
        return None


def _find_tenant(
    reader: Reader, start_node: Node, node: Node | None, adapter: type[Adapter] | None, connect: dict[str, str]
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
