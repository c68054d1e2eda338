"""What a reading of GitHub says: the lists, SAML, and a world that moves while we read and write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from github_kit import ADA, HEADERS, Connect, Start, answers, calls

from adapters.github.adapter import GithubAdapter
from adapters.github.simulator import GithubSimulator
from scim_bridge.contract.conformance import seen
from scim_bridge.contract.proof import Proof
from scim_bridge.contract.simulator_server import Reply, Request
from scim_bridge.contract.state import Account, Invitation, Page, Status
from scim_bridge.errors import Conflict, NeedsAttention, Transient


def lack(pages: list[Page]) -> str | None:
    proof = Proof()
    for page in pages:
        proof.take(page)
    return proof.lack()


@pytest.fixture
def start(start: Start, judged: Callable[..., Any]) -> Start:
    """A running organization whose every exchange is held against GitHub's description."""
    return lambda **settings: judged(start(**settings), "github.json", "basic-error", HEADERS)


class TestObserve:
    def test_lists_are_read_to_the_last_page(self, start: Start, connect: Connect) -> None:
        sim = start(seed_members=250, teams="")
        result = seen(connect(sim))
        assert len(result.accounts) == 251
        assert len(result.aliases) == 250
        assert calls(sim, "POST", "/graphql") == 3
        assert calls(sim, "GET", "/orgs/acme/members") == 3 + 2  # owners before and after

    def test_invitations_come_before_members(self, sim: GithubSimulator, connect: Connect) -> None:
        adapter = connect(sim)
        adapter.invite(Invitation(ADA, "member"))
        adapter.invite(Invitation("grace@example.com", "admin"))
        sim.change("expire", email="grace@example.com")
        accounts = [(one.status, one.role) for one in adapter.observe() if isinstance(one, Account)]
        assert list(dict.fromkeys(accounts)) == [
            (Status.INVITED, "member"),
            (Status.EXPIRED, "admin"),
            (Status.ACTIVE, "admin"),
        ]

    def test_an_acceptance_while_we_read_shows_twice_and_never_nowhere(
        self, sim: GithubSimulator, connect: Connect
    ) -> None:
        adapter = connect(sim)
        adapter.invite(Invitation(ADA, "member"))
        self._after(sim, "/orgs/acme/invitations", lambda: sim.accept(ADA))
        assert sorted(one.status for one in seen(adapter).accounts.values() if one.role == "member") == [
            Status.ACTIVE,
            Status.INVITED,
        ]

    @pytest.mark.parametrize(("before", "after"), [("member", "admin"), ("admin", "member")])
    def test_a_change_of_role_while_we_read_hides_nobody(
        self, start: Start, connect: Connect, before: str, after: str
    ) -> None:
        sim = start()
        sim.change("add", login="ada", email=ADA, role=before)
        self._after(sim, "/orgs/acme/members", lambda: sim.change("role", login="ada", role=after))
        assert seen(connect(sim)).by_email(ADA).login == "ada"

    def test_a_team_shows_its_own_people_and_not_its_childs(
        self, sim: GithubSimulator, connect: Connect, ada: Account
    ) -> None:
        sim.change("asset", login="ada", asset="team/api", role="maintainer")
        assert self._teams(connect(sim), ada) == {"api": "maintainer"}

    def test_without_the_flag_who_is_listed_in_a_child_is_taken_as_inherited(
        self, sim: GithubSimulator, connect: Connect, ada: Account
    ) -> None:
        sim.api.shows_inherited = False
        sim.change("asset", login="ada", asset="team/api", role="member")
        assert self._teams(connect(sim), ada) == {"api": "member"}

    def test_without_the_flag_direct_people_of_a_parent_still_show(
        self, sim: GithubSimulator, connect: Connect, ada: Account
    ) -> None:
        sim.api.shows_inherited = False
        sim.change("asset", login="ada", asset="team/core", role="member")
        assert self._teams(connect(sim), ada) == {"core": "member"}

    def test_enterprise_teams_are_left_out(self, sim: GithubSimulator, connect: Connect) -> None:
        sim.override = answers(
            "GET", "/orgs/acme/teams", Reply(200, [{"id": 9, "name": "all", "slug": "all", "type": "enterprise"}])
        )
        assert seen(connect(sim)).assets == []

    def test_every_list_is_proven(self, start: Start, connect: Connect) -> None:
        sim = start(seed_members=250)
        pages = seen(connect(sim)).pages
        assert [(page.number, page.items, page.is_last, page.pages) for page in pages if page.name == "members"] == [
            (1, 100, False, 3),
            (2, 100, False, 3),
            (3, 50, True, None),
        ]
        assert [page.number for page in pages if page.name == "SAML identities"] == [1, 2, 3]
        assert lack(pages) is None

    def test_a_list_whose_link_is_lost_on_the_way_is_not_proven(self, start: Start, connect: Connect) -> None:
        sim = start(seed_members=250)
        second = {"page": "2", "role": "member"}

        def cut(request: Request) -> Reply | None:
            if request.path != "/orgs/acme/members" or not second.items() <= request.query.items():
                return None
            answer = sim.answer(request)
            return Reply(answer.status, answer.body)

        sim.override = cut
        assert lack(seen(connect(sim)).pages) == "members: 2 of 3 pages came"

    def test_identities_that_end_in_the_middle_are_not_proven(self, start: Start, connect: Connect) -> None:
        sim = start(seed_members=150)
        sim.on_exchange = lambda request, _reply: setattr(sim.org, "saml", sim.org.saml and "raph" not in request.path)
        assert lack(seen(connect(sim)).pages) == "SAML identities: it broke off after page 1"

    def test_outside_collaborators_are_outside_people_without_a_seat(
        self, sim: GithubSimulator, connect: Connect
    ) -> None:
        sim.change("outside", login="eve", email="eve@agency.example")
        (eve,) = [one for one in seen(connect(sim)).accounts.values() if one.login == "eve"]
        assert (eve.status, eve.role, eve.is_outside) == (Status.ACTIVE, None, True)

    def test_a_page_on_another_host_is_not_followed(self, sim: GithubSimulator, connect: Connect) -> None:
        elsewhere = Reply(200, [], {"Link": '<https://evil.example/orgs/acme/teams?page=2>; rel="next"'})
        sim.override = answers("GET", "/orgs/acme/teams", elsewhere)
        with pytest.raises(NeedsAttention, match="another host"):
            list(connect(sim).observe())

    def _after(self, sim: GithubSimulator, path: str, change: Callable[[], object]) -> None:
        """Once, right after the first answer to this path."""
        waiting = [change]
        judge = sim.on_exchange

        def then(request: Request, reply: Reply) -> None:
            if judge is not None:
                judge(request, reply)
            if request.method == "GET" and request.path == path and waiting:
                waiting.pop()()

        sim.on_exchange = then

    def _teams(self, adapter: GithubAdapter, account: Account) -> dict[str, str]:
        result = seen(adapter)
        slugs = {asset.key: asset.slug for asset in result.assets}
        return {slugs[key]: role for key, role in result.roles(account.ref).items()}


