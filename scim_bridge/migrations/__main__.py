"""Write the next migration from what the tables are and what the migrations make: ``make migration MESSAGE=…``.

Compared against a scratch SQLite file that all migrations so far have built. Read what it wrote: a
renamed column looks like a dropped and an added one. Until the first release, tables may also move
under ``0001``: remove that file and run ``make migration MESSAGE=start``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from scim_bridge.db import Database
from scim_bridge.schema import config


def write_migration(message: str) -> Path:
    """Write ``versions/NNNN_message.py`` and return its path."""
    count = len(list(ScriptDirectory.from_config(config()).walk_revisions()))
    with tempfile.TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{folder}/scratch.db")
        with db.write() as tx:
            if count:
                command.upgrade(config(tx), "head")
            settings = config(tx)
            settings.attributes["alters"] = count > 0
            script = command.revision(settings, message, autogenerate=True, rev_id=f"{count + 1:04d}")
        db.close()
    if script is None or isinstance(script, list):
        raise AssertionError("alembic wrote no single migration")
    return Path(script.path)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].strip():
        sys.exit('say what changes: make migration MESSAGE="add a column"')
    print(write_migration(sys.argv[1]))
