"""GitHub in our words: a hub is an organization, a seat is a membership in it, assets are its teams.

    ours                    | GitHub's
    ------------------------+--------------------------------------------------------------
    account, ref            | a user's numeric id as text; the login can be renamed, and taken by a stranger
    account, invited        | a pending invitation, ``invitation:<id>``; an e-mail and no login
    account, expired        | a failed invitation
    role admin, member      | admin (owner), member; in invitations admin, direct_member
    team maintainer, member | the same; an invitation brings members only, a maintainer is made after acceptance

What a reader would doubt:

* Every write to a member looks at the membership first. ``PUT`` with the login of somebody who left, or of the
  stranger who took a freed login, would not fail: it would invite them.
* Owners are listed before and after the other members: whoever is promoted or demoted in between is in one of
  the three. A list is paged by number, so a member may still slip from one page to the next when another is
  removed meanwhile: whoever is missing from an observation is looked at (``look``) before that is believed.
* A team's list holds the people of its child teams too. They are told by ``inherited``; where GitHub does not
  send it, by being listed in a child (somebody who is directly in both then shows in the child only).
* GitHub shows an organization owner on a team as maintainer, whatever role was given.
* Outside collaborators are shown as outside people: they reach repositories and hold no seat.
* Enterprise teams are left out: an organization cannot change who is on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self
from urllib.parse import quote

from adapters.github import identities
from adapters.github.client import PERMISSIONS, GithubClient, api_url
from adapters.github.words import (
    ADMIN,
    INVITATION,
    INVITATION_ROLE,
    MEMBER,
    TEAM_ROLES,
    Membership,
    Team,
    kept_by_enterprise,
    moved,
    not_invited,
    read_invitation,
    read_member,
    read_membership,
    read_outsider,
    read_team,
    read_team_member,
    team_moved,
    team_ref,
)
from scim_bridge.clock import Clock
from scim_bridge.contract.http import HttpSettings
from scim_bridge.contract.limits import Limits
from scim_bridge.contract.protocol import Abilities, AssetType, ConnectKey
from scim_bridge.contract.state import Account, Asset, Holding, Invitation, Observed, Page, Probe, Status
from scim_bridge.errors import Conflict, Held, NeedsAttention

A_WEEK_S = 7 * 24 * 3600


class GithubAdapter:
    """One GitHub organization."""

    abilities: ClassVar[Abilities] = Abilities(
        roles=(ADMIN, MEMBER),
        asset_types={"team": AssetType("team", TEAM_ROLES, exclusive=True)},
        connect=(
            ConnectKey("org", required=True, help="the organization's login, as in github.com/LOGIN"),
            ConnectKey("token", secret=True, help="a classic personal token of an owner, with admin:org"),
            ConnectKey("app_id", help="the GitHub App's client id or app id"),
            ConnectKey("private_key", secret=True, help="the app's private key, PEM"),
            ConnectKey("api_url", help="the API's address, if it is not https://api.github.com"),
        ),
        connect_one_of=(("token",), ("app_id", "private_key")),
        limits=Limits(concurrency=1, rate=1.0, burst=1),
        invites=True,
        assets_at_invitation=True,
        invitation_life_s=A_WEEK_S,
        lost_on_removal="private forks of the organization's repositories",
    )

    def __init__(self, client: GithubClient) -> None:
        self._client = client
        self._org = client.org

    @classmethod
    def tenant(cls, connect: Mapping[str, str]) -> str:
        return f"{api_url(connect)}|{connect['org']}".casefold()

    @classmethod
    def connect(
        cls, connect: Mapping[str, str], secrets: Callable[[str], str], http: HttpSettings, clock: Clock
    ) -> Self:
        return cls(GithubClient(connect, secrets, http, clock))

    def close(self) -> None:
        self._client.close()

    def probe(self) -> Probe:
        """Five reads at most: the credential's own rights, the organization, its invitations, its SAML."""
        self._check_rights()
        answer = self._client.call("GET", self._org)
        org_id, name, plan = answer.read(lambda org: (str(org["id"]), str(org["login"]), org.get("plan") or {}))
        self._prove_sight()
        warnings = []
        if not identities.is_visible(self._client):
            warnings.append(
                "no SAML identities are visible: members cannot be matched by e-mail; "
                "link them by hand, or give the credential Administration: read where the organization has SAML"
            )
        if 0 < plan.get("seats", 0) <= plan.get("filled_seats", 0):
            warnings.append(f"all {plan['seats']} seats of the plan are taken: invitations will be refused")
        return Probe(tenant=org_id, name=name, warnings=tuple(warnings))

    def observe(self) -> Iterator[Observed]:
        """Teams, then invitations before members, then who is on which team, then addresses by SAML.

        Three reads a team; its invitations are read only where one that is pending brings teams.
        """
        teams: list[Team] = []
        for item in self._client.proven("teams", f"{self._org}/teams", read_team):
            if isinstance(item, Page):
                yield item
            elif item.is_ours:
                teams.append(item)
                yield item.asset
        brings_teams = False
        for invited in self._client.proven(
            "invitations", f"{self._org}/invitations", read_invitation, invitation_source="all"
        ):
            yield invited if isinstance(invited, Page) else invited[0]
            brings_teams = brings_teams or (not isinstance(invited, Page) and invited[1] > 0)
        for failed in self._client.proven("failed invitations", f"{self._org}/failed_invitations", read_invitation):
            yield failed if isinstance(failed, Page) else replace(failed[0], status=Status.EXPIRED)
        waiting = list(self._invited_holdings(teams)) if brings_teams else []
        yield from self._members()
        yield from self._list("outside collaborators", "outside_collaborators", read_outsider)
        yield from waiting
        yield from self._team_holdings(teams)
        yield from identities.aliases(self._client)

    def look(self, account: Account) -> Account | None:
        """A member by numeric id, also after a rename; an invitation among the pending and the failed ones.

        None for an invitation says that it is gone, not that its person is: it may have been accepted.
        """
        if account.ref.startswith(INVITATION):
            return self._find_invitation(account.ref)
        membership = self._find(account)
        return membership.account if membership else None

    def invite(self, invitation: Invitation) -> Account:
        """Invite by e-mail, with teams; whatever role is wished for on a team, the invitation brings ``member``."""
        body = {
            "email": invitation.email,
            "role": INVITATION_ROLE[invitation.role],
            "team_ids": [int(asset.ref) for asset in invitation.assets],
        }
        answer = self._client.call("POST", f"{self._org}/invitations", json=body, expect=(201, 404, 422))
        if answer.status != 201:
            raise not_invited(answer)
        return answer.read(read_invitation)[0]

    def cancel(self, account: Account) -> bool:
        number = account.ref.removeprefix(INVITATION)
        answer = self._client.call("DELETE", f"{self._org}/invitations/{number}", expect=(204, 404))
        return answer.status == 204

    def change_role(self, account: Account, role: str) -> Account:
        found = self._get_active(account).account
        if found.role == role:
            return found
        if found.role == ADMIN:
            self._keep_an_owner(found)
        answer = self._client.call("PUT", self._membership_path(found), json={"role": role}, expect=(200, 404))
        if answer.status == 404:
            raise moved(answer)
        changed = answer.read(read_membership).account
        if changed.ref != account.ref or changed.status is not Status.ACTIVE:
            raise moved(answer)
        return changed

    def set_asset(self, account: Account, asset: Asset, role: str) -> None:
        found = self._get_active(account).account
        answer = self._client.call("PUT", self._team_path(asset, found), json={"role": role}, expect=(200, 404))
        if answer.status == 404:
            raise team_moved(answer)

    def unset_asset(self, account: Account, asset: Asset, role: str) -> None:
        found = self._find(account)
        if found is None:
            return
        answer = self._client.call("DELETE", self._team_path(asset, found.account), expect=(204, 404))
        if answer.status == 404:
            team = self._client.call("GET", f"{self._org}/teams/{quote(asset.slug, safe='')}", expect=(200, 404))
            if team.status == 404 or team.read(team_ref) != asset.ref:
                raise team_moved(answer)

    def remove(self, account: Account) -> None:
        found = self._find(account)
        if found is None:
            return
        if not found.is_direct:
            raise kept_by_enterprise(found)
        if found.account.role == ADMIN:
            self._keep_an_owner(found.account)
        answer = self._client.call("DELETE", self._membership_path(found.account), expect=(204, 404))
        if answer.status == 404 and self._find(account) is not None:
            raise moved(answer)
        if found.through:
            raise kept_by_enterprise(found)

    # Reading

    def _check_rights(self) -> None:
        """What the credential may do, as far as GitHub tells without a write."""
        if self._client.app is not None:
            installation = self._client.app.installation()
            if installation.get("suspended_at"):
                raise NeedsAttention(
                    "the GitHub App's installation is suspended", advice="unsuspend it in the settings"
                )
            if (installation.get("permissions") or {}).get("members") != "write":
                raise NeedsAttention("the GitHub App may not write members", advice=PERMISSIONS)
            return
        login = self._client.call("GET", "/user").read(lambda user: str(user["login"]))
        answer = self._client.call("GET", f"{self._org}/memberships/{quote(login, safe='')}", expect=(200, 404))
        if answer.status == 404 or answer.read(read_membership).account.role != ADMIN:
            raise NeedsAttention(
                f"{answer.step}: the token's person is no owner of {self._client.org_name}",
                advice="use the token of an owner, or better a GitHub App",
            )

    def _prove_sight(self) -> None:
        """Only who may see everything may see invitations; without this a 404 elsewhere proves nothing."""
        self._client.call("GET", f"{self._org}/invitations", params={"per_page": 1})

    def _members(self) -> Iterator[Account | Page]:
        owners: dict[str, Account] = {}
        for item in self._holders("owners", ADMIN):
            if isinstance(item, Page):
                yield item
            else:
                owners[item.ref] = item
        for name, role in (("members", MEMBER), ("owners again", ADMIN)):
            for item in self._holders(name, role):
                if isinstance(item, Account):
                    owners.pop(item.ref, None)
                yield item
        yield from owners.values()

    def _holders(self, name: str, role: str) -> Iterator[Account | Page]:
        return self._list(name, "members", lambda user: read_member(user, role), role=role)

    def _list(self, name: str, path: str, parse: Callable[[Any], Account], **params: str) -> Iterator[Account | Page]:
        return self._client.proven(name, f"{self._org}/{path}", parse, **params)

    def _invited_holdings(self, teams: list[Team]) -> Iterator[Holding | Page]:
        for team in teams:
            path = f"{self._org}/teams/{quote(team.asset.slug, safe='')}/invitations"
            name = f"invitations to team {team.asset.ref}"
            for item in self._client.proven(name, path, read_invitation):
                yield item if isinstance(item, Page) else Holding(item[0].ref, team.asset.key, MEMBER)

    def _team_holdings(self, teams: list[Team]) -> Iterator[Holding | Page]:
        """Children first, so that a parent knows whom it has only through them."""
        parents = {team.asset.ref: team.parent for team in teams}
        through_child: dict[str, set[str]] = {team.parent: set() for team in teams if team.parent}

        def depth(team: Team) -> int:
            above = team.parent
            steps = 0
            while above is not None:
                above, steps = parents.get(above), steps + 1
            return steps

        for team in sorted(teams, key=depth, reverse=True):
            below, listed = through_child.get(team.asset.ref, set()), set()
            for role in TEAM_ROLES:
                path = f"{self._org}/teams/{quote(team.asset.slug, safe='')}/members"
                name = f"{role}s of team {team.asset.ref}"
                for item in self._client.proven(name, path, read_team_member, role=role):
                    if isinstance(item, Page):
                        yield item
                        continue
                    ref, inherited = item
                    if team.parent:
                        listed.add(ref)
                    if not (ref in below if inherited is None else inherited):
                        yield Holding(ref, team.asset.key, role)
            if team.parent:
                through_child[team.parent] |= listed

    def _find_invitation(self, ref: str) -> Account | None:
        for path, status in (("invitations", Status.INVITED), ("failed_invitations", Status.EXPIRED)):
            for account, _ in self._client.pages(f"{self._org}/{path}", read_invitation):
                if account.ref == ref:
                    return replace(account, status=status)
        return None

    def _find(self, account: Account) -> Membership | None:
        """The membership of exactly this numeric id. None: surely none, and we are allowed to see that."""
        login = account.login
        for _ in range(3):  # a rename while we look
            if login:
                path = f"{self._org}/memberships/{quote(login, safe='')}"
                answer = self._client.call("GET", path, expect=(200, 404))
                found = answer.read(read_membership) if answer.status == 200 else None
                if found is not None and found.account.ref == account.ref:
                    return found
            now = self._client.call("GET", f"/user/{account.ref}", expect=(200, 404))
            bears = now.read(lambda user: str(user["login"])) if now.status == 200 else None
            if bears is None or (login and bears.casefold() == login.casefold() and found is None):
                self._prove_sight()
                return None
            login = bears
        raise Conflict(f"the account {account.ref} was renamed while we looked", advice="the next try looks anew")

    def _get_active(self, account: Account) -> Membership:
        found = self._find(account)
        if found is None or found.account.status is not Status.ACTIVE:
            raise Conflict(
                f"the account {account.ref} is no active member of {self._client.org_name}",
                advice="the hub is observed anew before the next try",
            )
        return found

    def _keep_an_owner(self, account: Account) -> None:
        owners = (item for item in self._holders("owners", ADMIN) if isinstance(item, Account))
        if all(owner.ref == account.ref for owner in owners):
            raise Held(
                f"{account.login} is the last owner of {self._client.org_name}",
                advice="make somebody else owner first, then release the change",
            )

    def _membership_path(self, account: Account) -> str:
        return f"{self._org}/memberships/{quote(account.login or '', safe='')}"

    def _team_path(self, asset: Asset, account: Account) -> str:
        return f"{self._org}/teams/{quote(asset.slug, safe='')}/memberships/{quote(account.login or '', safe='')}"
