"""``scim-bridge``, and ``python -m scim_bridge``: the process of a command.

Nearly all that a start makes stays until the end. Looking for garbage in it every 700 objects, and once more in
everything when the process ends, would be more than a third of what a short command costs.
"""

from __future__ import annotations

import atexit
import gc

_OBJECTS_BETWEEN = 50_000  # some 3 ms a look, and at most some 10 MB that wait for it


def main() -> None:
    """The console script."""
    gc.set_threshold(_OBJECTS_BETWEEN)
    atexit.register(gc.freeze)
    from scim_bridge.cli.main import cli  # after the lines above: the imports are what they are about

    cli.main(prog_name="scim-bridge")


if __name__ == "__main__":
    main()
