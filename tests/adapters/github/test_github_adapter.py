"""What is odd about GitHub: logins that move, lists that hide, 404s that prove nothing, 422s that must be read."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from github_kit import ADA, HEADERS, Connect, Start, answers, calls, logins

import adapters.github
from adapters.github.adapter import GithubAdapter
from adapters.github.simulator import GithubSimulator
from scim_bridge.contract.conformance import seen
from scim_bridge.contract.simulator_server import Reply, Request
from scim_bridge.contract.state import Account, Alias, Asset, Invitation, Status
from scim_bridge.errors import BridgeError, Conflict, NeedsAttention, Permanent, Transient


@pytest.fixture
def start(start: Start, judged: Callable[..., Any]) -> Start:
    """A running organization whose every exchange is held against GitHub's description."""
    return lambda **settings: judged(start(**settings), "github.json", "basic-error", HEADERS)


class TestLoginsMove:
    def test_a_renamed_login_is_found_by_its_numeric_id(
        self, sim: GithubSimulator, connect: Connect, ada: Account
    ) -> None:
        sim.change("rename", login="ada", to="countess")
        found = connect(sim).look(ada)
        assert found is not None
        assert (found.ref, found.login) == (ada.ref, "countess")

    def test_a_renamed_member_is_removed(self, sim: GithubSimulator, connect: Connect, ada: Account) -> None:
        sim.change("rename", login="ada", to="countess")
        connect(sim).remove(ada)
        assert logins(sim) == ["owner1"]

    def test_a_stranger_who_took_the_freed_login_is_not_removed(
        self, sim: GithubSimulator, connect: Connect, ada: Account
    ) -> None:
        sim.change("rename", login="ada", to="countess")
        sim.change("add", login="ada", email="other@example.com")
        connect(sim).remove(ada)
        assert logins(sim) == ["owner1", "ada"]

    def test_a_stranger_stays_also_where_the_account_has_left(
        self, sim: GithubSimulator, connect: Connect, ada: Account
    ) -> None:
        sim.change("remove", login="ada")
        sim.change("rename", login="ada", to="countess")
        sim.change("add", login="ada", email="other@example.com")
        connect(sim).remove(ada)
        assert logins(sim) == ["owner1", "ada"]

    def test_a_stranger_gets_no_team(self, sim: GithubSimulator, connect: Connect, ada: Account) -> None:
        adapter = connect(sim)
        core = seen(adapter).assets[0]
        sim.change("rename", login="ada", to="countess")
        sim.change("add", login="ada", email="other@example.com")
        adapter.set_asset(ada, core, "maintainer")
        assert {account["key"]: account["assets"] for account in sim.state()["accounts"]} == {
            "owner1": {},
            "countess": {"team/core": "maintainer"},
            "ada": {},
        }


class TestA404ProvesLittle:
    def test_a_404_on_removal_is_done_when_the_account_shows_it_has_left(
        self, sim: GithubSimulator, connect: Connect, ada: Account
    ) -> None:
        sim.change("remove", login="ada")
        connect(sim).remove(ada)
        assert calls(sim, "GET", f"/user/{ada.ref}") == 1

    def test_a_404_is_no_proof_where_we_may_no_longer_see(
        self, sim: GithubSimulator, connect: Connect, ada: Account
    ) -> None:
        not_found = Reply(404, {"message": "Not Found"})
        sim.override = lambda request: not_found if request.path.startswith("/orgs/") else None
        with pytest.raises(NeedsAttention, match="not allowed to see"):
            connect(sim).remove(ada)

    def test_a_hidden_organization_needs_attention(self, sim: GithubSimulator, connect: Connect) -> None:
        with pytest.raises(NeedsAttention, match="org"):
            list(connect(sim, org="elsewhere").observe())

    def test_a_team_that_was_renamed_is_a_conflict(self, sim: GithubSimulator, connect: Connect, ada: Account) -> None:
        stale = Asset("team", "1", name="gone", slug="gone")
        with pytest.raises(Conflict):
            connect(sim).set_asset(ada, stale, "member")
        with pytest.raises(Conflict):
            connect(sim).unset_asset(ada, stale, "member")

    def test_a_404_off_a_team_that_is_there_is_done(self, sim: GithubSimulator, connect: Connect, ada: Account) -> None:
        adapter = connect(sim)
        adapter.unset_asset(ada, seen(adapter).assets[0], "member")
        assert [(call["method"], call["status"]) for call in sim.journal()][-2:] == [("DELETE", 404), ("GET", 200)]


