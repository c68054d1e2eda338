"""A folder of mapping files to one set, whole or not at all; every fault of every file is told at once.

One wrong file keeps the whole set out: half a set would take access away from people whose hub was only
misspelt. A set that was taken and is in force is another matter: after an upgrade it may hold what an adapter
refuses by now, and then its other hubs go on (``load_taken``).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

from scim_bridge.contract.registry import Registry
from scim_bridge.filters import CORE_TRAITS, Traits
from scim_bridge.mapping.check import SUFFIXES, check_hub, hub_id_of
from scim_bridge.mapping.findings import Finding, MappingError, in_order
from scim_bridge.mapping.model import HubMapping, Place
from scim_bridge.mapping.nodes import MAX_BYTES

_READ_AT_MOST = MAX_BYTES + 16  # enough to see that it is too large, with a mark of the encoding before it

_Check = Callable[[str, str], tuple[HubMapping | None, list[Finding]]]


@dataclass(frozen=True, slots=True)
class MappingSet:
    """Every hub by its id, and what the operator should look at though it is taken.

    ``refused``: hubs of a set in force whose file is not valid any more, each with the errors.
    """

    hubs: Mapping[str, HubMapping]
    warnings: tuple[Finding, ...] = ()
    refused: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)

    @property
    def ignores(self) -> Mapping[str, tuple[str, ...]]:
        """`safety.ignore` of each hub that has any."""
        return {hub_id: hub.safety.ignore for hub_id, hub in self.hubs.items() if hub.safety.ignore}


def load_set(
    files: Mapping[str, str],
    *,
    registry: Registry,
    environment: str,
    today: date | None = None,
    traits: Traits = CORE_TRAITS,
) -> MappingSet:
    """Read and check ``files`` (name as the operator knows it -> text).

    ``environment`` is the setting of that name. ``today`` (UTC) makes earlier dates draw a warning; None: a set that
    was taken once is not doubted again. ``traits`` are the attributes of users. Raises ``MappingError`` with every
    finding if any is an error.
    """
    check = partial(check_hub, registry=registry, environment=environment, today=today, traits=traits)
    return _whole(*_check_all(files, check))


def load_taken(
    files: Mapping[str, str], *, registry: Registry, environment: str, traits: Traits = CORE_TRAITS
) -> MappingSet:
    """Read ``files`` that were valid when they were taken: hubs of which that is not true any more are left out.

    They are in ``refused``, together with any other hub that would be the same tenant. Raises nothing.
    """
    check = partial(check_hub, registry=registry, environment=environment, today=None, traits=traits)
    hubs, findings = _check_all(files, check)
    refused: dict[str, tuple[Finding, ...]] = {}
    for finding in in_order(findings):
        if finding.level == "error":
            for hub_id in _concerned(hubs, hub_id_of(finding.place.file)):
                refused[hub_id] = (*refused.get(hub_id, ()), finding)
    good = {hub_id: hub for hub_id, hub in hubs.items() if hub_id not in refused}
    return MappingSet(good, refused=refused)


def _concerned(hubs: Mapping[str, HubMapping], hub_id: str) -> list[str]:
    """The hub, and those that are its tenant, too: which of them is right is not for us to say."""
    if hub_id not in hubs:
        return [hub_id]
    tenant = hubs[hub_id].app, hubs[hub_id].tenant
    return [name for name, hub in hubs.items() if (hub.app, hub.tenant) == tenant]


def _whole(hubs: Mapping[str, HubMapping], findings: Sequence[Finding]) -> MappingSet:
    if any(finding.level == "error" for finding in findings):
        raise MappingError(findings)
    return MappingSet(hubs, tuple(in_order(findings)))


def read_folder(path: Path) -> dict[str, str]:
    """The mapping files directly in ``path``, named ``mappings/github-acme.yaml``.

    Raises ``MappingError`` where the folder or a file in it cannot be read: a folder that vanished must not
    look like one without hubs.
    """
    files, findings = _read_files(path)
    if findings:
        raise MappingError(findings)
    return files


def load_paths(
    paths: Sequence[Path],
    *,
    registry: Registry,
    environment: str,
    today: date | None = None,
    traits: Traits = CORE_TRAITS,
) -> MappingSet:
    """Mapping files and folders of them as one set: what cannot be read is told beside all other findings.

    Files are named as ``paths`` were given, so that a finding can be opened from where it is read. Raises
    ``MappingError`` with every finding if any is an error.
    """
    files: dict[str, str] = {}
    unreadable: list[Finding] = []
    for path in paths:
        if path.is_dir() or not (path.exists() or path.suffix in SUFFIXES):
            found, faults = _read_files(path, shown=path)
        else:
            found, faults = _read_one(path, str(path))
        files |= _not_yet(files, found)
        unreadable += faults
    check = partial(check_hub, registry=registry, environment=environment, today=today, traits=traits)
    hubs, findings = _check_all(files, check) if files or not unreadable else ({}, [])
    return _whole(hubs, [*unreadable, *findings])


def _not_yet(files: Mapping[str, str], found: dict[str, str]) -> dict[str, str]:
    """Without those of ``found`` that are among ``files`` under another name, such as a folder's and its own."""
    known = {os.path.realpath(name) for name in files}
    return {name: text for name, text in found.items() if os.path.realpath(name) not in known}


