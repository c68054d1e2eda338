"""``scim-bridge drift list``, and where else drift and leavers are counted for people."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from scim_bridge.db import Database
from scim_bridge.directory import sources, users
from scim_bridge.engine.tables import AccessRow, DriftRow, Pair
from scim_bridge.hubs.tables import AssetRow, Hub

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture
def ana(db: Database) -> int:
    """Ana, whose team somebody changed by hand, and whose timer runs in hub `acme`."""
    with db.write() as tx:
        source_id = sources.add_source(tx, name="okta", kind="okta", joins=True, now=NOW)
        source = sources.SourceRef(source_id, "okta", "okta", True)
        person = users.create_user(tx, source, {"userName": "ana@acme.example"}, now=NOW).person_id
        hub = {"id": "acme", "app": "forge", "tenant": "acme", "mode": "live", "created_at": NOW}
        tx.execute(sa.insert(Hub).values(hub))
        asset = {"type": "team", "ref": "7", "slug": "core", "slug_key": "core", "name": "Core", "name_key": "core"}
        tx.execute(sa.insert(AssetRow).values(hub_id="acme", **asset))
        moved = {"applied": [], "observed": ["member"], "was_there": [], "since": NOW}
        tx.execute(sa.insert(DriftRow).values(hub_id="acme", person_id=person, thing="team/7", **moved))
        lost = {"assets": {}, "because": {}, "lost_at": NOW, "changed_at": NOW, "generation": 1, "revision": 1}
        tx.execute(sa.insert(AccessRow).values(hub_id="acme", person_id=person, **lost))
        due_at = NOW + timedelta(days=7)
        tx.execute(sa.insert(Pair).values(hub_id="acme", person_id=person, want=1, done=1, due_at=due_at))
    return person


def test_drift_is_listed_with_names_and_since_when(run, ana: int):
    found = run("drift", "list", "acme")
    assert found.exit_code == 0
    for words in ("acme", f"ana@acme.example (p{ana})", "team/core", "nothing", "member", "2026-11-23 08:00:00Z"):
        assert words in found.stdout


def test_drift_as_json_over_all_hubs(run, ana: int):
    (one,) = json.loads(run("drift", "list", "--json").stdout)
    assert one == {
        "hub_id": "acme",
        "person_id": f"p{ana}",
        "user_name": "ana@acme.example",
        "thing": "team/core",
        "ours": [],
        "shown": ["member"],
        "was_there": [],
        "since": "2026-11-23T08:00:00+00:00",
    }


def test_no_drift_is_a_sentence(run, db: Database):
    assert run("drift", "list").stdout.startswith("no drift")


def test_drift_of_an_unknown_hub_is_exit_code_2(run, db: Database):
    assert run("drift", "list", "nowhere").exit_code == 2


def test_status_counts_drift_and_leavers_and_names_the_next(run, ana: int):
    hub = json.loads(run("status", "--json").stdout)["hubs"]["acme"]
    assert (hub["drift"], hub["leaving"], hub["next_leave_at"]) == (1, 1, "2026-11-30T08:00:00+00:00")
