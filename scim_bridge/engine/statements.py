"""What is read of some people in one hub at every claim: statements that are built once (see ``db``).

They take ``hub`` and ``people``, or the ids that an earlier one found.
"""

from __future__ import annotations

import sqlalchemy as sa

from scim_bridge.directory.tables import User, UserEmail
from scim_bridge.engine.tables import AccessRow, AppliedRow, DriftRow, InvitationRow, Task
from scim_bridge.hubs.tables import AccountEmail, AccountRow, AssetRow, HoldingRow

OPEN_TASKS = ("queued", "running", "waiting", "retrying", "held", "failed")

_HUB: sa.BindParameter[str] = sa.bindparam("hub")
_PEOPLE: sa.BindParameter[int] = sa.bindparam("people", expanding=True)
_ACCOUNT_IDS: sa.BindParameter[int] = sa.bindparam("accounts", expanding=True)
ACCOUNT = (
    AccountRow.id,
    AccountRow.ref,
    AccountRow.login,
    AccountRow.status,
    AccountRow.role,
    AccountRow.detail,
    AccountRow.seen_at,
    AccountRow.person_id,
)
DESIRED = sa.select(AccessRow).where(AccessRow.hub_id == _HUB, AccessRow.person_id.in_(_PEOPLE))
USERS = (
    sa.select(User.id, User.person_id, User.join_key, User.document)
    .where(User.person_id.in_(_PEOPLE))
    .order_by(User.person_id, User.active.desc(), User.id)
)
USER_KEYS = (
    sa.select(User.id, User.person_id, User.join_key)
    .where(User.person_id.in_(_PEOPLE))
    .order_by(User.person_id, User.active.desc(), User.id)
)
USER_EMAILS = (
    sa.select(UserEmail.user_id, UserEmail.value_key)
    .where(UserEmail.user_id.in_(sa.bindparam("users", expanding=True)))
    .order_by(UserEmail.user_id, UserEmail.position)
)
ACCOUNTS = (
    sa.select(*ACCOUNT)
    .where(
        AccountRow.hub_id == _HUB,
        AccountRow.person_id.in_(_PEOPLE),
        AccountRow.gone_at.is_(None),
        ~AccountRow.is_outside,  # whoever became an outside person has no seat any more
    )
    .order_by(AccountRow.id)
)
ACCOUNT_EMAILS = sa.select(AccountEmail.account_id, AccountEmail.email_key).where(
    AccountEmail.account_id.in_(_ACCOUNT_IDS)
)
PROPOSED = sa.select(AccountRow.id, AccountRow.proposed_to, AccountRow.ref).where(
    AccountRow.hub_id == _HUB,
    AccountRow.proposed_to.in_(_PEOPLE),
    AccountRow.person_id.is_(None),
    AccountRow.gone_at.is_(None),
)
HOLDINGS = (
    sa.select(
        HoldingRow.account_id,
        HoldingRow.role,
        HoldingRow.asset_id,
        AssetRow.type,
        AssetRow.ref,
        AssetRow.name,
        AssetRow.slug,
    )
    .join(AssetRow, AssetRow.id == HoldingRow.asset_id)
    .where(HoldingRow.account_id.in_(_ACCOUNT_IDS))
)
APPLIED = sa.select(AppliedRow.person_id, AppliedRow.thing, AppliedRow.role).where(
    AppliedRow.hub_id == _HUB, AppliedRow.person_id.in_(_PEOPLE)
)
DRIFT = sa.select(DriftRow).where(DriftRow.hub_id == _HUB, DriftRow.person_id.in_(_PEOPLE)).order_by(DriftRow.thing)
INVITATIONS = (
    sa.select(InvitationRow)
    .where(InvitationRow.hub_id == _HUB, InvitationRow.person_id.in_(_PEOPLE), InvitationRow.ended_at.is_(None))
    .order_by(InvitationRow.id)
)
TASKS = (
    sa.select(Task.id, Task.person_id, Task.action, Task.thing, Task.state, Task.attempts, Task.cause, Task.after)
    .where(Task.hub_id == _HUB, Task.person_id.in_(_PEOPLE), Task.state.in_(OPEN_TASKS))
    .order_by(Task.id)
)
