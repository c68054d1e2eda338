"""What the demo looks like: each step as push, plan, call, seat; at the end who holds what, and why.

Made for a terminal of 80 columns, and as good to read in a pipe: colour only repeats what the words say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scim_bridge.contract.simulator import AccountState, Entry
from scim_bridge.engine.why import WhyHub
from scim_bridge.local.stage import Beat, Push

_EACH = 3  # calls and seats are told one by one up to here, then counted
_STYLES = {"push": "cyan", "plan": "yellow", "call": "magenta", "seat": "green"}
ARROW = " -> "


def short(name: str | None) -> str:
    """``ana.ferreira`` of ``ana.ferreira@acme.example``."""
    return (name or "").partition("@")[0]


def draw_beat(beat: Beat) -> RenderableType:
    """One step: its title, and a line or more for each of push, plan, call, seat."""
    head = Table.grid(padding=(0, 1), expand=True)
    head.add_column(width=3, justify="right")
    head.add_column(ratio=1)
    head.add_column(justify="right")
    head.add_row(Text(str(beat.number)), Text(beat.title, style="bold"), Text(f"{beat.took_s:.1f} s", style="dim"))
    body = Table.grid(padding=(0, 1), pad_edge=False)
    body.add_column(width=3)
    body.add_column(width=4)
    body.add_column(overflow="fold")
    parts = {"push": _pushes(beat.pushes), "plan": _plan(beat), "call": _calls(beat), "seat": _seats(beat)}
    for label, lines in parts.items():
        for number, line in enumerate(lines):
            body.add_row("", Text(label if number == 0 else "", style=_STYLES[label]), Text(line))
    return Group(head, body)


def draw_flow(beats: Iterable[Beat]) -> Text:
    """``push 42 -> plan 11 -> call 10 -> seat 13``: what has been so far."""
    beats = list(beats)
    planned = {(beat.number, *change) for beat in beats for change in beat.changes if not beat.is_plan_only}
    counts = {
        "push": sum(len(beat.pushes) for beat in beats),
        "plan": len(planned),
        "call": sum(len(_writes(beat.calls)) for beat in beats),
        "seat": len(beats[-1].seats),
    }
    flow = Text("    ")
    for label, count in counts.items():
        flow.append(ARROW if label != "push" else "", style="dim").append(f"{label} {count}", style=_STYLES[label])
    return flow


def _pushes(pushes: Sequence[Push]) -> Iterator[str]:
    if not pushes:
        yield "-"
    elif len(pushes) <= _EACH:
        for push in pushes:
            yield f"{push.request} {push.status}"
    else:
        counted = Counter(_collection(push.request) for push in pushes)
        yield ", ".join(f"{count} {request}" if count > 1 else request for request, count in counted.items())


def _collection(request: str) -> str:
    """``PATCH /Groups`` of ``PATCH /Groups/gh-team-core``."""
    return "/".join(request.split("/")[:2])


def _plan(beat: Beat) -> Iterator[str]:
    changes = list(beat.changes)
    if not changes:
        yield "nothing to change"
        return
    people = dict.fromkeys(who for who, _, _ in changes)
    if len(people) == 1:
        yield f"{short(changes[0][0])}: " + ", ".join(_deed(action, what) for _, action, what in changes)
    else:
        by_deed: dict[str, list[str]] = {}
        for who, action, what in changes:
            by_deed.setdefault(_deed(action, what), []).append(short(who))
        for deed, names in by_deed.items():
            yield f"{deed}: {', '.join(names)}"
    if beat.is_plan_only:
        yield "plan mode: the changes gather"


def _deed(action: str, what: str) -> str:
    return action if what == "seat" else f"{action} {what}"


def _writes(calls: Sequence[Entry]) -> list[Entry]:
    """A call about nobody is a read, whatever its method (GraphQL)."""
    return [call for call in calls if call["method"] != "GET" and call["key"]]


def _calls(beat: Beat) -> Iterator[str]:
    writes = _writes(beat.calls)
    reads = len(beat.calls) - len(writes)
    if len(writes) <= _EACH:
        for call in writes:
            yield f"{call['method']} {call['path']} {call['status']}"
    else:
        counted = Counter(f"{call['method']} {call['path'].replace(call['key'] or ' ', '*')}" for call in writes)
        for request, count in counted.items():
            yield f"{count} {request}" if count > 1 else request
    remarks = [f"{reads} reads" if reads > 1 else "1 read"] if reads else []
    if writes and beat.pushes:
        lag_s = writes[0]["at"] - beat.pushes[-1].at
        remarks.append(f"the first write {lag_s * 1000:.0f} ms after the last push was answered")
    if remarks:
        yield "; ".join(remarks)
    elif not writes:
        yield "none"


def _seats(beat: Beat) -> Iterator[str]:
    lines = list(_moves(beat.seats_before, beat.seats))
    if len(lines) <= _EACH:
        yield from lines
    else:
        counted = Counter(line.partition(": ")[2] for line in lines)
        for move, count in counted.items():
            names = [line.partition(": ")[0] for line in lines if line.partition(": ")[2] == move]
            yield f"{move}: {', '.join(names)}" if count > 1 else f"{names[0]}: {move}"
    kinds = Counter(seat["status"] for seat in beat.seats.values())
    total = ", ".join(f"{count} {status}" for status, count in kinds.items())
    yield total if lines else f"as before: {total}"


def _moves(before: Mapping[str, AccountState], now: Mapping[str, AccountState]) -> Iterator[str]:
    for who in dict.fromkeys([*before, *now]):
        was, is_ = before.get(who), now.get(who)
        if is_ is None:
            yield f"{short(who)}: gone"
        elif was is None:
            yield f"{short(who)}: {is_['status']} as {is_['role']}"
        else:
            if was["status"] != is_["status"]:
                yield f"{short(who)}: {was['status']}{ARROW}{is_['status']}"
            if was["role"] != is_["role"]:
                yield f"{short(who)}: {was['role']}{ARROW}{is_['role']}"
            if was["assets"] != is_["assets"]:
                yield f"{short(who)}: {_held(was)}{ARROW}{_held(is_)}"


def _held(seat: AccountState) -> str:
    return ", ".join(seat["assets"]) or "no asset"


def draw_rules(text: str, name: str) -> RenderableType:
    """The ``grants`` of a mapping with the numbers of their lines."""
    grid = Table.grid(padding=(0, 1), pad_edge=False)
    grid.add_column(width=6, justify="right", style="dim")
    grid.add_column(overflow="fold")
    grid.add_row("", Text(name, style="dim"))
    is_inside = False
    for number, line in enumerate(text.splitlines(), 1):
        is_inside = line.startswith("grants:") or (is_inside and line.startswith(" "))
        if is_inside:
            grid.add_row(str(number), Text(line))
    return grid


def draw_holdings(seats: Iterable[AccountState], reasons: Sequence[tuple[str, WhyHub]]) -> RenderableType:
    """Who holds what, and the rules that say so; then who holds nothing, and accounts that are nobody's."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    for column in ("person", "account", "holds", "because"):
        table.add_column(column, overflow="fold")
    by_account = {standing.observed.get("account"): (name, standing) for name, standing in reasons}
    nobodys = []
    for seat in sorted(seats, key=lambda seat: seat["email"] or seat["key"]):
        if seat["key"] not in by_account:
            nobodys.append(seat)
            continue
        name, standing = by_account[seat["key"]]
        account = seat["key"] if seat["status"] == "active" else seat["status"]
        things = {"seat": seat["role"], **{asset: asset for asset in seat["assets"]}}
        for number, (thing, holds) in enumerate(things.items()):
            first = (short(name), account) if number == 0 else ("", "")
            table.add_row(*(Text(cell) for cell in (*first, holds, _because(standing, thing))))
    for name, standing in reasons:
        if not standing.observed:
            table.add_row(Text(short(name)), "-", "-", Text(_missing(standing), style="dim"))
    for seat in nobodys:
        told = Text("nobody's: made by hand, shown, left alone", style="dim")
        table.add_row("-", Text(seat["key"]), Text(seat["role"]), told)
    return table


def _because(standing: WhyHub, thing: str) -> str:
    return ", ".join(
        f"{grant['rule']} {_place(grant['file'], grant['line'])}"
        for grant in standing.grants
        if grant["thing"] == thing and grant["won"]
    )


def _missing(standing: WhyHub) -> str:
    if not standing.near:
        return "; ".join(wait["text"] for wait in standing.waits) or "on the way"
    near = standing.near[0]
    return (
        f"{near['rule']}: {near['missing']} {_place(near['file'], near['line'])}" if near["rule"] else near["missing"]
    )


def _place(file: str, line: int) -> str:
    return f"{file.rpartition('/')[2]}:{line}"
