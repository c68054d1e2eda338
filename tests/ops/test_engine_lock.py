"""One engine a database; the lock ends with whoever held it, and is shared by a forked child."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
import sqlalchemy as sa
from databases import postgresql_database

from scim_bridge.db import Database
from scim_bridge.engine.lock import EngineLock, is_held
from scim_bridge.errors import Conflict

_HOLD = """
import sys, time
from scim_bridge.db import Database
from scim_bridge.engine.lock import EngineLock
lock = EngineLock(Database(sys.argv[1]))
lock.acquire()
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_engine_is_refused(blank_db: Database):
    first = EngineLock(blank_db)
    first.acquire()
    with pytest.raises(Conflict, match="another engine already runs on this database"):
        EngineLock(blank_db).acquire()
    first.release()
    EngineLock(blank_db).acquire()


def test_anybody_can_ask_whether_an_engine_runs(blank_db: Database):
    assert not is_held(blank_db)
    lock = EngineLock(blank_db)
    lock.acquire()
    assert is_held(blank_db)
    assert lock.keep()
    lock.release()
    assert not is_held(blank_db)


def test_kill_9_gives_the_lock_back(blank_db: Database):
    url = blank_db.url.render_as_string(hide_password=False)
    with subprocess.Popen([sys.executable, "-c", _HOLD, url], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Conflict):
            EngineLock(blank_db).acquire()
        holder.send_signal(signal.SIGKILL)
    EngineLock(blank_db).acquire(wait_s=5)


def test_a_child_that_ends_does_not_take_the_lock_along(blank_db: Database):
    lock = EngineLock(blank_db)
    lock.acquire()
    blank_db.close()
    child = os.fork()
    if child == 0:
        os._exit(0 if lock.keep() else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert is_held(blank_db)
    lock.release()


def cut_the_session(db: Database) -> None:
    """End the session that holds the lock, as a restart of the server would."""
    with db.engine.connect() as connection:
        connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
                "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        )
        while is_held(db):
            pass


def test_a_lock_that_a_restarted_server_lost_is_taken_again():
    with postgresql_database() as url:
        db = Database(url)
        lock = EngineLock(db)
        lock.acquire()
        cut_the_session(db)
        assert lock.keep()
        assert is_held(db)
        lock.release()
        db.close()


def test_a_lock_that_another_took_meanwhile_is_not_kept():
    with postgresql_database() as url:
        db = Database(url)
        first, second = EngineLock(db), EngineLock(db)
        first.acquire()
        cut_the_session(db)
        second.acquire(wait_s=2)
        assert not first.keep()
        second.release()
        db.close()
