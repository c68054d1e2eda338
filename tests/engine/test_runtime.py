"""The engine's loops as such: what they do is told elsewhere."""

from __future__ import annotations

import threading

import pytest

from scim_bridge.contract.registry import Registry
from scim_bridge.db import Database
from scim_bridge.engine import runtime
from scim_bridge.settings import load_settings

DATABASES = ("sqlite",)


def test_an_idle_engine_stops_at_once_and_waits_for_no_sweep(db: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(runtime, "_SWEEP_S", 60.0)
    engine = runtime.Engine(db, load_settings({}), Registry({}))
    engine.start()
    engine.stop()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("engine-")] == []
