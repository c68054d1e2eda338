"""An app of our own, ``forge``, and ways to read mappings for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from databases import db, empty_sqlite, opened, postgresql_url
from mapping_kit import MAPPING, TODAY

from scim_bridge.contract.limits import Limits
from scim_bridge.contract.protocol import Abilities, AssetType, ConnectKey
from scim_bridge.contract.registry import Registry
from scim_bridge.errors import InvalidInput
from scim_bridge.filters import CORE_TRAITS, Traits
from scim_bridge.mapping.load import MappingSet, load_set
from scim_bridge.mapping.model import HubMapping

__all__ = ["db", "empty_sqlite", "opened", "postgresql_url"]


class ForgeAdapter:
    """Teams (one role each) and boards (roles add up); cannot suspend."""

    abilities: ClassVar[Abilities] = Abilities(
        roles=("owner", "member", "guest"),
        asset_types={
            "team": AssetType("team", ("maintainer", "member")),
            "board": AssetType("board", ("edit", "comment", "view"), exclusive=False),
        },
        connect=(
            ConnectKey("org", required=True, help="the organization's name"),
            ConnectKey("token", secret=True),
            ConnectKey("app_id"),
            ConnectKey("private_key", secret=True),
            ConnectKey("api_url"),
        ),
        connect_one_of=(("token",), ("app_id", "private_key")),
        limits=Limits(concurrency=1, rate=1.0, burst=1),
    )

    @classmethod
    def tenant(cls, connect: Mapping[str, str]) -> str:
        if connect["org"] == "no such":
            raise InvalidInput('"no such" is no name of an organization', advice="write it as in its address")
        if connect["org"] == "crash":
            raise KeyError("port")
        return connect["org"].casefold()


class AbleAdapter(ForgeAdapter):
    """Forge in its dearest plan: can suspend, has partners, takes profiles, makes teams."""

    abilities: ClassVar[Abilities] = replace(
        ForgeAdapter.abilities, suspend=True, partners=True, profile=True, create_assets=("team",)
    )


class SoleAdapter:
    """One role, nothing else: ``roles: []`` is enough."""

    abilities: ClassVar[Abilities] = Abilities(roles=("user",), asset_types={}, connect=())

    @classmethod
    def tenant(cls, connect: Mapping[str, str]) -> str:
        return "only"


def broken() -> Any:
    raise ImportError("No module named 'forgelib'")


@pytest.fixture
def registry() -> Registry:
    return Registry(
        {
            "forge": lambda: SimpleNamespace(ADAPTER=ForgeAdapter, SIMULATOR=None),
            "able": lambda: SimpleNamespace(ADAPTER=AbleAdapter, SIMULATOR=None),
            "sole": lambda: SimpleNamespace(ADAPTER=SoleAdapter, SIMULATOR=None),
            "broken": broken,
        }
    )


Load = Callable[..., MappingSet]


@pytest.fixture
def load(registry: Registry) -> Load:
    """Read texts by file name: ``load(acme="...")`` is the file ``mappings/acme.yaml``."""

    def read(environment: str = "production", traits: Traits = CORE_TRAITS, **texts: str) -> MappingSet:
        files = {f"mappings/{name}.yaml": text for name, text in texts.items()}
        return load_set(files, registry=registry, environment=environment, today=TODAY, traits=traits)

    return read


Rules = Callable[..., HubMapping]


@pytest.fixture
def rules(load: Load) -> Rules:
    """A hub with these ``grants`` (YAML) and maybe a ``scope``."""

    def build(grants: str, scope: str = "active eq true") -> HubMapping:
        return load(acme=MAPPING.format(scope=scope) + grants).hubs["acme"]

    return build
