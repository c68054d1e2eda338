"""The whole examination, inside a probe that goes whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import requests

from scim_bridge.db import Database
from scim_bridge.directory.probe import Probe, changes_left, drop_left_probes, make_probe, remove_probe
from scim_bridge.doctor.checks import NOTHING_BEHIND, UNKNOWN_BEHIND, Behind, Check, Result, Visit, carry_out
from scim_bridge.doctor.entra import entra
from scim_bridge.doctor.entra_values import values
from scim_bridge.doctor.okta import okta
from scim_bridge.doctor.reach import is_reached, reach
from scim_bridge.doctor.rfc import rfc
from scim_bridge.engine.lock import is_held

_TAKEN_WITHIN_S = 20.0
_POLL_S = 0.05
_TRY_S = 3.0
_SEQUENCES: dict[str, Sequence[Check]] = {
    "okta": (*rfc.checks, *okta.checks),
    "entra": (*rfc.checks, *entra.checks, *values.checks),
    "generic": (*rfc.checks, *okta.checks, *entra.checks, *values.checks),
}


@dataclass(frozen=True, slots=True)
class Addresses:
    """SCIM base URLs. ``base``: the one to try. ``direct``: past any proxy. ``public``: by BASE_URL, or empty."""

    base: str
    direct: str
    public: str = ""


def examine(db: Database, addresses: Addresses, *, kind: str, actor: str) -> Generator[Result, None, None]:
    """Results as they come; the sequences of ``kind``, of all providers for ``generic``."""
    with _probe(db, kind=kind, actor=actor) as probe:

        def visit(base_url: str = addresses.base) -> Visit:
            return Visit(base_url, probe.token, probe.domain)

        first = []
        with visit() as visitor:
            for result in reach(visitor, addresses.public):
                first.append(result)
                yield result
        if not is_reached(first):
            return
        yield from carry_out(_SEQUENCES[kind], visit, _behind(addresses, visit))
        yield _engine(db, probe)


def _behind(addresses: Addresses, visit: Callable[[str], Visit]) -> Behind:
    if addresses.base == addresses.direct:
        return NOTHING_BEHIND
    if not _listens(addresses.direct):
        return UNKNOWN_BEHIND
    return Behind("", lambda: visit(addresses.direct))


@contextmanager
def _probe(db: Database, *, kind: str, actor: str) -> Iterator[Probe]:
    now = db.now()
    probe = None
    try:
        with db.write() as tx:
            drop_left_probes(tx, now=now)
            probe = make_probe(tx, kind=kind, now=now, actor=actor)
        yield probe
    finally:
        if probe is not None:
            _wait_for_fanout(db, probe)
            with db.write() as tx:
                remove_probe(tx, probe.source_id)


def _engine(db: Database, probe: Probe) -> Result:
    name, why = "engine.takes_changes", "what is pushed is committed at once, and carried out by the engine"
    if not is_held(db):
        return Result(
            name,
            why,
            "no engine runs on this database: pushes are kept and nothing follows",
            "start `scim-bridge serve`",
        )
    if not _wait_for_fanout(db, probe):
        return Result(
            name,
            why,
            f"the engine has not looked at what was pushed for {_TAKEN_WITHIN_S:.0f} s",
            "look at `scim-bridge status` and at the log of serve",
        )
    return Result(name, why)


def _wait_for_fanout(db: Database, probe: Probe) -> bool:
    """Wait until the engine, if one runs, has worked off the probe's changes (see ``directory.probe``)."""
    deadline_s = time.monotonic() + _TAKEN_WITHIN_S
    while is_held(db):
        with db.read() as tx:
            if not changes_left(tx, probe.source_id):
                return True
        if time.monotonic() >= deadline_s:
            return False
        time.sleep(_POLL_S)
    return False


def _listens(base_url: str) -> bool:
    session = requests.Session()
    session.trust_env = False
    try:
        session.get(f"{base_url.removesuffix('/scim/v2')}/health/live", timeout=_TRY_S)
    except requests.RequestException:
        return False
    return True
