"""YAML text to a tree in which everything knows its place. Pure.

Built from a parser's events instead of its objects: only so has every key and value a line and column, are
duplicate keys seen, and do anchors, tags and depth stop before anything is built. Scalars stay text until a
check asks for a number: ``NO`` is Norway, and ``2027-03-31`` is what it looks like (YAML 1.2 core schema).

The events come from libyaml, which is written in C: ruamel takes thirty times as long for them, and seconds for
10,000 rules. But ruamel is the judge: what libyaml does not take, or may read otherwise, is read by ruamel, and
all findings are made from its events. So the answer is the same where libyaml is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.reader import ReaderError

from scim_bridge.mapping.findings import Finding
from scim_bridge.mapping.model import Place

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 12

_READ_OTHERWISE = re.compile("[\x85\u2028\u2029\ufeff]|^(?:---|[.]{3})", re.MULTILINE)
"""What libyaml may read otherwise: line breaks of YAML 1.1, a byte order mark, marks of documents."""

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEAN = frozenset({"true", "True", "TRUE", "false", "False", "FALSE"})
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

Kind = Literal["text", "nothing", "true or false", "number"]


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as written. ``is_plain``: without quotes and in one line, so columns inside it can be counted."""

    place: Place
    text: str
    kind: Kind
    is_plain: bool


@dataclass(frozen=True, slots=True)
class Items:
    """A YAML sequence."""

    place: Place
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A YAML mapping, in its order; duplicate keys are still there."""

    place: Place
    entries: tuple[tuple[Scalar, Node], ...]


Node = Scalar | Items | Table


class _Unreadable(Exception):
    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


def parse_nodes(file: str, text: str) -> Node | Finding:
    """The tree of one file, or the first thing that makes it unreadable. An empty file is a scalar of nothing."""
    start = Place(file, 1, 1)
    if len(text.encode(errors="replace")) > MAX_BYTES:
        return Finding(start, f"the file is larger than {MAX_BYTES // 1024} KiB", "split the hub, or use patterns")
    tab = re.search(r"^ *\t", text, re.MULTILINE)
    if tab:
        return Finding(_place_of(file, text, tab.end() - 1), "a tab indents this line", "indent with spaces")
    if yaml.__with_libyaml__ and not _READ_OTHERWISE.search(text):
        with suppress(_Unreadable, yaml.YAMLError):
            return _Builder(file).build(_events(text))
    try:
        return _Builder(file).build(YAML(typ="safe", pure=True).parse(text))
    except _Unreadable as error:
        return error.finding
    except ReaderError as error:
        return Finding(_place_of(file, text, error.position), "a character that YAML does not allow", "remove it")
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = Place(file, mark.line + 1, mark.column + 1) if mark else start
        problem = " ".join(str(getattr(error, "problem", None) or type(error).__name__).split())
        return Finding(place, f"this is not YAML: {problem}", "mend the line, or the one before it")


def _events(text: str) -> Iterator[Any]:
    """libyaml's. Raises ``YAMLError`` also for what it reads by the rules of YAML 1.1."""
    for event in yaml.parse(text, yaml.CBaseLoader):
        if getattr(event, "style", None) in ("|", ">"):
            raise yaml.YAMLError("a text in a block")
        yield event


def _place_of(file: str, text: str, position: int) -> Place:
    before = text[:position]
    return Place(file, before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)


class _Builder:
    """Events to nodes, with a stack of what is open."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._open: list[tuple[Any, list[Node]]] = []
        self._root: Node | None = None

    def build(self, events: Iterable[Any]) -> Node:
        for event in events:
            self._take(event)
        return self._root or Scalar(Place(self._file, 1, 1), "", "nothing", True)

    def _take(self, event: Any) -> None:
        match type(event).__name__:  # libyaml's events and ruamel's are called the same
            case "ScalarEvent":
                self._check_bare(event)
                self._add(self._scalar(event))
            case "MappingStartEvent" | "SequenceStartEvent":
                self._check_bare(event)
                if len(self._open) >= MAX_DEPTH:
                    self._refuse(event, f"more than {MAX_DEPTH} levels", "the format needs no more than six")
                self._open.append((event, []))
            case "MappingEndEvent" | "SequenceEndEvent":
                start, parts = self._open.pop()
                self._add(self._collection(start, parts))
            case "AliasEvent":
                self._refuse(event, f"an alias (*{event.anchor})", "write the value out")
            case "DocumentStartEvent" if self._root is not None:
                self._refuse(event, "a second document", "one file is one hub: make another file")
            case "DocumentStartEvent" if event.version not in (None, (1, 2)):
                self._refuse(event, "a %YAML directive", "remove it: files are read as YAML 1.2")
            case _:
                pass

    def _check_bare(self, event: Any) -> None:
        if event.anchor:
            self._refuse(event, f"an anchor (&{event.anchor})", "write the value out where it is needed")
        if event.tag:
            self._refuse(event, f"a tag ({event.tag})", "remove it")

    def _scalar(self, event: Any) -> Scalar:
        one_line = event.start_mark.line == event.end_mark.line
        if event.style is None or event.style == "":
            return Scalar(self._place(event), event.value, _kind(event.value), one_line)
        return Scalar(self._place(event), event.value, "text", False)

    def _collection(self, start: Any, parts: list[Node]) -> Node:
        if type(start).__name__ == "SequenceStartEvent":
            return Items(self._place(start), tuple(parts))
        entries: list[tuple[Scalar, Node]] = []
        for key, value in zip(parts[::2], parts[1::2], strict=True):
            if not isinstance(key, Scalar):
                raise _Unreadable(Finding(key.place, "a key that is no text", "write `key: value`"))
            if key.text == "<<" and key.is_plain:
                raise _Unreadable(Finding(key.place, "a merge key (<<)", "write the values out"))
            if isinstance(value, Scalar) and value.is_plain and not value.text:
                value = replace(value, place=key.place)  # ruamel puts what is not there onto the next line
            entries.append((key, value))
        return Table(self._place(start), tuple(entries))

    def _add(self, node: Node) -> None:
        if self._open:
            self._open[-1][1].append(node)
        else:
            self._root = node

    def _refuse(self, event: Any, what: str, advice: str) -> None:
        raise _Unreadable(Finding(self._place(event), f"{what} is not allowed here", advice))

    def _place(self, event: Any) -> Place:
        return Place(self._file, event.start_mark.line + 1, event.start_mark.column + 1)


def _kind(text: str) -> Kind:
    if text in _NULL:
        return "nothing"
    if text in _BOOLEAN:
        return "true or false"
    return "number" if _INTEGER.fullmatch(text) or _NUMBER.fullmatch(text) else "text"
