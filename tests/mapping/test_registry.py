"""Apps are found by name, and a broken adapter is named."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from scim_bridge.contract import registry as registry_module
from scim_bridge.contract.registry import Registry
from scim_bridge.errors import InvalidInput, NotFound


def test_apps_in_order(registry: Registry) -> None:
    assert registry.apps() == ["able", "broken", "forge", "sole"]


def test_an_adapter_by_name(registry: Registry) -> None:
    assert registry.adapter("forge").abilities.roles == ("owner", "member", "guest")


def test_the_nearest_name(registry: Registry) -> None:
    with pytest.raises(NotFound, match=r'no adapter for the app "Forg"; did you mean "forge"\?'):
        registry.adapter("Forg")


def test_a_broken_adapter_is_named_with_its_reason(registry: Registry) -> None:
    with pytest.raises(InvalidInput, match='the adapter of "broken" cannot be loaded: ImportError: No module named'):
        registry.adapter("broken")


def test_a_package_without_an_adapter() -> None:
    with pytest.raises(InvalidInput, match='the adapter of "bare" exports no ADAPTER'):
        Registry({"bare": SimpleNamespace}).adapter("bare")


def test_a_package_is_loaded_once_and_only_when_asked_for() -> None:
    loaded = []

    def bring() -> SimpleNamespace:
        loaded.append("x")
        return SimpleNamespace(ADAPTER=SimpleNamespace(abilities=None), SIMULATOR=object)

    registry = Registry({"x": bring})
    assert registry.apps() == ["x"]
    assert loaded == []
    registry.adapter("x")
    registry.simulator("x")
    assert loaded == ["x"]


def test_an_app_without_a_simulator(registry: Registry) -> None:
    with pytest.raises(NotFound, match='"forge" has no simulator'):
        registry.simulator("forge")


def test_in_tree_adapters_are_found() -> None:
    assert "github" in registry_module.load().apps()
