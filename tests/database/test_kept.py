"""Connections that are kept: handed out again while they are sound, and never with something left open."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from scim_bridge.db import Database
from scim_bridge.kept import Kept

ONE = sa.select(sa.literal(1))


def test_a_connection_is_used_again(db: Database) -> None:
    with db.read() as first:
        pass
    with db.read() as second:
        assert second is first


def test_two_at_once_have_one_each(db: Database) -> None:
    with db.read() as one, db.read() as other:
        assert one is not other


def test_what_was_left_open_is_rolled_back(db: Database) -> None:
    with db.read() as tx:
        tx.execute(ONE)
    with db.read() as tx:
        assert not tx.in_transaction()


def test_after_an_error_the_next_one_gets_another(db: Database) -> None:
    with db.read() as first:
        pass

    def fail() -> None:
        with db.read():
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with db.read() as second:
        assert second is not first


def test_one_that_is_given_back_after_the_end_is_closed(db: Database) -> None:
    kept = Kept(db.engine, None)
    with kept.use() as tx:
        kept.close()
    assert tx.closed


def test_many_threads_never_share_one(db: Database) -> None:
    shared: set[int] = set()
    seen_twice: list[int] = []

    def look() -> None:
        for _ in range(50):
            with db.read() as tx:
                if id(tx) in shared:
                    seen_twice.append(id(tx))
                shared.add(id(tx))
                tx.execute(ONE)
                shared.discard(id(tx))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not seen_twice
