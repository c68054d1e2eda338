"""GitHub's bodies in our words, and what its refusals mean; no call is made here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from adapters.github.client import PERMISSIONS
from scim_bridge.contract.http import Answer, without_addresses
from scim_bridge.contract.state import Account, Asset, Status
from scim_bridge.errors import BridgeError, Conflict, NeedsAttention, Permanent, Transient

ADMIN, MEMBER = "admin", "member"
TEAM_ROLES = ("maintainer", "member")
INVITATION = "invitation:"
INVITATION_ROLE = {ADMIN: "admin", MEMBER: "direct_member"}
SEAT_ROLE = {asked: role for role, asked in INVITATION_ROLE.items()}
FULL_S = 15 * 60.0
"""How long a hub rests that may send no more invitations today: removals wait with it, so not for hours."""


@dataclass(frozen=True, slots=True)
class Team:
    """A team; ``parent`` is its parent's ref, ``is_ours`` says that the organization may change who is on it."""

    asset: Asset
    parent: str | None
    is_ours: bool


@dataclass(frozen=True, slots=True)
class Membership:
    """One account's place in the organization, pending or active."""

    account: Account
    is_direct: bool
    through: tuple[str, ...]  # enterprise teams that give it too


def user_ref(user: Any) -> str:
    """The numeric id as text: the one thing about a user that never changes."""
    return str(int(user["id"]))


def team_ref(team: Any) -> str:
    """The numeric id as text."""
    return str(int(team["id"]))


def read_team(team: Any) -> Team:
    """A team from the organization's list."""
    asset = Asset("team", team_ref(team), name=str(team["name"]), slug=str(team["slug"]))
    parent = team.get("parent")
    return Team(asset, team_ref(parent) if parent else None, is_ours=team.get("type") != "enterprise")


def read_team_member(user: Any) -> tuple[str, bool | None]:
    """Who is on a team, and whether only through a child team; None where GitHub does not say."""
    return user_ref(user), user.get("inherited")


def read_invitation(data: Any) -> tuple[Account, int]:
    """An invitation and how many teams it brings; a role that is not ours (billing_manager) stays as it is."""
    role, email = str(data["role"]), data["email"]
    account = Account(
        ref=f"{INVITATION}{int(data['id'])}",
        status=Status.INVITED,
        role=SEAT_ROLE.get(role, role),
        login=data["login"],
        emails=(str(email),) if email else (),
        detail=without_addresses(str(data.get("failed_reason") or "")),
    )
    return account, int(data["team_count"])


def read_member(user: Any, role: str) -> Account:
    """One of the organization's list of members, which is asked for by role and does not show it."""
    return Account(user_ref(user), Status.ACTIVE, role, str(user["login"]))


def read_outsider(user: Any) -> Account:
    """An outside collaborator: no seat, and so no role."""
    return Account(user_ref(user), Status.ACTIVE, None, str(user["login"]), is_outside=True)


def read_membership(data: Any) -> Membership:
    """A membership; without its user (an answer that the description allows) it is nobody's."""
    user = data["user"] or {"id": 0, "login": ""}
    status = Status.ACTIVE if data["state"] == "active" else Status.INVITED
    return Membership(
        Account(user_ref(user), status, str(data["role"]), str(user["login"])),
        is_direct=data.get("direct_membership") is not False,
        through=tuple(data.get("enterprise_teams_providing_indirect_membership") or ()),
    )


def not_invited(answer: Answer) -> BridgeError:
    """What a refused invitation means; 422 is every kind of conflict, so its words are read, loosely."""
    words = answer.message.lower()
    if answer.status == 404:
        return NeedsAttention(f"{answer.step}: GitHub does not let us invite (404)", advice=PERMISSIONS)
    if "already" in words or "pending" in words:
        return Conflict(
            f"{answer.step}: the person is in the organization, or invited, already",
            advice="the hub is observed anew before the next try",
        )
    if any(sign in words for sign in ("limit", "exceeded", "too many", "spammed")):
        return Transient(
            f"{answer.step}: GitHub sends no more invitations for now: {answer.message}",
            advice="a young free organization may send 50 a day, others 500; the rest follows by itself",
            retry_after_s=FULL_S,
            whole_hub=True,
        )
    return Permanent(
        f"{answer.step}: GitHub refuses the invitation: {answer.message}",
        advice="mend what it names (an address, a seat, a policy), then run `scim-bridge tasks retry`",
    )


def moved(answer: Answer) -> Conflict:
    """The account is no longer what the look before the write showed."""
    return Conflict(f"{answer.step}: the account moved while we wrote", advice="the next try looks anew")


def team_moved(answer: Answer) -> Conflict:
    """The team bears another slug, or is gone."""
    return Conflict(
        f"{answer.step}: the team is not there under this name",
        advice="it was renamed or deleted; the hub is observed anew before the next try",
    )


def kept_by_enterprise(found: Membership) -> Permanent:
    """A seat that the enterprise gives too, and that an organization cannot end."""
    teams = ", ".join(found.through) or "an enterprise team"
    return Permanent(
        f"the account {found.account.ref} keeps its seat through the enterprise: {teams}",
        advice="take the person off that enterprise team",
    )
