"""The simulated calls: each reads or changes the ``Organization`` and answers as the published description says."""

from __future__ import annotations

import itertools
import json
import secrets
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from adapters.github import simulator_bodies as bodies
from adapters.github.simulator_state import Organization, Pending, Team, User
from scim_bridge.contract.simulator_server import Handler, Reply, Request, Routes
from scim_bridge.errors import NotFound

TOKEN_PREFIX = "ghs_simulated_"  # noqa: S105 - the mark of the tokens that we mint, no secret
TOKEN_LIFE_S = 3600
NOT_FOUND = Reply(404, bodies.error(404, "Not Found"))
ALREADY_THERE = "A user with this email addresss is already a part of this organization"  # the vendor's spelling
ALREADY_INVITED = "A user with this email address has already been invited to this organization"
ASKED_ROLES = ("admin", "direct_member", "billing_manager", "reinstate")


class GithubApi:
    """The calls on one organization. ``tokens``: the installation tokens that live, with their end (epoch seconds)."""

    def __init__(self, org: Organization) -> None:
        self.org = org
        self.shows_inherited = True  # lists of team members say who comes through a child team
        self.tokens: dict[str, float] = {}
        self._routes = Routes(self._table())

    def answer(self, request: Request) -> Reply:
        """The app's answer to a request that was let in."""
        handler = self._routes.find(request)
        if handler is None or request.params.get("org", self.org.name).casefold() != self.org.name.casefold():
            return NOT_FOUND
        try:
            return handler(request)
        except NotFound:
            return NOT_FOUND
        except json.JSONDecodeError:
            return Reply(400, bodies.error(400, "Problems parsing JSON"))

    def key(self, request: Request) -> str | None:
        """Whom a request is about: a login, or the e-mail of an invitation."""
        if self._routes.find(request) is None:
            return None
        params = request.params
        if "login" in params:
            return params["login"]
        if request.path.startswith("/user/"):
            user = self.org.users.get(_number(params["id"]))
            return user.login if user else None
        if request.method == "POST" and request.path.endswith("/invitations"):
            return _invited_email(request)
        invitation = self.org.pending.get(_number(params.get("id", ""))) if "/invitations/" in request.path else None
        return invitation.about if invitation else None

    def _table(self) -> dict[str, Handler]:
        o, team = "/orgs/{org}", "/orgs/{org}/teams/{slug}"
        return {
            "GET /user": self._get_self,
            "GET /user/{id}": self._get_user_by_id,
            "GET /users/{login}": self._get_user,
            f"GET {o}": lambda request: Reply(200, bodies.organization(_root(request), self.org)),
            f"GET {o}/members": self._list_members,
            f"DELETE {o}/members/{{login}}": self._delete_member,
            f"GET {o}/memberships/{{login}}": self._get_membership,
            f"PUT {o}/memberships/{{login}}": self._put_membership,
            f"DELETE {o}/memberships/{{login}}": self._delete_membership,
            f"GET {o}/outside_collaborators": self._list_outsiders,
            f"GET {o}/invitations": self._list_invitations,
            f"POST {o}/invitations": self._post_invitation,
            f"DELETE {o}/invitations/{{id}}": self._delete_invitation,
            f"GET {o}/invitations/{{id}}/teams": self._list_invitation_teams,
            f"GET {o}/failed_invitations": self._list_failed,
            f"GET {o}/teams": self._list_teams,
            f"GET {team}": self._get_team,
            f"GET {team}/members": self._list_team_members,
            f"GET {team}/invitations": self._list_team_invitations,
            f"GET {team}/memberships/{{login}}": self._get_team_membership,
            f"PUT {team}/memberships/{{login}}": self._put_team_membership,
            f"DELETE {team}/memberships/{{login}}": self._delete_team_membership,
            f"GET {o}/installation": lambda request: Reply(200, bodies.installation(_root(request), self.org)),
            "POST /app/installations/{id}/access_tokens": self._post_access_token,
            "POST /graphql": self._graphql,
        }

    # Users

    def _get_self(self, request: Request) -> Reply:
        if request.headers["authorization"].partition(" ")[2] in self.tokens:
            return Reply(403, bodies.error(403, "Resource not accessible by integration"))
        return Reply(200, bodies.profile(_root(request), self._owner()))

    def _owner(self) -> User:
        """Who invites and whose token it is: the first owner (there is always one unless taken away by hand)."""
        return self.org.users[next(iter(self.org.members["admin"]), next(iter(self.org.users)))]

    def _get_user_by_id(self, request: Request) -> Reply:
        user = self.org.users.get(_number(request.params["id"]))
        return Reply(200, bodies.profile(_root(request), user)) if user else NOT_FOUND

    def _get_user(self, request: Request) -> Reply:
        return Reply(200, bodies.profile(_root(request), self.org.get_user(request.params["login"])))

    # Members

    def _list_members(self, request: Request) -> Reply:
        role = request.query.get("role", "all")
        lists = self.org.members.values() if role == "all" else [self.org.members.get(role, {})]
        return self._page(request, sum(map(len, lists)), itertools.chain(*lists), self._user_body(request))

    def _list_outsiders(self, request: Request) -> Reply:
        return self._page(request, len(self.org.outsiders), self.org.outsiders, self._user_body(request))

    def _user_body(self, request: Request) -> Callable[[int], dict[str, Any]]:
        root = _root(request)
        return lambda user_id: bodies.user(root, self.org.users[user_id])

    def _get_membership(self, request: Request) -> Reply:
        user = self.org.get_user(request.params["login"])
        role, pending = self.org.role_of(user), self.org.pending_by_user.get(user.id)
        if role:
            return Reply(200, bodies.membership(_root(request), self.org, user, role, "active"))
        if pending:
            asked = "admin" if pending.role == "admin" else "member"
            return Reply(200, bodies.membership(_root(request), self.org, user, asked, "pending"))
        return NOT_FOUND

    def _put_membership(self, request: Request) -> Reply:
        user, role = self.org.get_user(request.params["login"]), _object(request).get("role", "member")
        if role not in self.org.members:
            return Reply(422, bodies.invalid("OrganizationMembership", "role", "role is not included in the list"))
        if self.org.role_of(user):
            self.org.join(user, role)
        elif user.id not in self.org.pending_by_user:
            self.org.invite(None, user, "admin" if role == "admin" else "direct_member", [])
        return self._get_membership(request)

    def _delete_membership(self, request: Request) -> Reply:
        user = self.org.get_user(request.params["login"])
        pending = self.org.pending_by_user.get(user.id)
        if pending:
            self.org.withdraw(pending)
            return Reply(204)
        return self._delete_member(request)

    def _delete_member(self, request: Request) -> Reply:
        self.org.leave(self.org.get_member(request.params["login"]))
        return Reply(204)

    # Invitations

    def _list_invitations(self, request: Request) -> Reply:
        return self._page(request, len(self.org.pending), self.org.pending.values(), self._invitation_body(request))

    def _list_failed(self, request: Request) -> Reply:
        return self._page(request, len(self.org.failed), self.org.failed.values(), self._invitation_body(request))

    def _invitation_body(self, request: Request) -> Callable[[Pending], dict[str, Any]]:
        root, inviter = _root(request), self._owner()
        return lambda one: bodies.invitation(root, self.org, one, inviter)

    def _post_invitation(self, request: Request) -> Reply:
        asked, org = _object(request), self.org
        email, role, team_ids = asked.get("email"), asked.get("role", "direct_member"), asked.get("team_ids", [])
        user = org.users.get(_number(str(asked.get("invitee_id", ""))))
        teams = [team for team in org.teams.values() if team.id in team_ids]
        if user is None and (not isinstance(email, str) or "@" not in email):
            return _refused("email", "Email is invalid")
        if role not in ASKED_ROLES or len(teams) != len(team_ids):
            return _refused("team_ids" if role in ASKED_ROLES else "role", "is not included in the list")
        if (org.role_of(user) if user else org.member_with_email(str(email))) is not None:
            return _refused("data", ALREADY_THERE)
        if user.id in org.pending_by_user if user else str(email).casefold() in org.pending_by_email:
            return _refused("data", ALREADY_INVITED)
        invitation = org.invite(None if user else email, user, role, teams)
        return Reply(201, self._invitation_body(request)(invitation))

    def _delete_invitation(self, request: Request) -> Reply:
        invitation = self.org.pending.get(_number(request.params["id"]))
        if invitation is None:
            return NOT_FOUND
        self.org.withdraw(invitation)
        return Reply(204)

    def _list_invitation_teams(self, request: Request) -> Reply:
        invitation = self.org.pending.get(_number(request.params["id"]))
        if invitation is None:
            return NOT_FOUND
        return self._page(request, len(invitation.teams), invitation.teams, self._team_body(request))

    # Teams

    def _list_teams(self, request: Request) -> Reply:
        return self._page(request, len(self.org.teams), self.org.teams.values(), self._team_body(request))

    def _team_body(self, request: Request) -> Callable[[Team], dict[str, Any]]:
        root = _root(request)
        return lambda team: bodies.team(root, self.org, team)

    def _get_team(self, request: Request) -> Reply:
        return Reply(200, bodies.team_full(_root(request), self.org, self.org.get_team(request.params["slug"])))

    def _list_team_members(self, request: Request) -> Reply:
        team, asked, root = self.org.get_team(request.params["slug"]), request.query.get("role", "all"), _root(request)
        inherited = team.inherited() if asked != "maintainer" else {}
        listed = {role: ids for role, ids in team.people.items() if asked in ("all", role)}
        people = [(user_id, role, False) for role, ids in listed.items() for user_id in ids]
        people += [(user_id, "member", True) for user_id in inherited]

        def body(place: tuple[int, str, bool]) -> dict[str, Any]:
            flags = {"role": place[1], "inherited": place[2]} if self.shows_inherited else {}
            return {**bodies.user(root, self.org.users[place[0]]), **flags}

        return self._page(request, len(people), people, body)

    def _list_team_invitations(self, request: Request) -> Reply:
        invited = self.org.get_team(request.params["slug"]).invited
        invitations = (self.org.pending[one] for one in invited)
        return self._page(request, len(invited), invitations, self._invitation_body(request))

    def _get_team_membership(self, request: Request) -> Reply:
        team, user = self.org.get_team(request.params["slug"]), self.org.get_user(request.params["login"])
        role = team.role_of(user.id) or ("member" if user.id in team.inherited() else None)
        if role is None:
            return NOT_FOUND
        return Reply(200, bodies.team_membership(_root(request), self.org, team, user, role, "active"))

    def _put_team_membership(self, request: Request) -> Reply:
        team, user = self.org.get_team(request.params["slug"]), self.org.get_user(request.params["login"])
        role = _object(request).get("role", "member")
        if role not in team.people:
            return Reply(422, bodies.invalid("TeamMember", "role", "role is not included in the list"))
        if self.org.role_of(user):
            team.put(user.id, role)
            return Reply(200, bodies.team_membership(_root(request), self.org, team, user, role, "active"))
        if user.id not in self.org.pending_by_user:
            self.org.invite(None, user, "direct_member", [team])
        return Reply(200, bodies.team_membership(_root(request), self.org, team, user, role, "pending"))

    def _delete_team_membership(self, request: Request) -> Reply:
        team, user = self.org.get_team(request.params["slug"]), self.org.get_user(request.params["login"])
        if team.role_of(user.id) is None:
            return NOT_FOUND
        team.drop(user.id)
        return Reply(204)

    # The app's installation, GraphQL, pages

    def _post_access_token(self, _request: Request) -> Reply:
        token, ends_at = TOKEN_PREFIX + secrets.token_hex(16), time.time() + TOKEN_LIFE_S
        self.tokens[token] = ends_at
        body = {
            "token": token,
            "expires_at": datetime.fromtimestamp(ends_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "permissions": bodies.APP_PERMISSIONS,
            "repository_selection": "all",
        }
        return Reply(201, body)

    def _graphql(self, request: Request) -> Reply:
        asked = _object(request)
        variables = asked.get("variables") or {}
        if "externalIdentities" not in str(asked.get("query")) or variables.get("org") != self.org.name:
            problem = {"type": "NOT_FOUND", "message": "Could not resolve to an Organization with that login."}
            return Reply(200, {"data": {"organization": None}, "errors": [problem]})
        start = _number(variables.get("after") or "0")
        rows = list(itertools.islice(self.org.identities.items(), start, start + 101))
        people = [(self.org.users[user_id], email) for user_id, email in rows[:100]]
        cursor = str(start + 100) if len(rows) > 100 else None
        return Reply(200, bodies.identities(people, cursor, saml=self.org.saml))

    def _page(self, request: Request, total: int, items: Iterable[Any], body: Callable[[Any], Any]) -> Reply:
        """One page of a list, with ``Link`` to the next and the last where there is one."""
        size = min(100, max(1, _number(request.query.get("per_page", "30"))))
        page = max(1, _number(request.query.get("page", "1")))
        chosen = [body(item) for item in itertools.islice(items, (page - 1) * size, page * size)]
        if page * size >= total:
            return Reply(200, chosen)
        filters = "".join(
            f"&{name}={value}" for name, value in request.query.items() if name not in ("page", "per_page")
        )
        url = f"{_root(request)}{request.path}?per_page={size}{filters}&page="
        last = -(-total // size)
        return Reply(200, chosen, {"Link": f'<{url}{page + 1}>; rel="next", <{url}{last}>; rel="last"'})


def _root(request: Request) -> str:
    return f"http://{request.headers.get('host', 'localhost')}"


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def _object(request: Request) -> dict[str, Any]:
    """The body, ``{}`` where it is no object or (before an answer is given) no JSON."""
    data = request.json()
    return data if isinstance(data, dict) else {}


def _refused(field: str, message: str) -> Reply:
    return Reply(422, bodies.invalid("OrganizationInvitation", field, message))


def _invited_email(request: Request) -> str | None:
    try:
        return str(_object(request).get("email") or "") or None
    except ValueError:
        return None
