"""What an account is to us, as SQL over its row: one word for each, wherever accounts are listed or counted.

state      | means
-----------+-------------------------------------------------------
linked     | it is a person's
exempt     | nobody's on purpose, with a reason
service    | the same, for a machine
proposed   | it may be a person's: `account accept` or `refuse`
guest      | an outside person: reaches assets, holds no seat
unmatched  | nobody's, as far as we know
"""

from __future__ import annotations

import sqlalchemy as sa

from scim_bridge.hubs.tables import AccountRow

STATES = ("linked", "proposed", "unmatched", "guest", "exempt", "service")


def _word(text: str) -> sa.ColumnElement[str]:
    """Written out: PostgreSQL takes bound values for different ones in SELECT and GROUP BY."""
    return sa.literal_column(f"'{text}'", sa.String)


STATE: sa.ColumnElement[str] = sa.case(
    (AccountRow.person_id.is_not(None), _word("linked")),
    (AccountRow.exempt_kind.is_not(None), AccountRow.exempt_kind),
    (AccountRow.proposed_to.is_not(None), _word("proposed")),
    (AccountRow.is_outside, _word("guest")),
    else_=_word("unmatched"),
)

IS_THERE: sa.ColumnElement[bool] = AccountRow.gone_at.is_(None)

MAY_BE_MATCHED: sa.ColumnElement[bool] = sa.and_(
    IS_THERE, AccountRow.person_id.is_(None), AccountRow.exempt_kind.is_(None), ~AccountRow.is_outside
)
"""Nobody's yet, and nobody said that it stays so. An outside person holds no seat that rules could give."""
