"""Where a benchmark takes place: one kind of database, filled in the sizes asked for, and how long to look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.scim import servers
from bench.scim.contest import Pace
from bench.scim.fill import Filled, copy_to_postgres, fill_bridge, fill_limit
from bench.scim.servers import Server
from bench.scim.stores import PostgresStore, SqliteStore, Store
from scim_bridge.db import Database

DATABASES = ("sqlite", "postgresql")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many people are there: in a small company, a middle one and a large one."""

    small: int
    middle: int
    large: int


@dataclass(slots=True)
class Site:
    """Filled databases, each made when it is first asked for. ``say`` tells what takes time.

    The bridge's SQLite files are made once for all sites: the rows of other databases are copied from them.
    """

    store: Store
    sizes: Sizes
    pace: Pace
    say: Callable[[str], None]
    files: SqliteStore
    in_files: dict[int, Filled]
    _bridges: dict[int, Filled] = field(default_factory=dict)
    _limits: dict[int, Filled] = field(default_factory=dict)

    @contextmanager
    def bridge(self, people: int) -> Iterator[Server]:
        """A bridge with so many people."""
        if people not in self._bridges:
            self._bridges[people] = self._fill_bridge(people)
        with servers.bridge(self.store, self._bridges[people]) as server:
            yield server

    @contextmanager
    def limit(self, people: int) -> Iterator[Server]:
        """A limit with so many people."""
        if people not in self._limits:
            self._limits[people] = fill_limit(self.store, people)
        with servers.limit(self.store, self._limits[people]) as server:
            yield server

    def _fill_bridge(self, people: int) -> Filled:
        if people not in self.in_files:
            self.say(f"filling a database with {people:,} people")
            self.in_files[people] = fill_bridge(Database(self.files.new(), synchronous="NORMAL"), people)
        filled = self.in_files[people]
        return filled if self.store is self.files else copy_to_postgres(filled, self.store.new())


@contextmanager
def sites(names: tuple[str, ...], sizes: Sizes, pace: Pace, say: Callable[[str], None]) -> Iterator[list[Site]]:
    """A site for each of the databases ``names``; all that they made is gone afterwards."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(TemporaryDirectory(prefix="scim-bridge-bench-")))
        files = SqliteStore(folder)
        in_files: dict[int, Filled] = {}
        made: list[Site] = []
        for name in names:
            store: Store = files
            if name == "postgresql":
                store = PostgresStore()
                opened.callback(store.close)
            made.append(Site(store, sizes, pace, say, files, in_files))
        yield made
