"""What a command works with, made when it is first asked for: settings, database, adapters, rules, actor."""

from __future__ import annotations

import getpass
import logging
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import click

from scim_bridge.clock import SystemClock
from scim_bridge.contract import registry
from scim_bridge.contract.registry import Registry
from scim_bridge.db import Database, Tx
from scim_bridge.engine.rules import Rules
from scim_bridge.errors import InvalidInput
from scim_bridge.filters import Traits
from scim_bridge.logs import configure_logs
from scim_bridge.mapping.load import MappingSet, load_paths
from scim_bridge.schema import check_schema
from scim_bridge.scim.extensions import load_traits
from scim_bridge.settings import Settings, load_settings


class Session:
    """One command's run. ``environ`` is the process's environment."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._opened: Database | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._opened is not None:
            self._opened.close()

    @cached_property
    def settings(self) -> Settings:
        """Raises ``InvalidInput`` for a wrong setting. Below serve, logs are for debugging only."""
        settings = load_settings(self._environ)
        configure_logs("debug" if settings.log_level == "debug" else "error")
        logging.captureWarnings(True)
        return settings

    @cached_property
    def db(self) -> Database:
        """The database at this version's schema; raises ``InvalidInput`` with the mending command for any other."""
        db = self.any_db
        if db.file is not None and not db.file.exists():  # asking SQLite would make one
            raise InvalidInput(
                f"there is no database at {db.file}",
                advice="start `scim-bridge serve`, or run `scim-bridge db upgrade`, or mend DATABASE_URL",
            )
        check_schema(db)
        return db

    @cached_property
    def any_db(self) -> Database:
        """The database whatever its schema."""
        self._opened = Database(self.settings.database_url, synchronous=self.settings.sqlite_synchronous)
        return self._opened

    @cached_property
    def registry(self) -> Registry:
        return registry.load()

    @cached_property
    def rules(self) -> Rules:
        """Reads mapping sets as the engine does."""
        return Rules(self.registry, self.settings.environment, self.traits)

    def mappings(self, tx: Tx) -> MappingSet:
        """The mapping set in force."""
        return self.rules.in_force(tx).mappings

    def load(self, paths: Sequence[Path]) -> MappingSet:
        """Mapping files and folders of them, checked as of today. Raises ``MappingError`` with every finding."""
        return load_paths(
            paths,
            registry=self.registry,
            environment=self.settings.environment,
            today=SystemClock().now().date(),
            traits=self.traits,
        )

    @cached_property
    def traits(self) -> Traits:
        """What conditions in mappings know of a user's attributes; raises ``InvalidInput`` for wrong extensions."""
        return load_traits(self.settings.schemas)

    @cached_property
    def actor(self) -> str:
        """``cli:<operating system's user>``."""
        try:
            return f"cli:{getpass.getuser()}"
        except (KeyError, OSError):  # a container's user may have no name
            return f"cli:{os.getuid()}"


pass_session = click.make_pass_decorator(Session)
