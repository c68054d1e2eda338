"""What a simulated organization holds, and how it changes; no HTTP here.

Everything is found by key, so that a call costs the same with ten people and with a hundred thousand. People
(``User``) exist outside the organization too: one who leaves keeps login and id, and a login that is given up
can be taken by somebody else.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from scim_bridge.errors import Conflict, NotFound


def now_text() -> str:
    """The present as the app writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class User:
    """A person's account on the platform, in the organization or not."""

    id: int
    login: str
    email: str | None = None
    created_at: str = field(default_factory=now_text)


@dataclass(slots=True)
class Team:
    """A team; ``people`` holds user ids by role, ``invited`` invitation ids."""

    id: int
    slug: str
    parent: Team | None = None
    children: list[Team] = field(default_factory=list)
    people: dict[str, dict[int, None]] = field(default_factory=lambda: {"maintainer": {}, "member": {}})
    invited: dict[int, None] = field(default_factory=dict)

    def role_of(self, user_id: int) -> str | None:
        """The direct role of a user, None for none."""
        return next((role for role, ids in self.people.items() if user_id in ids), None)

    def put(self, user_id: int, role: str) -> None:
        """Give a user this role and no other."""
        self.drop(user_id)
        self.people[role][user_id] = None

    def drop(self, user_id: int) -> None:
        """Take a user off the team; not there is fine."""
        for ids in self.people.values():
            ids.pop(user_id, None)

    def inherited(self) -> dict[int, None]:
        """Those who are here only through a child team."""
        below: dict[int, None] = {}
        for child in self.children:
            below |= child.people["maintainer"] | child.people["member"] | child.inherited()
        return {user_id: None for user_id in below if self.role_of(user_id) is None}


@dataclass(slots=True)
class Pending:
    """An invitation, pending or failed; by e-mail (``user`` None), or to a known user."""

    id: int
    email: str | None
    user: User | None
    role: str
    teams: list[Team]
    created_at: str = field(default_factory=now_text)
    failed_at: str | None = None
    failed_reason: str | None = None

    @property
    def about(self) -> str | None:
        """The address, or the login of an invitation by login."""
        return self.email or (self.user.login if self.user else None)


