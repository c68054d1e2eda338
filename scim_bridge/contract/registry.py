"""Which apps there are. Nothing is imported until it is asked for: a broken adapter hurts only its own hubs.

In-tree adapters are the packages inside ``adapters``; others announce themselves by the entry point group
``scim_bridge.adapters``, its name being the app and its value the adapter's package. Either exports ``ADAPTER``
and, where it has one, ``SIMULATOR``.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from scim_bridge.errors import InvalidInput, NotFound
from scim_bridge.spelling import did_you_mean

if TYPE_CHECKING:
    from scim_bridge.contract.protocol import Adapter
    from scim_bridge.contract.simulator import Simulator

PACKAGE: Final = "adapters"
ENTRY_POINTS: Final = "scim_bridge.adapters"


class Registry:
    """Apps by name. ``packages``: what gives the adapter's package (anything with ``ADAPTER`` and ``SIMULATOR``)."""

    def __init__(self, packages: Mapping[str, Callable[[], Any]]) -> None:
        self._packages = dict(packages)
        self._loaded: dict[str, Any] = {}

    def apps(self) -> list[str]:
        """Every app there is an adapter for, working or not, in order."""
        return sorted(self._packages)

    def adapter(self, app: str) -> type[Adapter]:
        """The adapter's class. ``NotFound`` names the nearest app, ``InvalidInput`` an adapter that does not load."""
        found: type[Adapter] | None = getattr(self._package(app), "ADAPTER", None)
        if found is None or not hasattr(found, "abilities"):
            raise InvalidInput(f'the adapter of "{app}" exports no ADAPTER', advice=_MEND)
        return found

    def simulator(self, app: str) -> type[Simulator]:
        """The app's simulator. ``NotFound`` where there is none."""
        found: type[Simulator] | None = getattr(self._package(app), "SIMULATOR", None)
        if found is None:
            raise NotFound(f'"{app}" has no simulator', advice="use another app")
        return found

    def _package(self, app: str) -> Any:
        if app in self._loaded:
            return self._loaded[app]
        if app not in self._packages:
            raise NotFound(f'no adapter for the app "{app}"', advice=did_you_mean(app, self.apps()))
        try:
            self._loaded[app] = self._packages[app]()
        except Exception as error:  # it is somebody else's code: anything may come
            raise InvalidInput(
                f'the adapter of "{app}" cannot be loaded: {type(error).__name__}: {error}', advice=_MEND
            ) from error
        return self._loaded[app]


_MEND: Final = "mend, update or uninstall the package that brings it"


def load() -> Registry:
    """Every adapter that is installed; an in-tree one cannot be replaced by another package of the same name."""
    packages: dict[str, Callable[[], Any]] = {
        point.name: point.load for point in importlib.metadata.entry_points(group=ENTRY_POINTS)
    }
    in_tree = {
        module.name: partial(importlib.import_module, f"{PACKAGE}.{module.name}")
        for module in pkgutil.iter_modules(importlib.import_module(PACKAGE).__path__)
        if module.ispkg and not module.name.startswith("_")
    }
    return Registry(packages | in_tree)
