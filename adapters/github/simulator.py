"""GitHub in a box: one organization behind the calls that the adapter uses, as the published description says.

Simulated faithfully because the adapter's safety hangs on it: invitations by e-mail bear no login and vanish
when they are accepted; ``PUT memberships`` invites a stranger; the list of members has no e-mail and no role;
a freed login can be taken by somebody else. Not simulated: time (an invitation lapses by ``expire``), seats,
policies, repositories.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar

import click
from jose import JOSEError, jwt

from adapters.github import simulator_bodies as bodies
from adapters.github.simulator_api import TOKEN_PREFIX, GithubApi
from adapters.github.simulator_state import Organization
from scim_bridge.contract.simulator import AccountState, Simulator, check_op
from scim_bridge.contract.simulator_server import Reply, Request
from scim_bridge.errors import InvalidInput

BAD_CREDENTIALS = Reply(401, bodies.error(401, "Bad credentials"))


class GithubSimulator(Simulator):
    """``teams``: comma-separated, ``core/api`` is a child of ``core``; ``saml``: logins are visible by e-mail."""

    app: ClassVar[str] = "github"

    def __init__(self, *, org: str = "acme", teams: str = "core,platform", saml: bool = True, **kit: Any) -> None:
        super().__init__(**kit)
        self.org = Organization(org, teams, saml=saml)
        self.api = GithubApi(self.org)
        self._limited_calls = 0
        for number in range(1, self.seed_members + 1):
            self.org.join(self.org.new_user(f"member{number}", f"member{number}@example.com"), "member")

    @classmethod
    def options(cls) -> list[click.Option]:
        return [
            click.Option(["--org"], default="acme", show_default=True, help="The organization's login."),
            click.Option(
                ["--teams"], default="core,platform", show_default=True, help="Slugs; core/api is api below core."
            ),
            click.Option(["--saml/--no-saml"], default=True, show_default=True, help="Are logins visible by e-mail?"),
        ]

    def expire_tokens(self) -> None:
        """End every installation token that was minted so far."""
        with self.lock:
            self.api.tokens.clear()

    def key(self, request: Request) -> str | None:
        return self.api.key(request)

    def admit(self, request: Request) -> Reply | None:
        if not request.headers.get("user-agent"):
            return Reply(403, bodies.error(403, "Request forbidden by administrative rules. Add a User-Agent header."))
        kind, _, credential = request.headers.get("authorization", "").partition(" ")
        if kind.lower() not in ("bearer", "token") or not credential:
            return Reply(401, bodies.error(401, "Requires authentication"))
        if request.path.startswith("/app/") or request.path.endswith("/installation"):
            return None if _is_app_jwt(credential) else BAD_CREDENTIALS
        if credential.startswith(TOKEN_PREFIX):
            return None if self.api.tokens.get(credential, 0) > time.time() else BAD_CREDENTIALS
        return None if self.token in (None, credential) else BAD_CREDENTIALS

    def answer(self, request: Request) -> Reply:
        return self.api.answer(request)

    def over_limit(self, wait_s: int) -> Reply:
        """The secondary limit (429, ``retry-after``) and the primary one (403, ``x-ratelimit-*``) in turn."""
        self._limited_calls += 1
        if self._limited_calls % 2:
            text = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
            return Reply(429, bodies.error(429, text), {"Retry-After": str(wait_s)})
        return Reply(
            403,
            bodies.error(403, "API rate limit exceeded for installation."),
            {
                "X-RateLimit-Limit": "5000",
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": str(int(time.time()) + wait_s),
                "X-RateLimit-Resource": "core",
            },
        )

    def broken(self) -> Reply:
        return Reply(503, bodies.error(503, "Service unavailable"))

    def accounts(self) -> list[AccountState]:
        org, assets = self.org, dict[int, dict[str, str]]()
        for team in org.teams.values():
            for role, ids in team.people.items():
                for user_id in ids:
                    assets.setdefault(user_id, {})[f"team/{team.slug}"] = role
        seats: list[AccountState] = [
            {
                "key": org.users[user_id].login,
                "email": org.users[user_id].email,
                "status": "active",
                "role": role,
                "assets": assets.get(user_id, {}),
            }
            for role, ids in org.members.items()
            for user_id in ids
        ]
        return seats + [
            {
                "key": f"invitation:{one.id}",
                "email": one.email or (one.user.email if one.user else None),
                "status": "invited",
                "role": "admin" if one.role == "admin" else "member",
                "assets": {f"team/{team.slug}": "member" for team in one.teams},
            }
            for one in org.pending.values()
        ]

    def accept(self, email: str) -> str:
        return self.org.accept(email)

    def change(self, op: str, **details: Any) -> None:
        """By hand: ``add`` {login, email?, role?}, ``remove`` {login}, ``role`` {login, role},
        ``asset`` {login, asset: "team/core", role or null}, ``rename`` {login, to}, ``outside`` {login, email?} (an
        outside collaborator), and for invitations
        ``expire`` {email}, ``cancel`` {email}."""
        changes: dict[str, Callable[..., None]] = {
            "add": self._add,
            "remove": lambda login: self.org.leave(self.org.get_member(login)),
            "role": lambda login, role: self.org.join(self.org.get_member(login), _seat_role(role)),
            "asset": self._set_asset,
            "outside": self._let_in,
            "rename": lambda login, to: self.org.rename(self.org.get_user(login), to),
            "expire": lambda email: self.org.expire(self.org.get_pending(email)),
            "cancel": lambda email: self.org.withdraw(self.org.get_pending(email)),
        }
        if op not in changes:
            raise InvalidInput(f"unknown op {op!r}", advice=f"known are {', '.join(changes)}")
        check_op(op, changes[op], details)
        changes[op](**details)

    def _add(self, login: str, email: str | None = None, role: str = "member") -> None:
        self.org.join(self.org.find_user(login) or self.org.new_user(login, email), _seat_role(role))

    def _let_in(self, login: str, email: str | None = None) -> None:
        user = self.org.find_user(login) or self.org.new_user(login, email)
        if self.org.role_of(user):
            self.org.leave(user)
        self.org.outsiders[user.id] = None

    def _set_asset(self, login: str, asset: str, role: str | None) -> None:
        team, user = self.org.get_team(asset.removeprefix("team/")), self.org.get_member(login)
        if role is None:
            team.drop(user.id)
        else:
            team.put(user.id, role)


def _seat_role(role: str) -> str:
    if role not in ("admin", "member"):
        raise InvalidInput(f"unknown role {role!r}", advice="it is admin or member")
    return role


def _is_app_jwt(credential: str) -> bool:
    """Whether this is an app's token: RS256, an issuer, alive, ten minutes at most. Its signature is not looked at."""
    try:
        header, claims = jwt.get_unverified_header(credential), jwt.get_unverified_claims(credential)
        lives_s = int(claims["exp"]) - int(claims["iat"])
    except (JOSEError, KeyError, ValueError, TypeError):
        return False
    is_alive = time.time() < int(claims["exp"]) <= time.time() + 600
    return header.get("alg") == "RS256" and bool(claims.get("iss")) and is_alive and lives_s <= 660