class Organization:
    """One organization with its owner ``owner1``; ``saml``: whether an identity provider links e-mails to logins."""

    def __init__(self, name: str, team_names: str, *, saml: bool) -> None:
        """``team_names``: comma-separated; ``core/api`` is the team ``api`` below ``core``."""
        self._ids = itertools.count(1001)
        self.id = next(self._ids)
        self.name = name
        self.saml = saml
        self.users: dict[int, User] = {}
        self.users_by_login: dict[str, User] = {}
        self.users_by_email: dict[str, User] = {}
        self.members: dict[str, dict[int, None]] = {"admin": {}, "member": {}}
        self.outsiders: dict[int, None] = {}  # outside collaborators
        self.identities: dict[int, str] = {}  # SAML: user id to the address the identity provider vouches for
        self.pending: dict[int, Pending] = {}
        self.pending_by_email: dict[str, Pending] = {}
        self.pending_by_user: dict[int, Pending] = {}
        self.failed: dict[int, Pending] = {}
        self.teams: dict[str, Team] = {}
        for path in filter(None, (part.strip() for part in team_names.split(","))):
            self._add_team(path)
        self.join(self.new_user("owner1"), "admin")

    def _add_team(self, path: str) -> None:
        above, _, slug = path.rpartition("/")
        parent = self.teams[above.rpartition("/")[2]] if above else None
        self.teams[slug] = team = Team(next(self._ids), slug, parent)
        if parent is not None:
            parent.children.append(team)

    def new_user(self, login: str, email: str | None = None) -> User:
        """A new account on the platform. Raises ``Conflict`` for a login that is taken."""
        if login.casefold() in self.users_by_login:
            raise Conflict(f"the login {login} is taken")
        user = User(next(self._ids), login, email)
        self.users[user.id] = self.users_by_login[login.casefold()] = user
        if email:
            self.users_by_email[email.casefold()] = user
        return user

    def find_user(self, login: str) -> User | None:
        """The account that bears the login now."""
        return self.users_by_login.get(login.casefold())

    def get_user(self, login: str) -> User:
        """The account that bears the login now. Raises ``NotFound``."""
        user = self.find_user(login)
        if user is None:
            raise NotFound(f"no user {login}")
        return user

    def get_member(self, login: str) -> User:
        """The member who bears the login now. Raises ``NotFound``, for strangers too."""
        user = self.get_user(login)
        if self.role_of(user) is None:
            raise NotFound(f"{login} is no member")
        return user

    def get_team(self, slug: str) -> Team:
        """The team of this slug. Raises ``NotFound``."""
        if slug not in self.teams:
            raise NotFound(f"no team {slug}")
        return self.teams[slug]

    def rename(self, user: User, login: str) -> None:
        """Give the user another login; the old one is free for anybody."""
        if self.users_by_login.get(login.casefold(), user) is not user:
            raise Conflict(f"the login {login} is taken")
        del self.users_by_login[user.login.casefold()]
        user.login = login
        self.users_by_login[login.casefold()] = user

    def role_of(self, user: User) -> str | None:
        """``admin``, ``member``, or None for somebody outside."""
        return next((role for role, ids in self.members.items() if user.id in ids), None)

    def member_with_email(self, email: str) -> User | None:
        """The member whose account has this address."""
        user = self.users_by_email.get(email.casefold())
        return user if user is not None and self.role_of(user) else None

    def join(self, user: User, role: str) -> None:
        """Make the user a member with this role, or change the role."""
        for ids in self.members.values():
            ids.pop(user.id, None)
        self.members[role][user.id] = None
        self.outsiders.pop(user.id, None)
        if self.saml and user.email:
            self.identities[user.id] = user.email

    def leave(self, user: User) -> None:
        """Take the user's seat and teams away."""
        for ids in self.members.values():
            ids.pop(user.id, None)
        self.identities.pop(user.id, None)
        for team in self.teams.values():
            team.drop(user.id)

    def invite(self, email: str | None, user: User | None, role: str, teams: list[Team]) -> Pending:
        """Send an invitation; the caller has checked that there is none."""
        invitation = Pending(next(self._ids), email, user, role, teams)
        self.pending[invitation.id] = invitation
        if email:
            self.pending_by_email[email.casefold()] = invitation
        if user:
            self.pending_by_user[user.id] = invitation
        for team in teams:
            team.invited[invitation.id] = None
        return invitation

    def withdraw(self, invitation: Pending) -> None:
        """Take a pending invitation out of every list."""
        del self.pending[invitation.id]
        if invitation.email:
            self.pending_by_email.pop(invitation.email.casefold(), None)
        if invitation.user:
            self.pending_by_user.pop(invitation.user.id, None)
        for team in invitation.teams:
            team.invited.pop(invitation.id, None)

    def expire(self, invitation: Pending) -> None:
        """Move a pending invitation to the failed ones, as seven days do."""
        self.withdraw(invitation)
        invitation.failed_at = now_text()
        invitation.failed_reason = "Invitation expired. User did not accept this invite for 7 days"
        self.failed[invitation.id] = invitation

    def get_pending(self, email: str) -> Pending:
        """The pending invitation for an address. Raises ``NotFound``."""
        invitation = self.pending_by_email.get(email.casefold())
        if invitation is None:
            raise NotFound("no pending invitation for this address")
        return invitation

    def accept(self, email: str) -> str:
        """The invited person accepts, with the account of this address or a new one; returns the login."""
        user = self.users_by_email.get(email.casefold())
        invitation = self.pending_by_email.get(email.casefold())
        if invitation is None and user is not None:
            invitation = self.pending_by_user.get(user.id)
        if invitation is None:
            raise NotFound("no pending invitation for this address")
        user = invitation.user or user or self.new_user(self._free_login(email), email)
        self.withdraw(invitation)
        self.join(user, "admin" if invitation.role == "admin" else "member")
        for team in invitation.teams:
            team.put(user.id, "member")
        return user.login

    def _free_login(self, email: str) -> str:
        stem = re.sub(r"[^a-zA-Z0-9]+", "-", email.partition("@")[0]).strip("-")[:36] or "user"
        numbered = (f"{stem}-{number}" for number in itertools.count(2))
        return next(login for login in itertools.chain([stem], numbered) if self.find_user(login) is None)
