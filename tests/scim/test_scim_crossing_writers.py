"""Two writers cross on PostgreSQL, which sends one of them back: it is tried again, and nobody hears of it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from scim_kit import Client

from scim_bridge.db import Database, Tx
from scim_bridge.directory.tables import User
from scim_bridge.scim.service import Service


@pytest.mark.parametrize("db", ["postgresql"], indirect=True)
def test_writers_that_cross_are_tried_again(client: Client, db: Database) -> None:
    ids = [client.user("a"), client.user("b")]
    service = Service(db, 1, 1, lambda: None, lambda tx, person_id: False)
    both_hold_one = threading.Barrier(2)
    one_has_ended = threading.Event()

    def lock_both(order: list[str]) -> int:
        tries: list[int] = []

        def work(tx: Tx) -> None:
            tries.append(1)
            if len(tries) > 1:  # or the two might cross once more
                assert one_has_ended.wait(timeout=10)
            lock = sa.select(User.id).with_for_update()
            tx.execute(lock.where(User.scim_id == order[0]))
            if len(tries) == 1:
                both_hold_one.wait(timeout=10)
            tx.execute(lock.where(User.scim_id == order[1]))

        service.write(work)
        one_has_ended.set()
        return len(tries)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(lock_both, [ids, ids[::-1]])) == [1, 2]


@pytest.mark.parametrize("db", ["postgresql"], indirect=True)
def test_a_member_who_is_deleted_meanwhile_is_pushed_all_the_same(client: Client, db: Database) -> None:
    ada, group = client.user("ada"), client.group("g")
    waits = sa.text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
                    " AND wait_event_type = 'Lock'")  # fmt: skip
    with ThreadPoolExecutor(1) as pool:
        with db.write() as tx:
            tx.execute(sa.delete(User).where(User.scim_id == ada))
            adding = pool.submit(
                client.patch, f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": ada}]}
            )
            with db.read() as other:
                while not adding.done() and not other.execute(waits).scalar_one():
                    other.execute(sa.text("SELECT pg_sleep(0.01)"))
        assert adding.result().status_code == 204
    assert client.members(group) == {ada}