def mapping_files(path: Path) -> list[os.DirEntry[str]]:
    """What is called like a mapping directly in the folder; hidden ones (of editors, of Kubernetes) are left out.

    A folder or a broken link of that name is there, too: it may stand where a hub's file was.
    """
    with os.scandir(path) as entries:
        found = [entry for entry in entries if is_mapping_name(entry.name)]
    return sorted(found, key=lambda entry: entry.name)


def is_mapping_name(name: str) -> bool:
    """Whether a file of this name is a mapping; ``ACME.YAML`` is to be told so, not passed over."""
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def _read_files(path: Path, *, shown: Path | None = None) -> tuple[dict[str, str], list[Finding]]:
    folder = shown or Path(os.path.abspath(path)).name  # the same name on every machine: it is part of the digest
    try:
        entries = mapping_files(path)
    except OSError as error:
        advice = "make it, or set MAPPINGS to the folder of the mapping files"
        return {}, [Finding(Place(str(path), 1, 1), f"the folder cannot be read: {error.strerror}", advice)]
    files: dict[str, str] = {}
    findings: list[Finding] = []
    for entry in entries:
        found, faults = _read_one(Path(entry.path), str(Path(folder, entry.name)))
        files |= found
        findings += faults
    return files, findings


def _read_one(path: Path, name: str) -> tuple[dict[str, str], list[Finding]]:
    start = Place(name, 1, 1)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # a pipe would be waited for, a device may have no end
            what = "a folder" if stat.S_ISDIR(mode) else "a pipe, socket or device"
            return {}, [Finding(start, f"this is {what} and no file", "a mapping is a file: rename or remove this")]
        with path.open("rb") as file:
            data = file.read(_READ_AT_MOST)
    except OSError as error:
        advice = "let the bridge read it, or remove it" if os.path.lexists(path) else "name a file that is there"
        return {}, [Finding(start, f"the file cannot be read: {error.strerror}", advice)]
    try:
        is_cut = len(data) == _READ_AT_MOST  # what it has too much is told by whoever reads the text
        return {name: data.decode("utf-8-sig", "replace" if is_cut else "strict")}, []
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return {}, [Finding(Place(name, line, 1), "the file is not UTF-8", "save it as UTF-8")]


def _check_all(files: Mapping[str, str], check: _Check) -> tuple[dict[str, HubMapping], list[Finding]]:
    hubs: dict[str, HubMapping] = {}
    findings: list[Finding] = []
    if not files:
        advice = "every hub there was is detached until its file returns"
        findings.append(Finding(Place("mappings", 1, 1), "there are no mapping files", advice, "warning"))
    for file in sorted(files):
        hub, found = check(file, files[file])
        findings += found
        if hub and hub.hub_id in hubs:
            other = hubs[hub.hub_id].place.file
            message = f'{other} is the hub "{hub.hub_id}" too'
            findings.append(Finding(hub.place, message, "keep one of the two files"))
        elif hub:
            hubs[hub.hub_id] = hub
    return hubs, findings + _same_tenants(hubs)


def _same_tenants(hubs: Mapping[str, HubMapping]) -> list[Finding]:
    first: dict[tuple[str, str], HubMapping] = {}
    findings = []
    for hub in hubs.values():
        other = first.setdefault((hub.app, hub.tenant), hub)
        if other is not hub:
            message = f'{other.place.file} connects the same {hub.app} tenant "{hub.tenant}"'
            findings.append(Finding(hub.place, message, "one tenant is one hub: put the rules into one file"))
    return findings
