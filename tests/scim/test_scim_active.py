"""``active`` may be removed like any attribute (RFC 7644 section 3.5.2.2), and yet no leaver returns by that."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from scim_kit import Client

from scim_bridge.db import Database
from scim_bridge.directory.tables import User

REMOVE = {"op": "remove", "path": "active"}


def _is_active(db: Database) -> bool:
    with db.read() as tx:
        return bool(tx.execute(sa.select(User.active)).scalar_one())


@pytest.mark.parametrize("active", [True, False])
def test_removing_active_shows_it_no_more_and_changes_nobody(client: Client, db: Database, active: bool) -> None:
    user_id = client.user(active=active)
    assert "active" not in client.patch(f"/Users/{user_id}", REMOVE).get_json()
    assert "active" not in client.get(f"/Users/{user_id}")
    assert _is_active(db) is active


@pytest.mark.parametrize("active", [True, False])
def test_later_changes_leave_it_as_it_was(client: Client, db: Database, active: bool) -> None:
    user_id = client.user(active=active)
    client.patch(f"/Users/{user_id}", REMOVE)
    client.patch(f"/Users/{user_id}", {"op": "replace", "path": "title", "value": "x"})
    assert _is_active(db) is active
    put = client.send("PUT", f"/Users/{user_id}", {"userName": "ada@example.com"})
    assert (put.get_json()["active"], _is_active(db)) == (active, active)


@pytest.mark.parametrize("value", [True, False])
def test_it_can_be_set_again(client: Client, db: Database, value: bool) -> None:
    user_id = client.user(active=not value)
    client.patch(f"/Users/{user_id}", REMOVE)
    shown: Any = client.patch(f"/Users/{user_id}", {"op": "add", "path": "active", "value": value}).get_json()
    assert (shown["active"], _is_active(db)) == (value, value)


@pytest.mark.parametrize("value", [None, ""])
def test_an_empty_value_leaves_it_alone(client: Client, db: Database, value: Any) -> None:
    user_id = client.user(active=False)
    shown = client.patch(f"/Users/{user_id}", {"op": "replace", "path": "active", "value": value}).get_json()
    assert (shown["active"], _is_active(db)) == (False, False)
