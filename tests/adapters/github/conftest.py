"""Ways to an adapter on a simulated organization."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from github_kit import ADA

from adapters.github.adapter import GithubAdapter
from adapters.github.simulator import GithubSimulator
from scim_bridge.clock import Clock, SystemClock
from scim_bridge.contract.conformance import seen
from scim_bridge.contract.http import HttpSettings
from scim_bridge.contract.state import Account

Connect = Callable[..., GithubAdapter]


@pytest.fixture(scope="session")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.fixture
def start() -> Iterator[Callable[..., GithubSimulator]]:
    """``start(saml=False)``: a running organization."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(GithubSimulator(**settings))


@pytest.fixture
def connect(private_key: str) -> Iterator[Connect]:
    """``connect(sim)`` with a token; ``connect(sim, app=True)`` as a GitHub App."""
    made: list[GithubAdapter] = []

    def adapter(
        sim: GithubSimulator,
        *,
        app: bool = False,
        secrets: Mapping[str, str] | None = None,
        http: HttpSettings | None = None,
        clock: Clock | None = None,
        **settings: Any,
    ) -> GithubAdapter:
        settings = {"org": "acme", "api_url": sim.url, **({"app_id": "Iv1.abc"} if app else {}), **settings}
        known = secrets or {"token": "t0ken", "private_key": private_key}
        made.append(GithubAdapter.connect(settings, known.__getitem__, http or HttpSettings(), clock or SystemClock()))
        return made[-1]

    yield adapter
    for one in made:
        one.close()


@pytest.fixture
def sim(start: Callable[..., GithubSimulator]) -> GithubSimulator:
    """An organization with three teams, one nested."""
    return start(teams="core,platform,core/api")


@pytest.fixture
def ada(sim: GithubSimulator, connect: Connect) -> Account:
    """A member, as the adapter reads her."""
    sim.change("add", login="ada", email=ADA)
    return seen(connect(sim)).by_email(ADA)