class TestSaml:
    def test_without_saml_there_are_no_aliases_and_the_probe_says_so(self, start: Start, connect: Connect) -> None:
        sim = start(saml=False, seed_members=1)
        assert seen(connect(sim)).aliases == set()
        assert any("SAML" in warning for warning in connect(sim).probe().warnings)

    def test_with_saml_the_probe_warns_of_nothing(self, sim: GithubSimulator, connect: Connect) -> None:
        assert connect(sim).probe().warnings == ()

    def test_forbidden_identities_are_none(self, sim: GithubSimulator, connect: Connect) -> None:
        body = {"data": {"organization": None}, "errors": [{"type": "FORBIDDEN", "message": "no"}]}
        sim.override = answers("POST", "/graphql", Reply(200, body))
        assert seen(connect(sim)).aliases == set()

    def test_another_error_is_no_empty_list(self, sim: GithubSimulator, connect: Connect) -> None:
        body = {"data": None, "errors": [{"message": "Something went wrong"}]}
        sim.override = answers("POST", "/graphql", Reply(200, body))
        with pytest.raises(Transient):
            list(connect(sim).observe())

    def test_every_address_of_a_signed_in_person_counts_once(self, sim: GithubSimulator, connect: Connect) -> None:
        nodes = [
            {"guid": "1", "samlIdentity": {"nameId": "new@example.com", "emails": []}, "user": None},
            {
                "guid": "2",
                "samlIdentity": {"nameId": "ada", "emails": [{"value": ADA}]},
                "scimIdentity": {"username": "ADA@example.com", "emails": [{"value": "a.l@example.com"}]},
                "user": {"login": "ada", "databaseId": 7},
            },
        ]
        page = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "edges": [{"node": node} for node in nodes]}
        body = {"data": {"organization": {"samlIdentityProvider": {"externalIdentities": page}}}}
        sim.override = answers("POST", "/graphql", Reply(200, body))
        found = {alias.email.casefold() for alias in seen(connect(sim)).aliases}
        assert found == {ADA, "a.l@example.com"}
        assert {alias.ref for alias in seen(connect(sim)).aliases} == {"7"}


