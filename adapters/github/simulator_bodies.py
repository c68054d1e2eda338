"""The bodies of the simulated answers, complete as the app's published description demands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.github.simulator_state import Organization, Pending, Team, User

DOCS = "https://docs.github.com/rest"
LONG_AGO = "2026-01-01T00:00:00Z"
APP_PERMISSIONS = {"members": "write", "organization_administration": "read", "organization_plan": "read"}
_USER_LINKS = (
    ("followers_url", "/followers"),
    ("following_url", "/following{/other_user}"),
    ("gists_url", "/gists{/gist_id}"),
    ("starred_url", "/starred{/owner}{/repo}"),
    ("subscriptions_url", "/subscriptions"),
    ("organizations_url", "/orgs"),
    ("repos_url", "/repos"),
    ("events_url", "/events{/privacy}"),
    ("received_events_url", "/received_events"),
)
_ORGANIZATION_LINKS = (
    ("repos_url", "/repos"),
    ("events_url", "/events"),
    ("hooks_url", "/hooks"),
    ("issues_url", "/issues"),
    ("members_url", "/members{/member}"),
    ("public_members_url", "/public_members{/member}"),
)
_PROFILE = ("name", "company", "blog", "location", "email", "hireable", "bio")
_COUNTS = ("public_repos", "public_gists", "followers", "following")


def error(status: int, message: str) -> dict[str, Any]:
    """The app's basic error."""
    return {"message": message, "documentation_url": DOCS, "status": str(status)}


def invalid(resource: str, field: str, message: str) -> dict[str, Any]:
    """The app's validation error (422)."""
    problem = {"resource": resource, "code": "unprocessable", "field": field, "message": message}
    return {"message": "Validation Failed", "errors": [problem], "documentation_url": DOCS, "status": "422"}


def user(root: str, person: User) -> dict[str, Any]:
    """A user as lists show one: no e-mail, no role."""
    url = f"{root}/users/{person.login}"
    return {
        "login": person.login,
        "id": person.id,
        "node_id": f"U_{person.id}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{person.id}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"https://github.com/{person.login}",
        **{name: url + tail for name, tail in _USER_LINKS},
        "type": "User",
        "user_view_type": "public",
        "site_admin": False,
    }


def profile(root: str, person: User) -> dict[str, Any]:
    """A user's public page; the e-mail is kept private, as most people do."""
    return {
        **user(root, person),
        **dict.fromkeys(_PROFILE),
        **dict.fromkeys(_COUNTS, 0),
        "created_at": person.created_at,
        "updated_at": person.created_at,
    }


def organization(root: str, org: Organization) -> dict[str, Any]:
    """The organization as an owner sees it."""
    filled = len(org.members["admin"]) + len(org.members["member"]) + len(org.pending)
    return {
        **organization_simple(root, org),
        "html_url": f"https://github.com/{org.name}",
        "has_organization_projects": True,
        "has_repository_projects": True,
        **dict.fromkeys(_COUNTS, 0),
        "type": "Organization",
        "created_at": LONG_AGO,
        "updated_at": LONG_AGO,
        "archived_at": None,
        "plan": {"name": "enterprise", "space": 976562499, "private_repos": 999999, "filled_seats": filled, "seats": 0},
    }


def organization_simple(root: str, org: Organization) -> dict[str, Any]:
    """The organization inside other bodies."""
    url = f"{root}/orgs/{org.name}"
    return {
        "login": org.name,
        "id": org.id,
        "node_id": f"O_{org.id}",
        "url": url,
        **{name: url + tail for name, tail in _ORGANIZATION_LINKS},
        "avatar_url": f"https://avatars.githubusercontent.com/u/{org.id}",
        "description": None,
    }


def membership(root: str, org: Organization, person: User, role: str, state: str) -> dict[str, Any]:
    """One membership in the organization."""
    return {
        "url": f"{root}/orgs/{org.name}/memberships/{person.login}",
        "state": state,
        "role": role,
        "direct_membership": True,
        "enterprise_teams_providing_indirect_membership": [],
        "organization_url": f"{root}/orgs/{org.name}",
        "organization": organization_simple(root, org),
        "user": user(root, person),
    }


