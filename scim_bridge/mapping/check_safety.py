"""``safety``, ``leave``, ``limits``, ``match``, ``check`` and ``login``: how carefully, how fast, whose. Pure."""

from __future__ import annotations

from typing import Final, Literal, cast

from scim_bridge.contract.limits import Limits
from scim_bridge.contract.protocol import Abilities
from scim_bridge.errors import InvalidInput
from scim_bridge.mapping.check_grants import Catalogue
from scim_bridge.mapping.model import MatchRule, MaxRemovals, Safety, Step
from scim_bridge.mapping.nodes import Node, Table
from scim_bridge.mapping.patterns import parse_stars
from scim_bridge.mapping.reader import Reader
from scim_bridge.spelling import did_you_mean

_SAFETY: Final = (
    "start",
    "settle",
    "max_removals",
    "keep_at_least",
    "protect",
    "ignore",
    "unmanaged",
    "drift",
    "approve_roles",
)
_STEPS: Final = ("remove_assets", "suspend", "remove", "nothing")
StepDo = Literal["remove_assets", "suspend", "remove", "nothing"]
_PERSON: Final = ("emails.value", "emails", "userName")
_ACCOUNT_LATER: Final = ("login", "name")
_PERSON_LATER: Final = ("nickName", "displayName", "externalId", "name.formatted")
_SHORTEST_CHECK_S: Final = 60
_MOST_CALLS: Final = 10_000


def read_safety(reader: Reader, node: Node | None, catalogue: Catalogue) -> Safety:
    """The brake; a key that is given replaces its default whole, except ``keep_at_least`` (merged by role)."""
    keep = dict.fromkeys(catalogue.roles[:1], 1)
    if node is None:
        return Safety(keep_at_least=keep)
    given = reader.fields(node, "safety", _SAFETY, ("create_assets",))
    start = reader.word(given["start"], "safety.start", ("plan", "apply")) if "start" in given else None
    if "unmanaged" in given:
        reader.word(given["unmanaged"], "safety.unmanaged", ("report",), ("hold",))
    drift = None
    if "drift" in given:
        drift = reader.word(given["drift"], "safety.drift", ("report", "fix"))
    settle_s = reader.duration(given["settle"], "safety.settle") if "settle" in given else None
    if "keep_at_least" in given:
        keep |= _read_keep(reader, given["keep_at_least"], catalogue)
    return Safety(
        start="apply" if start == "apply" else "plan",
        settle_s=Safety().settle_s if settle_s is None else settle_s,
        max_removals=_read_max_removals(reader, given.get("max_removals")),
        keep_at_least=keep,
        protect=_read_accounts(reader, given.get("protect"), "safety.protect"),
        ignore=_read_accounts(reader, given.get("ignore"), "safety.ignore"),
        drift="fix" if drift == "fix" else "report",
        approve_roles=tuple(
            role
            for role, _ in (
                reader.texts(given["approve_roles"], "safety.approve_roles", may_be_empty=True)
                if "approve_roles" in given
                else ()
            )
        ),
    )


def _read_keep(reader: Reader, node: Node, catalogue: Catalogue) -> dict[str, int]:
    roles = dict.fromkeys((*catalogue.roles, *(catalogue.abilities.roles if catalogue.abilities else ())))
    found = {}
    for role, (key, value) in reader.table(node, "safety.keep_at_least").items():
        if roles and role not in roles:
            reader.error(key.place, f'the app has no role "{role}"', did_you_mean(role, roles))
        least = reader.integer(value, f"safety.keep_at_least.{role}")
        if least is not None:
            found[role] = least
    return found


def _read_max_removals(reader: Reader, node: Node | None) -> MaxRemovals:
    if node is None:
        return MaxRemovals()
    what = "safety.max_removals"
    given = reader.fields(node, what, ("count", "percent"))
    if isinstance(node, Table) and not node.entries:
        reader.error(node.place, f"`{what}` says nothing", "give `count`, `percent` or both")
    count = reader.integer(given["count"], f"{what}.count") if "count" in given else None
    percent = reader.decimal(given["percent"], f"{what}.percent", least=0, most=100) if "percent" in given else None
    return MaxRemovals(count, percent)


