"""Take typed values out of the tree, noting what does not fit and going on, so that all faults show at once. Pure.

Every taker returns None where the value is missing or wrong; it has then said so, and the caller leaves the
thing out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from scim_bridge.durations import parse_duration
from scim_bridge.errors import InvalidInput
from scim_bridge.filters import CORE_TRAITS, Traits
from scim_bridge.mapping.findings import Finding
from scim_bridge.mapping.model import Place
from scim_bridge.mapping.nodes import Items, Node, Scalar, Table
from scim_bridge.spelling import did_you_mean

_INTEGER = re.compile(r"[0-9]{1,9}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


@dataclass(slots=True)
class Reader:
    """Collects the findings of one file.

    ``traits``: what conditions may know of a user's attributes. ``today`` (UTC): what makes a date a past one;
    None: dates are not doubted.
    """

    findings: list[Finding] = field(default_factory=list)
    traits: Traits = CORE_TRAITS
    today: date | None = None

    def error(self, place: Place, message: str, advice: str = "") -> None:
        self.findings.append(Finding(place, message, advice))

    def warn(self, place: Place, message: str, advice: str = "") -> None:
        self.findings.append(Finding(place, message, advice, "warning"))

    def refuse(self, place: Place, what: str, error: InvalidInput) -> None:
        """Note what a parser said about ``what``."""
        self.error(place, f"`{what}`: {error.message}", error.advice)

    def fields(self, node: Node, what: str, known: Sequence[str]) -> Mapping[str, Node]:
        """The entries of a mapping whose keys are ``known``; any other is refused."""
        found: dict[str, Node] = {}
        for key, value in self.table(node, what).values():
            if key.text in known:
                found[key.text] = value
            else:
                self.error(key.place, f"`{what}` has no key `{key.text}`", did_you_mean(key.text, known))
        return found

    def table(self, node: Node, what: str) -> Mapping[str, tuple[Scalar, Node]]:
        """The entries of a mapping by key; a key given twice is refused and its first value stands."""
        if not isinstance(node, Table):
            self.error(node.place, f"`{what}` must be a mapping (`key: value`), not {_name(node)}")
            return {}
        found: dict[str, tuple[Scalar, Node]] = {}
        for key, value in node.entries:
            if key.text in found:
                line = found[key.text][0].place.line
                self.error(key.place, f"`{key.text}` is given twice, first in line {line}", "remove one of them")
            else:
                found[key.text] = (key, value)
        return found

    def items(self, node: Node, what: str, *, may_be_empty: bool = False) -> Sequence[Node]:
        """The members of a list; anything else stands for a list of itself."""
        if not isinstance(node, Items):
            return (node,)
        if not node.items and not may_be_empty:
            self.error(node.place, f"`{what}` is an empty list", "give at least one, or remove the key")
        return node.items

    def text(self, node: Node, what: str) -> str | None:
        """Text; a number counts as it is written."""
        if isinstance(node, Scalar) and node.kind in ("text", "number") and node.text.strip():
            return node.text
        quotes = isinstance(node, Scalar) and node.kind == "true or false"
        self.error(
            node.place, f"`{what}` must be text, not {_name(node)}", "put it in quotes" if quotes else "write a text"
        )
        return None

    def texts(self, node: Node, what: str, *, may_be_empty: bool = False) -> list[tuple[str, Place]]:
        """A list of texts, each with its place; one given twice is refused."""
        found: dict[str, Place] = {}
        for item in self.items(node, what, may_be_empty=may_be_empty):
            text = self.text(item, what)
            if text is None:
                continue
            if text in found:
                self.error(item.place, f'`{what}` names "{text}" twice', "remove one of them")
            found.setdefault(text, item.place)
        return list(found.items())

    def integer(self, node: Node, what: str, *, least: int = 0) -> int | None:
        """A whole number from ``least`` up to nine digits."""
        if isinstance(node, Scalar) and node.kind == "number" and _INTEGER.fullmatch(node.text):
            value = int(node.text)
            if value >= least:
                return value
        self.error(node.place, f"`{what}` must be a whole number from {least} on, not {_name(node)}")
        return None

    def decimal(self, node: Node, what: str, *, least: float, most: float) -> float | None:
        """A number between ``least`` and ``most``."""
        if isinstance(node, Scalar) and node.kind == "number" and _DECIMAL.fullmatch(node.text):
            value = float(node.text)
            if least <= value <= most:
                return value
        percent = isinstance(node, Scalar) and node.text.rstrip().endswith("%")
        self.error(
            node.place,
            f"`{what}` must be a number from {least:g} to {most:g}, not {_name(node)}",
            "write it without the % sign" if percent else "",
        )
        return None

    def truth(self, node: Node, what: str) -> bool | None:
        """``true`` or ``false``, and no other spelling of them."""
        if isinstance(node, Scalar) and node.kind == "true or false":
            return node.text.lower() == "true"
        self.error(node.place, f"`{what}` must be true or false, not {_name(node)}")
        return None

    def duration(self, node: Node, what: str) -> int | None:
        """Seconds."""
        text = self.text(node, what)
        if text is None:
            return None
        try:
            return parse_duration(text)
        except InvalidInput as error:
            self.refuse(node.place, what, error)
            return None

    def day(self, node: Node, what: str) -> date | None:
        """A day, written YYYY-MM-DD."""
        text = self.text(node, what)
        if text is None:
            return None
        try:
            if _DATE.fullmatch(text):
                return date.fromisoformat(text)
        except ValueError:  # February 30
            pass
        self.error(node.place, f'`{what}`: "{text[:40]}" is no date', "write it as YYYY-MM-DD, with quotes or without")
        return None

    def word(self, node: Node, what: str, known: Iterable[str]) -> str | None:
        """One of ``known``."""
        text = self.text(node, what)
        names = tuple(known)
        if text is None or text in names:
            return text
        self.error(node.place, f'`{what}` cannot be "{text}"', did_you_mean(text, names))
        return None


def _name(node: Node) -> str:
    match node:
        case Items():
            return "a list"
        case Table():
            return "a mapping"
        case Scalar(kind="nothing"):
            return "nothing"
        case _:
            return f'"{node.text[:40]}"'
