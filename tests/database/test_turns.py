"""SQLite's writers: one at a time, in their order, and one commit for those who came together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
import sqlalchemy as sa

from scim_bridge.db import Database, Tx
from scim_bridge.turns import Turns, _Writer

Work = Callable[[Tx], None]


class Writers:
    """Threads that write one after the other, and what the file saw of it."""

    def __init__(self, file: Path) -> None:
        self.db = Database(f"sqlite:///{file}")
        with self.db.write() as tx:
            tx.execute(sa.text("CREATE TABLE names (name TEXT PRIMARY KEY)"))
            tx.execute(sa.text("CREATE TABLE likes (name TEXT REFERENCES names (name) DEFERRABLE INITIALLY DEFERRED)"))
        self.commits = 0
        self._pool = ThreadPoolExecutor(8)
        sa.event.listen(self.db.engine, "commit", self._count)

    def names(self) -> list[str]:
        with self.db.read() as tx:
            return list(tx.execute(sa.text("SELECT name FROM names ORDER BY rowid")).scalars())

    def one_after_the_other(self, *works: tuple[Work, bool]) -> list[Future[None]]:
        """All come while the first is at work; each ``(work, together)``."""
        go, came = Event(), Event()
        first, *others = works

        def hold(tx: Tx) -> None:
            came.set()
            assert go.wait(5)
            first[0](tx)

        started = [self._start(hold, first[1])]
        assert came.wait(5)
        for number, (work, together) in enumerate(others, 1):
            started.append(self._start(work, together))
            self._queued(number)
        go.set()
        for each in started:
            each.exception(5)
        return started

    def _start(self, work: Work, together: bool) -> Future[None]:
        def run() -> None:
            with self.db.write(together=together) as tx:
                work(tx)

        return self._pool.submit(run)

    def _queued(self, number: int) -> None:
        turns = self.db._writers
        assert isinstance(turns, Turns)
        until = time.monotonic() + 5
        while len(turns._queue) < number:
            assert time.monotonic() < until, "it did not come"

    def _count(self, _: object) -> None:
        self.commits += 1

    def close(self) -> None:
        self._pool.shutdown()
        self.db.close()


@pytest.fixture
def writers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Writers]:
    monkeypatch.setattr("scim_bridge.turns._LONGEST_S", 5.0)
    made = Writers(tmp_path / "bridge.db")
    yield made
    made.close()


def add(name: str) -> Work:
    def work(tx: Tx) -> None:
        tx.execute(sa.text("INSERT INTO names VALUES (:name)"), {"name": name})

    return work


def fail(tx: Tx) -> None:
    add("nobody")(tx)
    raise ZeroDivisionError


def like_nobody(tx: Tx) -> None:
    """What only the commit refuses."""
    tx.execute(sa.text("INSERT INTO likes VALUES ('nobody')"))


def test_those_who_came_together_share_a_commit(writers: Writers) -> None:
    writers.one_after_the_other((add("a"), True), (add("b"), True), (add("c"), True))
    assert (writers.names(), writers.commits) == (["a", "b", "c"], 1)


def test_nobody_is_through_before_the_commit(writers: Writers) -> None:
    seen: list[list[str]] = []
    a, _ = writers.one_after_the_other((add("a"), True), (lambda _: seen.append(writers.names()), True))
    assert (a.result(), seen) == (None, [[]])


def test_who_wants_a_transaction_of_its_own_has_it(writers: Writers) -> None:
    writers.one_after_the_other((add("a"), True), (add("b"), False), (add("c"), True), (add("d"), True))
    assert (writers.names(), writers.commits) == (["a", "b", "c", "d"], 3)


def test_nobody_joins_who_wants_a_transaction_of_its_own(writers: Writers) -> None:
    writers.one_after_the_other((add("a"), False), (add("b"), True))
    assert (writers.names(), writers.commits) == (["a", "b"], 2)


def test_a_transaction_takes_sixteen_at_most(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scim_bridge.turns._MOST", 2)
    writers.one_after_the_other(*((add(name), True) for name in "abcd"))
    assert (writers.names(), writers.commits) == (list("abcd"), 2)


def test_a_transaction_that_lasts_takes_nobody_else(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scim_bridge.turns._LONGEST_S", 0.0)
    writers.one_after_the_other((add("a"), True), (add("b"), True))
    assert (writers.names(), writers.commits) == (["a", "b"], 2)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_who_fails_takes_back_only_what_was_theirs(writers: Writers, place: int) -> None:
    works: list[tuple[Work, bool]] = [(add("a"), True), (add("b"), True)]
    works.insert(place, (fail, True))
    ended = writers.one_after_the_other(*works)
    assert writers.names() == ["a", "b"]
    assert [type(each.exception()) for each in ended].index(ZeroDivisionError) == place


def test_a_commit_that_fails_fails_for_all(writers: Writers) -> None:
    ended = writers.one_after_the_other((add("a"), True), (like_nobody, True), (fail, True), (add("b"), True))
    assert writers.names() == []
    assert [type(each.exception()) for each in ended] == [sa.exc.OperationalError] * 4


def test_after_a_commit_that_failed_writing_goes_on(writers: Writers) -> None:
    writers.one_after_the_other((like_nobody, True), (add("a"), False))
    assert writers.names() == ["a"]


def test_a_transaction_that_sqlite_gave_up_fails_for_all(writers: Writers) -> None:
    def give_up(tx: Tx) -> None:
        tx.connection.dbapi_connection.rollback()  # type: ignore[union-attr]
        raise ZeroDivisionError

    ended = writers.one_after_the_other((add("a"), True), (give_up, True))
    assert writers.names() == []
    assert [type(each.exception()) for each in ended] == [sa.exc.OperationalError] * 2
    writers.one_after_the_other((add("b"), True))
    assert writers.names() == ["b"]


def test_whose_turn_does_not_come_is_told_and_leaves_the_queue(writers: Writers) -> None:
    turns = writers.db._writers
    assert isinstance(turns, Turns)
    turns._patience_s = 0.01
    with writers.db.write() as tx:
        add("a")(tx)
        with pytest.raises(sa.exc.TimeoutError, match="writing the database"), writers.db.write():
            pass
    writers.one_after_the_other((add("b"), True))
    assert writers.names() == ["a", "b"]


def test_who_is_interrupted_when_called_ends_what_was_handed_on(
    writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted:
        """The second writer's bell: it rings, and at that moment somebody presses Ctrl-C."""

        def __init__(self) -> None:
            self._rung = Event()

        def acquire(self, timeout: float = -1) -> bool:
            assert self._rung.wait(5)
            raise KeyboardInterrupt

        def release(self) -> None:
            self._rung.set()

    made: list[_Writer] = []

    class Counted(_Writer):
        def __init__(self, together: bool) -> None:
            super().__init__(together)
            made.append(self)
            if len(made) == 2:
                self.called = Interrupted()  # type: ignore[assignment]

    monkeypatch.setattr("scim_bridge.turns._Writer", Counted)
    first, second = writers.one_after_the_other((add("a"), True), (add("b"), True))
    assert (type(first.exception(5)), type(second.exception(5))) == (type(None), KeyboardInterrupt)
    assert writers.names() == ["a"]
    writers.one_after_the_other((add("c"), True))
    assert writers.names() == ["a", "c"]
