"""A source as its rows show it: may it push, does it, and is anybody missing?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa

from scim_bridge.clock import format_time
from scim_bridge.db import Tx
from scim_bridge.directory.sources import SourceView, list_sources
from scim_bridge.directory.tables import PendingMember
from scim_bridge.doctor.checks import Result
from scim_bridge.durations import format_duration
from scim_bridge.errors import NotFound

_SOON = timedelta(days=14)
_QUIET_AFTER = {"entra": timedelta(days=1)}  # Okta comes only when something changes
_ARRIVES_WITHIN = timedelta(hours=1)
_WHERE = {
    "okta": "in Okta: Provisioning, Integration: base URL and token, then Test API Credentials; and Assignments",
    "entra": "in Entra: Provisioning status is On, Tenant URL and secret token, then Test Connection",
    "generic": "at the provider: base URL, token, and whether provisioning is on",
}
_MORE = {
    "okta": "assign them to the app: Okta pushes only members that are assigned",
    "entra": "bring them into scope: Entra provisions only who is assigned, and does not expand nested groups",
    "generic": "let the provider push the users, too",
}


def find_source(tx: Tx, name: str, now: datetime) -> SourceView:
    """The source with its live tokens; raises ``NotFound``."""
    for view in list_sources(tx, now):
        if view.name == name:
            return view
    raise NotFound(f"there is no source {name}", advice="`scim-bridge source list` shows them")


def last_use(source: SourceView) -> datetime | None:
    """When any of its credentials was used last."""
    used = (source.tenant_used_at, *(token.last_used_at for token in source.tokens))
    return max((at for at in used if at is not None), default=None)


def look_at(tx: Tx, source: SourceView, now: datetime) -> Iterator[Result]:
    """What its rows say, as results."""
    name = source.name
    saw = None if source.disabled_at is None else f"{name} is disabled since {format_time(source.disabled_at)}"
    why = "a disabled source's requests are refused"
    yield _result("enabled", why, saw, f"`scim-bridge source enable {name}`")
    yield _result("token", "every request needs a token that has not ended", *_token(source, now))
    yield _result("used", "a provider that is set up calls", *_used(source, now))
    waiting = _waiting(tx, source.id, now)
    saw = f"{waiting} members of groups were pushed whom nobody knows" if waiting else None
    yield _result("members", "a member gets what the group gives once the user is pushed", saw, _MORE[source.kind])


def _result(name: str, why: str, saw: str | None, advice: str | None) -> Result:
    return Result(f"source.{name}", why, saw, advice if saw else None)


def _token(source: SourceView, now: datetime) -> tuple[str | None, str]:
    rotate = f"`scim-bridge source rotate {source.name}`, and give the provider the new one"
    if source.tenant_id is not None:
        return None, rotate  # Entra's own JWTs need none
    if not source.tokens:
        return f"{source.name} has no live token", rotate
    ends = [token.expires_at for token in source.tokens if token.expires_at is not None]
    if len(ends) == len(source.tokens) and max(ends) < now + _SOON:
        left = format_duration((max(ends) - now).total_seconds())
        return f"the last token of {source.name} ends in {left}", rotate
    return None, rotate


def _used(source: SourceView, now: datetime) -> tuple[str | None, str]:
    check = f"check {_WHERE[source.kind]}"
    last = last_use(source)
    if last is None:
        return f"{source.name} was never used: the provider has not called yet", check
    quiet = _QUIET_AFTER.get(source.kind)
    if quiet is not None and now - last > quiet:
        ago = format_duration((now - last).total_seconds())
        return (
            f"{source.name} was last used {ago} ago, though Entra comes about every 40 minutes",
            "look at the provisioning job in Entra: it is stopped or in quarantine; mend the cause, then Restart",
        )
    return None, check


def _waiting(tx: Tx, source_id: int, now: datetime) -> int:
    """Members that have waited for longer than a provider takes to push the user, too."""
    query = sa.select(sa.func.count(PendingMember.value.distinct())).where(
        PendingMember.source_id == source_id, PendingMember.created_at < now - _ARRIVES_WITHIN
    )
    return int(tx.execute(query).scalar_one())
