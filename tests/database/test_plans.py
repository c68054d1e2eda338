"""How PostgreSQL carries out what it is asked."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from scim_bridge.db import Database

pytestmark = pytest.mark.parametrize("db", ["postgresql"], indirect=True)


@pytest.mark.parametrize("entrance", ["read", "write", "moment"])
def test_plans_are_not_compiled(db: Database, entrance: str) -> None:
    with getattr(db, entrance)() as tx:
        assert tx.scalar(sa.text("SHOW jit")) == "off"
