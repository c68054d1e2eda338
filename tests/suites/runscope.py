"""Run a Runscope export: Okta publishes its SCIM tests in that form, and nothing else runs them any more.

A test is a list of steps with shared variables. Pauses are left out: the bridge answers when it has committed.
What this file does not know (a comparison, a source, a script, a kind of step, a variable that nobody set) fails
with its name: a check that is quietly not made would look like one that passed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

_VARIABLE = re.compile(r"\{\{(\w+)\}\}")
_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_NOTHING = object()


@dataclass(frozen=True)
class Step:
    """One request of a test: its place among the requests from 1, and the export's own words for it."""

    number: int
    raw: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.number:02} {self.raw['note'].strip()}"


@dataclass(frozen=True)
class Answered:
    """What came back, as assertions look at it."""

    response: requests.Response

    def value(self, source: str, property: str | None) -> Any:
        """The value that an assertion or a variable names; ``_NOTHING`` where the body has no such property."""
        match source:
            case "response_status":
                return self.response.status_code
            case "response_time":
                return self.response.elapsed.total_seconds() * 1000
            case "response_json":
                return _dig(self.response.json(), property or "")
        raise NotImplementedError(f"the source {source} is not known")


def read_steps(file: Path) -> list[Step]:
    """The requests of an export, in order."""
    requests_only = (raw for raw in json.loads(file.read_text(encoding="utf-8"))["steps"] if not _is_pause(raw))
    return [Step(number, raw) for number, raw in enumerate(requests_only, 1)]


def play(step: Step, variables: dict[str, str]) -> Iterator[str]:
    """Send a step's request, yield a line for each assertion that does not hold, and set the step's variables."""
    response = requests.request(
        step.raw["method"],
        fill(step.raw["url"], variables),
        headers={name: fill(_header(value), variables) for name, value in step.raw["headers"].items()},
        data=fill(step.raw.get("body") or "", variables).encode(),
        timeout=30,
    )
    answered = Answered(response)
    for assertion in step.raw["assertions"]:
        source, property = assertion["source"], assertion.get("property")
        comparison = COMPARISONS.get(assertion["comparison"])
        if comparison is None:
            raise NotImplementedError(f"the comparison {assertion['comparison']} is not known")
        found = answered.value(source, property)
        wanted = fill(str(assertion["value"]), variables)
        if found is _NOTHING or not comparison(found, wanted):
            what = "nothing" if found is _NOTHING else repr(found)
            yield f"{property or source} {assertion['comparison']} {wanted}: found {what} in {response.text[:500]}"
    for script in (*step.raw["before_scripts"], *step.raw["scripts"]):
        yield from SCRIPTS[script](answered)
    for variable in step.raw["variables"]:
        if variable["name"]:  # the editor of the export leaves empty lines behind
            variables[variable["name"]] = _text(answered.value(variable["source"], variable["property"]))


def fill(text: str, variables: Mapping[str, str]) -> str:
    """``text`` with ``{{name}}`` replaced; raises KeyError for a name that nobody set."""
    return _VARIABLE.sub(lambda found: variables[found[1]], text)


def _is_pause(raw: Mapping[str, Any]) -> bool:
    if raw.get("skipped"):
        raise NotImplementedError(f"the export leaves out a step itself: {raw}")
    if raw["step_type"] not in ("pause", "request"):
        raise NotImplementedError(f"the step type {raw['step_type']} is not known")
    return bool(raw["step_type"] == "pause")


def _header(value: Any) -> str:
    return value if isinstance(value, str) else ", ".join(value)


def _dig(body: Any, property: str) -> Any:
    """``Resources[0].name.givenName`` inside ``body``."""
    for name, index in _PART.findall(property):
        key = int(index) if index else name
        try:
            body = body[key]
        except (KeyError, IndexError, TypeError):
            return _NOTHING
    return body


def _text(value: Any) -> str:
    """A value as Runscope compares it: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _list_of_resources(answered: Answered) -> Iterator[str]:
    found = answered.value("response_json", "Resources")
    if not isinstance(found, list):
        yield f"Resources is no list in {answered.response.text[:500]}"


COMPARISONS: Mapping[str, Callable[[Any, str], bool]] = {
    "equal": lambda found, wanted: _text(found) == wanted,
    "equal_number": lambda found, wanted: _is_integer(found) and found == int(wanted),
    "is_a_number": lambda found, _: _is_integer(found),  # Okta reads Java integers: no text, no fraction
    "is_less_than": lambda found, wanted: found < float(wanted),
    "not_empty": lambda found, _: found not in (None, "", [], {}),
    "has_value": lambda found, wanted: isinstance(found, list) and wanted in found,
    "contains": lambda found, wanted: wanted in found,
}
SCRIPTS: Mapping[str, Callable[[Answered], Iterator[str]]] = {"@builtin:list-resources-array": _list_of_resources}
