"""A reading that ends while pairs are begun: on PostgreSQL both happen at once, and nobody may wait for ever."""

from __future__ import annotations

import threading
import time

import sqlalchemy as sa
from engine_kit import World

from scim_bridge.engine.tables import Pair
from scim_bridge.hubs.tables import Hub

DATABASES = ("postgresql",)
_WAITING_FOR_A_LOCK = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def test_who_is_begun_while_the_first_reading_ends_does_not_wait_for_another_one(world: World) -> None:
    world.publish()
    world.push("ana", "Staff")
    world.fan_out()
    beginner = threading.Thread(target=world.dispatch.step)
    with world.db.write() as tx:  # as the end of a reading does: the hub's row, then those who wait
        tx.execute(sa.select(Hub.id).where(Hub.id == "acme").with_for_update(key_share=True))
        beginner.start()
        deadline_s = time.monotonic() + 10
        while world.rows(_WAITING_FOR_A_LOCK) != [(1,)]:
            assert time.monotonic() < deadline_s, "the pair was begun beside the end of the reading"
            time.sleep(0.01)
        tx.execute(sa.update(Hub).values(observed_from=world.now, observed_at=world.now, observation=1, check_at=None))
    beginner.join()
    world.settle_lanes()
    assert [row.waits for row in world.rows(sa.select(Pair.waits))] == [None]
    assert world.tasks() == [("invite", "seat", "done")]