@pytest.mark.parametrize(
    ("words", "family"),
    [
        ("A user with this email addresss is already a part of this organization", Conflict),
        ("A user with this email address is ALREADY a member", Conflict),
        ("Invitee has a pending invitation", Conflict),
        ("Over invitation rate limit", Transient),
        ("You have exceeded the number of invitations for today", Transient),
        ("You must purchase at least one more seat to add this user as a member.", Permanent),
        ("Email x@example.com is invalid", Permanent),
    ],
)
def test_a_refused_invitation_is_read_loosely(
    sim: GithubSimulator, connect: Connect, words: str, family: type[BridgeError]
) -> None:
    body = {"message": "Validation Failed", "documentation_url": "", "errors": [{"code": "x", "message": words}]}
    sim.override = answers("POST", "/orgs/acme/invitations", Reply(422, body))
    with pytest.raises(family) as caught:
        connect(sim).invite(Invitation(ADA, "member"))
    assert "x@example.com" not in str(caught.value)


def test_too_many_invitations_rest_the_hub_for_a_while(sim: GithubSimulator, connect: Connect) -> None:
    body = {"message": "Over invitation rate limit", "documentation_url": ""}
    sim.override = answers("POST", "/orgs/acme/invitations", Reply(422, body))
    with pytest.raises(Transient) as caught:
        connect(sim).invite(Invitation(ADA, "member"))
    assert (caught.value.whole_hub, caught.value.retry_after_s) == (True, 900)


class TestLimits:
    def test_a_secondary_limit_says_how_long(self, sim: GithubSimulator, connect: Connect) -> None:
        assert self._refused(sim, connect, 429, {"Retry-After": "17"}) == 17

    def test_a_primary_limit_ends_at_its_reset(self, sim: GithubSimulator, connect: Connect) -> None:
        reset = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 300)}
        assert self._refused(sim, connect, 403, reset) == pytest.approx(300, abs=5)

    def test_a_limit_without_headers_is_a_minute(self, sim: GithubSimulator, connect: Connect) -> None:
        assert self._refused(sim, connect, 403, {}) == 60

    def test_graphql_hides_its_limit_in_a_200(self, sim: GithubSimulator, connect: Connect) -> None:
        body = {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}
        sim.override = answers("POST", "/graphql", Reply(200, body))
        with pytest.raises(Transient) as caught:
            list(connect(sim).observe())
        assert caught.value.whole_hub

    def _refused(self, sim: GithubSimulator, connect: Connect, status: int, headers: Mapping[str, str]) -> float | None:
        body = {"message": "You have exceeded a secondary rate limit"}
        sim.override = lambda _request: Reply(status, body, headers)
        with pytest.raises(Transient) as caught:
            connect(sim).invite(Invitation(ADA, "member"))
        assert caught.value.whole_hub
        return caught.value.retry_after_s


class TestForbidden:
    def test_a_missing_permission_is_named(self, sim: GithubSimulator, connect: Connect) -> None:
        refused = Reply(
            403,
            {"message": "Resource not accessible by integration"},
            {"X-Accepted-GitHub-Permissions": "members=write"},
        )
        sim.override = answers("POST", "/orgs/acme/invitations", refused)
        with pytest.raises(NeedsAttention, match="members=write"):
            connect(sim).invite(Invitation(ADA, "member"))

    def test_a_team_fed_by_the_identity_provider_fails_the_change_only(
        self, sim: GithubSimulator, connect: Connect, ada: Account
    ) -> None:
        adapter = connect(sim)
        core = seen(adapter).assets[0]
        refused = Reply(403, {"message": "This team is externally managed"})
        sim.override = answers("PUT", "/orgs/acme/teams/core/memberships/ada", refused)
        with pytest.raises(Permanent, match="identity provider"):
            adapter.set_asset(ada, core, "member")


