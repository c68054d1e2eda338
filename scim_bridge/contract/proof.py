"""Were the app's lists read to their end? Pure.

A list that stops in the middle looks like one that got shorter, and what it leaves out would be taken for gone.
Three marks speak for the end: the app says that no page follows, its number of pages was reached, and as many
items came as it counts. The latest word counts, since a list may grow or shrink while it is read. Lists that are
proven are dropped, so that memory does not grow with their number.
"""

from __future__ import annotations

from dataclasses import dataclass

from scim_bridge.contract.state import Page


@dataclass(frozen=True, slots=True)
class _Sheet:
    """How far one list was read."""

    number: int = 0
    items: int = 0
    pages: int | None = None
    total: int | None = None


class Proof:
    """Takes the pages of one observation as they come."""

    def __init__(self) -> None:
        self.pages = 0
        self._open: dict[str, _Sheet] = {}
        self._lack: str | None = None

    def take(self, page: Page) -> None:
        """A page was read."""
        self.pages += 1
        before = self._open.pop(page.name, _Sheet())
        sheet = _Sheet(
            page.number,
            before.items + page.items,
            before.pages if page.pages is None else page.pages,
            before.total if page.total is None else page.total,
        )
        if page.number != before.number + 1:
            self._lack = self._lack or f"{page.name}: page {before.number + 1} is missing"
        if not page.is_last:
            self._open[page.name] = sheet
            return
        if sheet.pages is not None and sheet.number < sheet.pages:
            self._lack = self._lack or f"{page.name}: {sheet.number} of {sheet.pages} pages came"
        if sheet.total is not None and sheet.items < sheet.total:
            self._lack = self._lack or f"{page.name}: {sheet.items} of {sheet.total} came"

    def lack(self) -> str | None:
        """What is not proven, in a sentence; None: everything was read in full."""
        if self._lack is None and self._open:
            name, sheet = next(iter(self._open.items()))
            return f"{name}: it broke off after page {sheet.number}"
        return self._lack or (None if self.pages else "the adapter proved nothing")

    def step(self, page: Page) -> str:
        """How far the list of this page is, for people: ``members, page 3 of 40``."""
        known = self._open.get(page.name, _Sheet(page.number, pages=page.pages))
        return f"{page.name}, page {page.number}" + (f" of {known.pages}" if known.pages else "")