class TestTheWorldMovesWhileWeWrite:
    def test_a_role_that_is_there_already_needs_no_write(
        self, sim: GithubSimulator, connect: Connect, ada: Account
    ) -> None:
        assert connect(sim).change_role(ada, "member").role == "member"
        assert calls(sim, "PUT", "/orgs/acme/memberships/ada") == 0

    @pytest.mark.parametrize(
        "reply",
        [
            Reply(404, {"message": "Not Found"}),
            Reply(200, {"state": "pending", "role": "admin", "user": {"id": 1, "login": "ada"}}),
            Reply(200, {"state": "active", "role": "admin", "user": None}),
        ],
        ids=["gone", "a-stranger-was-invited", "nobody"],
    )
    def test_a_change_of_role_that_hit_somebody_else_is_a_conflict(
        self, sim: GithubSimulator, connect: Connect, ada: Account, reply: Reply
    ) -> None:
        sim.override = answers("PUT", "/orgs/acme/memberships/ada", reply)
        with pytest.raises(Conflict):
            connect(sim).change_role(ada, "admin")

    def test_a_removal_that_found_nothing_while_the_seat_is_there_is_a_conflict(
        self, sim: GithubSimulator, connect: Connect, ada: Account
    ) -> None:
        sim.override = answers("DELETE", "/orgs/acme/memberships/ada", Reply(404, {"message": "Not Found"}))
        with pytest.raises(Conflict):
            connect(sim).remove(ada)

    def test_a_login_that_moves_with_every_look_is_a_conflict(
        self, sim: GithubSimulator, connect: Connect, ada: Account
    ) -> None:
        sim.change("rename", login="ada", to="a")
        names = iter(["b", "c", "d"])
        sim.on_exchange = lambda request, _reply: (
            sim.org.rename(sim.org.users[int(ada.ref)], next(names)) if request.path.startswith("/user/") else None
        )
        with pytest.raises(Conflict, match="renamed while we looked"):
            connect(sim).look(ada)

    def test_a_team_that_vanishes_while_it_is_read_ends_the_observation(
        self, sim: GithubSimulator, connect: Connect
    ) -> None:
        sim.override = answers("GET", "/orgs/acme/teams/core/members", Reply(404, {"message": "Not Found"}))
        with pytest.raises(Transient, match="team"):
            list(connect(sim).observe())