class TestAsApp:
    def test_the_probe_needs_no_person(self, sim: GithubSimulator, connect: Connect) -> None:
        assert connect(sim, app=True).probe().name == "acme"

    def test_one_token_serves_many_calls(self, sim: GithubSimulator, connect: Connect) -> None:
        adapter = connect(sim, app=True)
        list(adapter.observe())
        list(adapter.observe())
        assert calls(sim, "POST", "/app/installations/1/access_tokens") == 1

    def test_an_expired_token_is_minted_anew(self, sim: GithubSimulator, connect: Connect) -> None:
        adapter = connect(sim, app=True)
        list(adapter.observe())
        sim.expire_tokens()
        adapter.invite(Invitation(ADA, "member"))
        assert calls(sim, "POST", "/app/installations/1/access_tokens") == 2
        assert [entry["status"] for entry in sim.journal() if entry["path"].endswith("invitations")][-2:] == [401, 201]

    def test_a_token_refused_twice_needs_attention(self, sim: GithubSimulator, connect: Connect) -> None:
        sim.override = answers("POST", "/orgs/acme/invitations", Reply(401, {"message": "Bad credentials"}))
        with pytest.raises(NeedsAttention, match="401"):
            connect(sim, app=True).invite(Invitation(ADA, "member"))

    def test_a_key_that_is_none_needs_attention_and_is_not_shown(self, sim: GithubSimulator, connect: Connect) -> None:
        with pytest.raises(NeedsAttention) as caught:
            connect(sim, app=True, secrets={"private_key": "s3cret"}).probe()
        assert "s3cret" not in str(caught.value)

    def test_an_app_that_is_not_installed_needs_attention(self, sim: GithubSimulator, connect: Connect) -> None:
        with pytest.raises(NeedsAttention, match="not installed"):
            connect(sim, app=True, org="elsewhere").probe()

    def test_an_app_without_the_permission_needs_attention(self, sim: GithubSimulator, connect: Connect) -> None:
        body = {"id": 1, "permissions": {"members": "read"}}
        sim.override = answers("GET", "/orgs/acme/installation", Reply(200, body))
        with pytest.raises(NeedsAttention, match="write members"):
            connect(sim, app=True).probe()


def test_the_token_of_somebody_who_is_no_owner_needs_attention(sim: GithubSimulator, connect: Connect) -> None:
    sim.change("add", login="ada", role="admin")
    sim.override = lambda request: (
        sim.api.answer(Request("GET", "/users/member9", {}, request.headers, b"")) if request.path == "/user" else None
    )
    sim.change("add", login="member9")
    with pytest.raises(NeedsAttention, match="no owner"):
        connect(sim).probe()


def test_a_changed_token_is_read_anew_after_a_refusal(sim: GithubSimulator, connect: Connect) -> None:
    secrets = {"token": "old"}
    adapter = connect(sim, secrets=secrets)
    sim.token = "new"
    sim.on_exchange = lambda _request, _reply: secrets.update(token="new")
    adapter.probe()
    assert sim.journal()[0]["status"] == 401


def test_a_seat_through_the_enterprise_is_not_ours_to_end(sim: GithubSimulator, connect: Connect, ada: Account) -> None:
    body = {
        "state": "active",
        "role": "member",
        "user": {"id": int(ada.ref), "login": "ada"},
        "direct_membership": False,
        "enterprise_teams_providing_indirect_membership": ["everyone"],
    }
    sim.override = answers("GET", "/orgs/acme/memberships/ada", Reply(200, body))
    with pytest.raises(Permanent, match="everyone"):
        connect(sim).remove(ada)
    assert calls(sim, "DELETE", "/orgs/acme/memberships/ada") == 0


def test_an_invitation_says_role_and_teams_in_the_apps_words(sim: GithubSimulator, connect: Connect) -> None:
    sent: list[Any] = []
    judge = sim.on_exchange

    def note(request: Request, reply: Reply) -> None:
        if judge is not None:
            judge(request, reply)
        if request.method == "POST" and request.path.endswith("/invitations"):
            sent.append(json.loads(request.body))

    sim.on_exchange = note
    adapter = connect(sim)
    core, platform, _ = seen(adapter).assets
    adapter.invite(Invitation(ADA, "member", {core: "maintainer", platform: "member"}))
    assert sent == [{"email": ADA, "role": "direct_member", "team_ids": [int(core.ref), int(platform.ref)]}]


