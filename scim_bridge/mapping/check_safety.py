"""``safety`` and ``leave``: how carefully, and what becomes of those who go. Pure."""

from __future__ import annotations

from typing import Final, Literal, cast

from scim_bridge.errors import InvalidInput
from scim_bridge.mapping.check_catalogue import Catalogue
from scim_bridge.mapping.model import MaxRemovals, Safety, Step
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
    "create_assets",
)
_STEPS: Final = ("remove_assets", "suspend", "remove", "nothing")
StepDo = Literal["remove_assets", "suspend", "remove", "nothing"]


def read_safety(reader: Reader, node: Node | None, catalogue: Catalogue) -> Safety:
    """The brake; a key that is given replaces its default whole, except ``keep_at_least`` (merged by role)."""
    keep = dict.fromkeys(catalogue.roles[:1], 1)
    if node is None:
        return Safety(keep_at_least=keep)
    given = reader.fields(node, "safety", _SAFETY)

    def word(key: str, *known: str) -> str | None:
        return reader.word(given[key], f"safety.{key}", known) if key in given else None

    settle_s = reader.duration(given["settle"], "safety.settle") if "settle" in given else None
    if "keep_at_least" in given:
        keep |= _read_keep(reader, given["keep_at_least"], catalogue)
    return Safety(
        start="apply" if word("start", "plan", "apply") == "apply" else "plan",
        settle_s=Safety().settle_s if settle_s is None else settle_s,
        max_removals=_read_max_removals(reader, given.get("max_removals")),
        keep_at_least=keep,
        protect=_read_accounts(reader, given.get("protect"), "safety.protect"),
        ignore=_read_accounts(reader, given.get("ignore"), "safety.ignore"),
        unmanaged="hold" if word("unmanaged", "report", "hold") == "hold" else "report",
        drift="fix" if word("drift", "report", "fix") == "fix" else "report",
        approve_roles=_read_approve_roles(reader, given.get("approve_roles"), catalogue),
        create_assets=_read_create_assets(reader, given.get("create_assets"), catalogue),
    )


def _read_approve_roles(reader: Reader, node: Node | None, catalogue: Catalogue) -> tuple[str, ...]:
    if node is None:
        return ()
    given = reader.texts(node, "safety.approve_roles", may_be_empty=True)
    for role, place in given:
        if role not in catalogue.roles:
            advice = did_you_mean(role, catalogue.roles)
            reader.error(place, f'`safety.approve_roles`: there is no role "{role}" in `roles`', advice)
    return tuple(role for role, _ in given)


def _read_create_assets(reader: Reader, node: Node | None, catalogue: Catalogue) -> tuple[str, ...]:
    """Asset types. What the app cannot create a person must."""
    if node is None:
        return ()
    given = reader.texts(node, "safety.create_assets", may_be_empty=True)
    app = catalogue.abilities
    for kind, place in given:
        if kind not in catalogue.asset_roles:
            advice = did_you_mean(kind, catalogue.asset_roles)
            reader.error(place, f'`safety.create_assets`: there is no "{kind}" in `asset_roles`', advice)
        elif app and kind not in app.create_assets and not catalogue.is_manual_fallback:
            reader.error(place, f'the bridge cannot create a "{kind}" in this app', "remove it, and create them there")
    return tuple(kind for kind, _ in given)


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


def read_leave(reader: Reader, node: Node | None, catalogue: Catalogue) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """``lost_access`` and ``disabled``, each by time; removal at once where nothing is said."""
    default = (Step(0, "remove"),)
    given = {} if node is None else reader.fields(node, "leave", ("lost_access", "disabled"))
    lost, disabled = (
        _read_steps(reader, given[key], f"leave.{key}", catalogue) if key in given else default
        for key in ("lost_access", "disabled")
    )
    return lost, disabled


def _read_steps(reader: Reader, node: Node, what: str, catalogue: Catalogue) -> tuple[Step, ...]:
    app = catalogue.abilities
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
        if app and do == "suspend" and not (app.suspend or catalogue.is_manual_fallback):
            reader.error(given["do"].place, "the app cannot suspend an account", "use remove")
        if app and do == "remove_assets" and not app.asset_types:
            reader.error(given["do"].place, "the app has no assets to remove", "use remove")
        if after_s is not None and do is not None:
            steps.append(Step(after_s, cast(StepDo, do)))
    return tuple(sorted(steps, key=lambda step: step.after_s))
