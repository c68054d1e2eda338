"""``limits``, ``check`` and ``login``: how fast, how often, and how people sign in. Pure."""

from __future__ import annotations

from typing import Final, Literal, cast

from scim_bridge.contract.limits import Limits
from scim_bridge.contract.protocol import Abilities
from scim_bridge.mapping.model import Login
from scim_bridge.mapping.nodes import Node, Table
from scim_bridge.mapping.reader import Reader

_SHORTEST_CHECK_S: Final = 60
_SHORTEST_ROTATION_S: Final = 86_400
_MOST_CALLS: Final = 10_000


def read_limits(reader: Reader, node: Node | None, app: Abilities | None) -> Limits | None:
    """None where nothing is said: the adapter's own, for writes only. A part that is missing is the adapter's."""
    if node is None:
        return None
    given = reader.fields(node, "limits", ("concurrency", "rate", "burst"))
    own = app.limits if app else Limits()
    counts = {}
    for key in ("concurrency", "burst"):
        counts[key] = reader.integer(given[key], f"limits.{key}", least=1) if key in given else None
    rate = reader.decimal(given["rate"], "limits.rate", least=0.001, most=_MOST_CALLS) if "rate" in given else None
    return Limits(counts["concurrency"] or own.concurrency, rate or own.rate, counts["burst"] or own.burst)


def read_check(reader: Reader, node: Node | None) -> int | None:
    """Seconds between two checks for updates; None: the default."""
    if node is None:
        return None
    seconds = reader.duration(node, "check")
    if seconds is not None and seconds < _SHORTEST_CHECK_S:
        reader.error(node.place, "`check` is shorter than a minute", "write 1m or more; the default is 24h")
    return seconds


def read_login(reader: Reader, node: Node | None) -> Login:
    """``sso``, or ``vault`` alone or as a mapping with ``mfa`` and ``rotate``."""
    if node is None:
        return Login()
    given = {"method": node}
    if isinstance(node, Table):
        given = dict(reader.fields(node, "login", ("method", "mfa", "rotate")))
        if "method" not in given:
            reader.error(node.place, "`login` needs `method`", "write sso, or {method: vault, mfa: totp}")
            return Login()
    method = reader.word(given["method"], "login", ("sso", "vault"))
    if method == "vault":
        advice = "it changes nothing until a version that has one"
        reader.warn(given["method"].place, "`login: vault` is noted only: this version has no vault", advice)
    mfa = reader.word(given["mfa"], "login.mfa", ("totp",)) if "mfa" in given else None
    rotate_s = reader.duration(given["rotate"], "login.rotate") if "rotate" in given else None
    if rotate_s is not None and rotate_s < _SHORTEST_ROTATION_S:
        reader.error(given["rotate"].place, "`login.rotate` is shorter than a day", "write 1d or more")
    if method == "sso":
        for key in ("mfa", "rotate"):
            if key in given:
                advice = "remove it, or let the vault keep the login: method: vault"
                reader.error(given[key].place, f"`login.{key}` means nothing with sso", advice)
    return Login(cast(Literal["sso", "vault"], method or "sso"), cast(Literal["totp"] | None, mfa), rotate_s)