def test_an_invitation_is_looked_up_among_the_pending_and_the_failed(sim: GithubSimulator, connect: Connect) -> None:
    adapter = connect(sim)
    account = adapter.invite(Invitation(ADA, "member"))
    assert adapter.look(account) == account
    sim.change("expire", email=ADA)
    lapsed = adapter.look(account)
    assert lapsed is not None
    assert lapsed.status is Status.EXPIRED
    assert adapter.look(Account("invitation:1", Status.INVITED)) is None


@pytest.mark.parametrize(
    ("connect_keys", "tenant"),
    [
        ({"org": "Acme"}, "https://api.github.com|acme"),
        ({"org": "acme", "api_url": "https://GHE.example/api/v3/"}, "https://ghe.example/api/v3|acme"),
    ],
)
def test_the_tenant_is_the_address_and_the_organization(connect_keys: Mapping[str, str], tenant: str) -> None:
    assert GithubAdapter.tenant(connect_keys) == tenant


def test_aliases_come_from_saml(sim: GithubSimulator, connect: Connect, ada: Account) -> None:
    assert seen(connect(sim)).aliases == {Alias(ada.ref, ADA)}


def test_an_account_without_a_login_is_looked_up_by_its_id(
    sim: GithubSimulator, connect: Connect, ada: Account
) -> None:
    found = connect(sim).look(Account(ada.ref, Status.ACTIVE))
    assert found == Account(ada.ref, Status.ACTIVE, "member", "ada")


def test_an_account_that_no_longer_exists_is_gone(sim: GithubSimulator, connect: Connect) -> None:
    assert connect(sim).look(Account("999999", Status.ACTIVE, "member", "deleted")) is None


def test_nothing_is_taken_from_somebody_who_left(sim: GithubSimulator, connect: Connect, ada: Account) -> None:
    adapter = connect(sim)
    core = seen(adapter).assets[0]
    sim.change("remove", login="ada")
    adapter.unset_asset(ada, core, "member")
    assert calls(sim, "DELETE", "/orgs/acme/teams/core/memberships/ada") == 0


def test_an_enterprise_team_beside_the_direct_seat_is_told_after_the_removal(
    sim: GithubSimulator, connect: Connect, ada: Account
) -> None:
    body = {
        "state": "active",
        "role": "member",
        "user": {"id": int(ada.ref), "login": "ada"},
        "direct_membership": True,
        "enterprise_teams_providing_indirect_membership": ["everyone"],
    }
    sim.override = answers("GET", "/orgs/acme/memberships/ada", Reply(200, body))
    with pytest.raises(Permanent, match="everyone"):
        connect(sim).remove(ada)
    assert calls(sim, "DELETE", "/orgs/acme/memberships/ada") == 1


def test_an_organization_that_lets_us_not_invite_needs_attention(sim: GithubSimulator, connect: Connect) -> None:
    sim.override = answers("POST", "/orgs/acme/invitations", Reply(404, {"message": "Not Found"}))
    with pytest.raises(NeedsAttention, match="Members: write"):
        connect(sim).invite(Invitation(ADA, "member"))


def test_the_probe_warns_of_a_plan_without_free_seats(sim: GithubSimulator, connect: Connect) -> None:
    body = {"id": 1, "login": "acme", "plan": {"seats": 5, "filled_seats": 5}}
    sim.override = answers("GET", "/orgs/acme", Reply(200, body))
    assert any("all 5 seats" in warning for warning in connect(sim).probe().warnings)


def test_a_suspended_app_needs_attention(sim: GithubSimulator, connect: Connect) -> None:
    body = {"id": 1, "permissions": {"members": "write"}, "suspended_at": "2026-11-01T00:00:00Z"}
    sim.override = answers("GET", "/orgs/acme/installation", Reply(200, body))
    with pytest.raises(NeedsAttention, match="suspended"):
        connect(sim, app=True).probe()


def test_the_registry_finds_adapter_and_simulator() -> None:
    assert adapters.github.ADAPTER is GithubAdapter
    assert adapters.github.SIMULATOR is GithubSimulator
    assert not hasattr(adapters.github, "OTHER")
