"""What is wrong with mapping files, said so that an editor can jump there and a person can mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from scim_bridge.errors import InvalidInput
from scim_bridge.mapping.model import Place


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault (``error``: the set is not taken) or a doubt (``warning``); ``file:line:column: message; advice``."""

    place: Place
    message: str
    advice: str = ""
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" + (f"; {self.advice}" if self.advice else "")


class MappingError(InvalidInput):
    """A set of mapping files that cannot be taken; ``findings`` holds every error and warning, in file order."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(in_order(findings))
        errors = [finding for finding in self.findings if finding.level == "error"]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{errors[0].place}: {errors[0].message}{more}", advice=errors[0].advice)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """By file, line and column."""
    return sorted(findings, key=lambda found: (found.place.file, found.place.line, found.place.column))