def _read_accounts(reader: Reader, node: Node | None, what: str) -> tuple[str, ...]:
    if node is None:
        return ()
    found = []
    for text, place in reader.texts(node, what, may_be_empty=True):
        try:
            pattern = parse_stars(text)
        except InvalidInput as error:
            reader.refuse(place, what, error)
            continue
        if pattern.matches_everything:
            reader.warn(place, f'`{what}`: "{text}" is every account', "is that meant?")
        found.append(text)
    return tuple(found)


def read_leave(reader: Reader, node: Node | None, app: Abilities | None) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """``lost_access`` and ``disabled``, each by time; removal at once where nothing is said."""
    default = (Step(0, "remove"),)
    given = {} if node is None else reader.fields(node, "leave", ("lost_access", "disabled"))
    lost, disabled = (
        _read_steps(reader, given[key], f"leave.{key}", app) if key in given else default
        for key in ("lost_access", "disabled")
    )
    return lost, disabled


def _read_steps(reader: Reader, node: Node, what: str, app: Abilities | None) -> tuple[Step, ...]:
    steps = []
    for item in reader.items(node, what):
        given = reader.fields(item, what, ("after", "do"))
        if not isinstance(item, Table):
            continue
        for key in ("after", "do"):
            if key not in given:
                reader.error(item.place, f"a step of `{what}` needs `{key}`", "write {after: 7d, do: remove}")
        after_s = reader.duration(given["after"], f"{what}.after") if "after" in given else None
        do = reader.word(given["do"], f"{what}.do", _STEPS) if "do" in given else None
        if app and do == "suspend" and not app.suspend:
            reader.error(given["do"].place, "the app cannot suspend an account", "use remove")
        if app and do == "remove_assets" and not app.asset_types:
            reader.error(given["do"].place, "the app has no assets to remove", "use remove")
        if after_s is not None and do is not None:
            steps.append(Step(after_s, cast(StepDo, do)))
    return tuple(sorted(steps, key=lambda step: step.after_s))


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


def read_match(reader: Reader, node: Node | None) -> tuple[MatchRule, ...]:
    """How accounts find their people; empty: by the person's e-mails, then a userName that is one."""
    if node is None:
        return ()
    rules = []
    for item in reader.items(node, "match"):
        given = reader.fields(item, "match", ("account", "person", "review"))
        if not isinstance(item, Table):
            continue
        for key in ("account", "person"):
            if key not in given:
                reader.error(item.place, f"`match` needs `{key}`", "write {account: email, person: emails.value}")
        if "review" in given and reader.truth(given["review"], "match.review"):
            reader.later(given["review"].place, "review: true")
        account = person = None
        if "account" in given:
            account = reader.word(given["account"], "match.account", ("email",), _ACCOUNT_LATER)
        if "person" in given:
            person = reader.word(given["person"], "match.person", _PERSON, _PERSON_LATER)
        if account and person:
            rules.append(MatchRule(account, person))
    return tuple(rules)


def read_check(reader: Reader, node: Node | None) -> int | None:
    """Seconds between two checks for updates; None: the default."""
    if node is None:
        return None
    seconds = reader.duration(node, "check")
    if seconds is not None and seconds < _SHORTEST_CHECK_S:
        reader.error(node.place, "`check` is shorter than a minute", "write 1m or more; the default is 24h")
    return seconds


def read_login(reader: Reader, node: Node | None) -> None:
    """Only ``sso`` is carried out, which asks nothing of the bridge."""
    if isinstance(node, Table):
        given = reader.fields(node, "login", ("method",), ("mfa", "rotate"))
        node = given.get("method")
    if node is not None:
        reader.word(node, "login", ("sso",), ("vault",))