def invitation(root: str, org: Organization, pending: Pending, inviter: User) -> dict[str, Any]:
    """An invitation, pending or failed; ``login`` is null for one by e-mail."""
    return {
        "id": pending.id,
        "node_id": f"OI_{pending.id}",
        "login": pending.user.login if pending.user else None,
        "email": pending.email,
        "role": pending.role,
        "created_at": pending.created_at,
        "failed_at": pending.failed_at,
        "failed_reason": pending.failed_reason,
        "inviter": user(root, inviter),
        "team_count": len(pending.teams),
        "invitation_teams_url": f"{root}/orgs/{org.name}/invitations/{pending.id}/teams",
        "invitation_source": "member",
    }


def team(root: str, org: Organization, one: Team) -> dict[str, Any]:
    """A team with its parent."""
    return {**_team(root, org, one), "parent": _team(root, org, one.parent) if one.parent else None}


def team_full(root: str, org: Organization, one: Team) -> dict[str, Any]:
    """A team as its own address shows it."""
    people = len(one.people["maintainer"]) + len(one.people["member"])
    return {
        **team(root, org, one),
        "created_at": LONG_AGO,
        "updated_at": LONG_AGO,
        "members_count": people,
        "repos_count": 0,
        "organization": organization(root, org),
    }


def _team(root: str, org: Organization, one: Team) -> dict[str, Any]:
    url = f"{root}/organizations/{org.id}/team/{one.id}"
    return {
        "id": one.id,
        "node_id": f"T_{one.id}",
        "name": one.slug,
        "slug": one.slug,
        "description": None,
        "privacy": "closed",
        "notification_setting": "notifications_enabled",
        "permission": "pull",
        "url": url,
        "html_url": f"https://github.com/orgs/{org.name}/teams/{one.slug}",
        "members_url": url + "/members{/member}",
        "repositories_url": url + "/repos",
        "type": "organization",
    }


def team_membership(root: str, org: Organization, one: Team, person: User, role: str, state: str) -> dict[str, Any]:
    """One person's place on a team."""
    url = f"{root}/organizations/{org.id}/team/{one.id}/memberships/{person.login}"
    return {"url": url, "role": role, "state": state}


def installation(root: str, org: Organization) -> dict[str, Any]:
    """The app's installation in the organization."""
    return {
        "id": 1,
        "account": {**user(root, User(org.id, org.name)), "type": "Organization"},
        "repository_selection": "all",
        "access_tokens_url": f"{root}/app/installations/1/access_tokens",
        "repositories_url": f"{root}/installation/repositories",
        "html_url": f"https://github.com/organizations/{org.name}/settings/installations/1",
        "app_id": 1,
        "app_slug": "scim-bridge",
        "target_id": org.id,
        "target_type": "Organization",
        "permissions": APP_PERMISSIONS,
        "events": [],
        "created_at": LONG_AGO,
        "updated_at": LONG_AGO,
        "single_file_name": None,
        "suspended_by": None,
        "suspended_at": None,
    }


def identities(people: Sequence[tuple[User, str]], end_cursor: str | None, *, saml: bool) -> dict[str, Any]:
    """The GraphQL answer with one page of SAML identities; without SAML the provider is null."""
    edges = [
        {
            "node": {
                "guid": f"guid-{person.id}",
                "samlIdentity": {"nameId": email, "emails": [{"value": email}]},
                "scimIdentity": None,
                "user": {"login": person.login, "databaseId": person.id},
            }
        }
        for person, email in people
    ]
    page = {"hasNextPage": end_cursor is not None, "endCursor": end_cursor}
    provider = {"externalIdentities": {"pageInfo": page, "edges": edges}} if saml else None
    return {"data": {"organization": {"samlIdentityProvider": provider}}}
