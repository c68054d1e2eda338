"""Names with holes: ``gh-team-{team}`` finds groups, ``team/{team|lower}`` makes names of what was found. Pure.

No regular expressions, on purpose: operators know shell wildcards, and a pattern must not be able to hang the
bridge. Matching never goes back: between two wildcards the earliest place of the literal is always right, since
the next wildcard takes whatever lies between. So the time is that of a few ``str.find``.

Comparing is done on folded text, and folding may lengthen it (``ß`` becomes ``ss``); a letter that folds into
several belongs whole to the capture that touches it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from scim_bridge.errors import InvalidInput
from scim_bridge.folding import name_key

MAX_LENGTH: Final = 512
"""Characters of a pattern, a template or a name made from one: the width of a group's name."""

MAX_HOLES: Final = 16

FILTERS: Final = ("lower", "upper", "default", "local", "domain", "slug")


@dataclass(frozen=True)
class Pattern:
    """A whole name with wildcards: ``literals[0] holes[0] literals[1] ... literals[-1]``.

    A hole is a capture's name (one or more characters) or ``None`` for ``*`` (zero or more).
    """

    text: str
    literals: tuple[str, ...]  # folded; always one more than holes
    holes: tuple[str | None, ...]

    @property
    def names(self) -> frozenset[str]:
        """The captures it defines."""
        return frozenset(hole for hole in self.holes if hole)

    @property
    def is_plain(self) -> bool:
        """Without a wildcard: an ordinary name."""
        return not self.holes

    @property
    def matches_everything(self) -> bool:
        """Nothing but wildcards: every name fits."""
        return bool(self.holes) and not any(self.literals)

    @property
    def prefix(self) -> str:
        """What every matching name's key begins with."""
        return self.literals[0]

    @cached_property
    def _shortest(self) -> int:
        return sum(map(len, self.literals)) + sum(1 for hole in self.holes if hole)

    def find(self, name: str, key: str | None = None) -> Mapping[str, str] | None:
        """The captures of ``name`` as it is written, or None where it does not match.

        ``key`` is ``name_key(name)`` where the caller has it already. Captures are shortest first from the left.
        """
        key = name_key(name) if key is None else key
        if len(key) < self._shortest or not key.startswith(self.literals[0]):
            return None
        if self.is_plain:
            return {} if key == self.literals[0] else None
        if not key.endswith(self.literals[-1]):
            return None
        spans = self._spans(key)
        if spans is None:
            return None
        return _cut(name, key, spans) if spans else {}

    def _spans(self, key: str) -> dict[str, tuple[int, int]] | None:
        at = len(self.literals[0])
        end = len(key) - len(self.literals[-1])
        spans: dict[str, tuple[int, int]] = {}
        for index, hole in enumerate(self.holes):
            least = at + (1 if hole else 0)
            if index == len(self.holes) - 1:
                stop = end if least <= end else -1
            else:
                stop = key.find(self.literals[index + 1], least, end)
            if stop < 0:
                return None
            if hole:
                spans[hole] = (at, stop)
            at = stop + len(self.literals[index + 1])
        return spans


def _cut(name: str, key: str, spans: Mapping[str, tuple[int, int]]) -> dict[str, str]:
    """Take the spans of the folded text out of the text as written."""
    text = unicodedata.normalize("NFC", name)
    if len(text) == len(key):  # every letter folded into one
        return {hole: text[start:stop] for hole, (start, stop) in spans.items()}
    origin = [index for index, letter in enumerate(text) for _ in letter.casefold()]
    return {hole: text[origin[start] : origin[stop - 1] + 1] for hole, (start, stop) in spans.items()}


def parse_pattern(text: str) -> Pattern:
    """Read a pattern with ``*`` and ``{word}``. Raises ``InvalidInput`` naming what is wrong."""
    return _build(text, _tokens(text, captures=True))


def parse_stars(text: str) -> Pattern:
    """Read a pattern where only ``*`` is special (``protect``, ``ignore``). Raises ``InvalidInput``."""
    return _build(text, _tokens(text, captures=False))


def _tokens(text: str, *, captures: bool) -> Iterable[tuple[str, str]]:
    """``("text", ...)``, ``("star", "")`` and ``("capture", word)`` in their order."""
    at = 0
    while at < len(text):
        if text[at] == "*":
            yield "star", ""
            at += 1
        elif captures and text[at] in "{}":
            word, closing, _ = text[at + 1 :].partition("}")
            if text[at] == "}" or not closing or not _is_word(word):
                raise InvalidInput(
                    f'"{text}" has a brace that is no capture', advice="write {word}: letters, digits and _"
                )
            yield "capture", word
            at += len(word) + 2
        else:
            stop = min((p for c in ("*{}" if captures else "*") if (p := text.find(c, at)) >= 0), default=len(text))
            yield "text", text[at:stop]
            at = stop


