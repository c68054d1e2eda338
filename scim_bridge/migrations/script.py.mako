<%def name="steps(text)">${"\n".join(line for line in text.splitlines() if "###" not in line).strip() or "pass"}</%def>\
"""${message[0].upper()}${message[1:]}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${steps(upgrades or "")}


def downgrade() -> None:
    ${steps(downgrades or "")}