def _build(text: str, tokens: Iterable[tuple[str, str]]) -> Pattern:
    if not text or len(text) > MAX_LENGTH:
        raise InvalidInput(f"a name has between 1 and {MAX_LENGTH} characters, this one {len(text)}")
    literals, holes = [""], list[str | None]()
    for kind, value in tokens:
        if kind == "text":
            literals[-1] = name_key(value)
            continue
        if kind == "star" and holes and holes[-1] is None and not literals[-1]:
            continue  # ** is *
        if value and value in holes:
            raise InvalidInput(f'"{text}" captures {{{value}}} twice', advice="give each capture its own word")
        holes.append(value or None)
        literals.append("")
    if len(holes) > MAX_HOLES:
        raise InvalidInput(f'"{text}" has more than {MAX_HOLES} wildcards', advice="use fewer")
    return Pattern(text, tuple(literals), tuple(holes))


def _is_word(text: str) -> bool:
    return text.isascii() and text.isidentifier()


@dataclass(frozen=True, slots=True)
class Slot:
    """``{name|filter|filter:argument}`` in a template."""

    name: str
    filters: tuple[tuple[str, str], ...] = ()

    @property
    def may_be_empty(self) -> bool:
        """Whether text may come out as none: ``{mail|domain}`` of what has no ``@``."""
        empty = False
        for name, argument in self.filters:
            empty = (empty or name in ("domain", "slug")) and not (name == "default" and argument.strip())
        return empty

    def fill(self, values: Mapping[str, str]) -> str:
        value = values.get(self.name, "")
        for name, argument in self.filters:
            value = _apply(name, argument, value)
        return value


@dataclass(frozen=True, slots=True)
class Template:
    """Text with slots, filled from captures."""

    parts: tuple[str | Slot, ...]

    @property
    def names(self) -> frozenset[str]:
        """The captures it needs; one with ``|default:`` needs none, but a misspelt one is still a mistake."""
        return frozenset(part.name for part in self.parts if isinstance(part, Slot))

    @property
    def may_be_empty(self) -> bool:
        """Whether it may come out as nothing, though every capture has a letter."""
        return all(not part.strip() if isinstance(part, str) else part.may_be_empty for part in self.parts)

    def render(self, values: Mapping[str, str]) -> str:
        """The text with every slot filled; a value that is missing is empty."""
        return "".join(part if isinstance(part, str) else part.fill(values) for part in self.parts)


def parse_template(text: str, *, is_name: Callable[[str], bool] = _is_word, what: str = "capture") -> Template:
    """Read a template such as ``Acme {market|upper}``. Raises ``InvalidInput`` naming what is wrong.

    ``is_name`` says what may stand in a slot, ``what`` what that is called in messages.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidInput(f"a template has at most {MAX_LENGTH} characters, this one {len(text)}")
    parts: list[str | Slot] = []
    rest = text
    while rest:
        before, brace, tail = rest.partition("{")
        inside, closing, rest = tail.partition("}")
        if "}" in before or (brace and (not closing or "{" in inside)):
            raise InvalidInput(f'"{text}" has a brace without its other half', advice="write {word} or {word|filter}")
        if before:
            parts.append(before)
        if brace:
            parts.append(_slot(inside, is_name, what))
    return Template(tuple(parts))


def _slot(inside: str, is_name: Callable[[str], bool], what: str) -> Slot:
    name, *filters = inside.split("|")
    if not is_name(name):
        raise InvalidInput(f"{{{inside}}} names no {what}", advice="write {word} or {word|filter}")
    steps = []
    for step in filters:
        filter_name, colon, argument = step.partition(":")
        if filter_name not in FILTERS:
            raise InvalidInput(
                f'{{{inside}}} uses an unknown filter "{filter_name}"', advice=f"known are {', '.join(FILTERS)}"
            )
        if bool(colon) != (filter_name == "default"):
            raise InvalidInput(f"{{{inside}}}: only default takes an argument", advice="write {word|default:text}")
        steps.append((filter_name, argument))
    return Slot(name, tuple(steps))


def _apply(name: str, argument: str, value: str) -> str:
    match name:
        case "lower":
            return value.lower()
        case "upper":
            return value.upper()
        case "default":
            return value or argument
        case "local":
            return value.rpartition("@")[0] or value
        case "domain":
            return value.rpartition("@")[2] if "@" in value else ""
        case _:
            return _slug(value)


def _slug(text: str) -> str:
    """Lower-case letters, digits and ``_`` with single dashes between: ``Core Platform`` is ``core-platform``."""
    bare = (c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    return "-".join("".join(c if c.isalnum() or c == "_" else " " for c in bare).split())
