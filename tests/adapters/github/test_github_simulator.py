"""The simulator as a test or a demo drives it: over HTTP, by its control side."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from adapters.github.simulator import GithubSimulator
from scim_bridge.contract.simulator import simulate_command

Start = Callable[..., GithubSimulator]

HEADERS = {"Authorization": "Bearer anything", "User-Agent": "test"}
ADA = "ada.lovelace@example.com"


class Caller:
    def __init__(self, sim: GithubSimulator) -> None:
        self.url = sim.url

    def send(
        self, method: str, path: str, json: Any = None, headers: dict[str, str] | None = None
    ) -> requests.Response:
        given = HEADERS if headers is None else {"User-Agent": "", **headers}
        return requests.request(method, self.url + path, json=json, headers=given, timeout=5)

    def invite(self, email: str = ADA, **more: Any) -> requests.Response:
        return self.send("POST", "/orgs/acme/invitations", {"email": email, **more})


@pytest.fixture
def sim(start: Start) -> GithubSimulator:
    return start()


@pytest.fixture
def app(sim: GithubSimulator) -> Caller:
    return Caller(sim)


def test_the_owner_and_the_seeded_members_are_there(start: Start) -> None:
    state = requests.get(start(seed_members=2).url + "/_sim/state", timeout=5).json()
    assert state == {
        "accounts": [
            {"key": "owner1", "email": None, "status": "active", "role": "admin", "assets": {}},
            {"key": "member1", "email": "member1@example.com", "status": "active", "role": "member", "assets": {}},
            {"key": "member2", "email": "member2@example.com", "status": "active", "role": "member", "assets": {}},
        ]
    }


def test_an_invitation_is_in_the_state_with_our_role_and_its_teams(app: Caller) -> None:
    teams = app.send("GET", "/orgs/acme/teams").json()
    sent = app.invite(role="admin", team_ids=[teams[0]["id"]]).json()
    assert app.send("GET", "/_sim/state").json()["accounts"][1] == {
        "key": f"invitation:{sent['id']}",
        "email": ADA,
        "status": "invited",
        "role": "admin",
        "assets": {"team/core": "member"},
    }


def test_the_journal_says_when_what_and_about_whom(app: Caller) -> None:
    before = time.time()
    number = app.invite().json()["id"]
    app.send("GET", "/orgs/acme/memberships/owner1")
    app.send("GET", "/orgs/acme/members")
    app.send("DELETE", f"/orgs/acme/invitations/{number}")
    entries = app.send("GET", "/_sim/journal").json()
    assert [(entry["method"], entry["status"], entry["key"]) for entry in entries] == [
        ("POST", 201, ADA),
        ("GET", 200, "owner1"),
        ("GET", 200, None),
        ("DELETE", 204, ADA),
    ]
    assert all(before <= entry["at"] <= time.time() for entry in entries)


def test_the_journal_takes_the_time_of_arrival_not_of_the_answer(start: Start) -> None:
    app = Caller(start(latency_ms=200))
    app.invite()
    assert time.time() - app.send("GET", "/_sim/journal").json()[0]["at"] >= 0.2


def test_who_accepts_gets_a_login_from_the_local_part(app: Caller) -> None:
    app.invite()
    assert app.send("POST", "/_sim/accept", {"email": ADA}).json() == {"login": "ada-lovelace"}


def test_a_login_that_is_taken_gets_a_number(app: Caller) -> None:
    app.invite()
    app.invite("ada.lovelace@other.example")
    app.send("POST", "/_sim/accept", {"email": ADA})
    second = app.send("POST", "/_sim/accept", {"email": "ada.lovelace@other.example"})
    assert second.json() == {"login": "ada-lovelace-2"}


def test_who_comes_back_has_the_old_login(app: Caller) -> None:
    for _ in range(2):
        app.invite()
        assert app.send("POST", "/_sim/accept", {"email": ADA}).json() == {"login": "ada-lovelace"}
        app.send("POST", "/_sim/change", {"op": "remove", "login": "ada-lovelace"})


def test_accepting_without_an_invitation_is_refused(app: Caller) -> None:
    assert app.send("POST", "/_sim/accept", {"email": ADA}).status_code == 422


@pytest.mark.parametrize(
    ("change", "account"),
    [
        ({"op": "role", "login": "member1", "role": "admin"}, {"role": "admin"}),
        (
            {"op": "asset", "login": "member1", "asset": "team/core", "role": "maintainer"},
            {"assets": {"team/core": "maintainer"}},
        ),
        ({"op": "asset", "login": "member1", "asset": "team/core", "role": None}, {"assets": {}}),
        ({"op": "rename", "login": "member1", "to": "renamed"}, {"key": "renamed"}),
    ],
)
def test_a_change_by_hand(start: Start, change: dict[str, Any], account: dict[str, Any]) -> None:
    app = Caller(start(seed_members=1))
    assert app.send("POST", "/_sim/change", change).status_code == 200
    found = {key: value for one in app.send("GET", "/_sim/state").json()["accounts"] for key, value in one.items()}
    assert account.items() <= found.items()


@pytest.mark.parametrize(
    "change",
    [
        {"op": "explode"},
        {"op": "remove", "login": "nobody"},
        {"op": "role", "login": "owner1", "role": "king"},
        {"op": "rename", "login": "owner1"},
        {"op": "asset", "login": "owner1", "asset": "team/none", "role": "member"},
        {"op": "add", "login": "owner1", "role": "king"},
    ],
)
def test_a_change_that_makes_no_sense_is_refused(app: Caller, change: dict[str, Any]) -> None:
    before = app.send("GET", "/_sim/state").json()
    assert app.send("POST", "/_sim/change", change).status_code == 422
    assert app.send("GET", "/_sim/state").json() == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"op": "cancel", "login": "owner1"}, "op cancel takes: email"),
        ({"op": "cancel"}, "op cancel takes: email"),
        ({"op": "add", "name": "x"}, "op add takes: login, email?, role?"),
        ({"op": "remove", "login": 5}, "login of op remove is a text"),
        ({"op": "remove", "login": None}, "login of op remove is a text"),
    ],
)
def test_a_change_says_what_it_takes(app: Caller, change: dict[str, Any], words: str) -> None:
    answer = app.send("POST", "/_sim/change", change)
    assert (answer.status_code, answer.json()["error"]) == (422, words)


def test_an_invitation_lapses_into_the_failed_ones(app: Caller) -> None:
    app.invite()
    app.send("POST", "/_sim/change", {"op": "expire", "email": ADA})
    assert app.send("GET", "/orgs/acme/invitations").json() == []
    assert app.send("GET", "/orgs/acme/failed_invitations").json()[0]["failed_reason"].startswith("Invitation expired")


@pytest.mark.parametrize("accepted", [False, True], ids=["pending", "member"])
def test_a_second_invitation_is_422(app: Caller, accepted: bool) -> None:
    app.invite()
    if accepted:
        app.send("POST", "/_sim/accept", {"email": ADA})
    assert app.invite(ADA.upper()).status_code == 422


@pytest.mark.parametrize("body", [{}, {"email": "x"}, {"email": ADA, "role": "king"}, {"email": ADA, "team_ids": [1]}])
def test_an_invitation_without_sense_is_422(app: Caller, body: dict[str, Any]) -> None:
    assert app.send("POST", "/orgs/acme/invitations", body).status_code == 422


def test_a_role_for_a_stranger_invites_them(sim: GithubSimulator, app: Caller) -> None:
    sim.change("add", login="ada")
    sim.change("remove", login="ada")
    answer = app.send("PUT", "/orgs/acme/memberships/ada", {"role": "member"})
    assert (answer.status_code, answer.json()["state"]) == (200, "pending")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Bearer x"}, 403),
        ({"User-Agent": "x"}, 401),
        ({"User-Agent": "x", "Authorization": "Bearer y"}, 401),
    ],
    ids=["no-user-agent", "no-credential", "another-credential"],
)
def test_headers_are_required(start: Start, headers: dict[str, str], status: int) -> None:
    app = Caller(start(token="T"))
    assert app.send("GET", "/orgs/acme", headers=headers).status_code == status


def test_an_app_proves_itself_with_a_jwt(app: Caller) -> None:
    assert app.send("GET", "/orgs/acme/installation").status_code == 401


def test_unknown_paths_organizations_and_people_are_404(app: Caller) -> None:
    for path in ("/", "/nothing", "/orgs/other/members", "/users/nobody", "/user/1", "/orgs/acme/teams/none/members"):
        assert app.send("GET", path).status_code == 404


def test_broken_json_is_400(app: Caller) -> None:
    answer = requests.post(app.url + "/orgs/acme/invitations", data=b"{", headers=HEADERS, timeout=5)
    assert answer.status_code == 400


def test_pages_are_followed_by_link(start: Start) -> None:
    app = Caller(start(seed_members=5))
    first = app.send("GET", "/orgs/acme/members?role=member&per_page=2")
    second = requests.get(first.links["next"]["url"], headers=HEADERS, timeout=5)
    third = requests.get(second.links["next"]["url"], headers=HEADERS, timeout=5)
    logins = [user["login"] for page in (first, second, third) for user in page.json()]
    assert logins == ["member1", "member2", "member3", "member4", "member5"]
    assert "next" not in third.links


def test_limits_are_said_in_both_of_the_apps_ways(start: Start) -> None:
    app = Caller(start(rate=0.1, burst=1))
    answers = [app.send("GET", "/orgs/acme") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 429, 403]
    assert answers[1].headers["Retry-After"] == "10"
    assert answers[2].headers["X-RateLimit-Remaining"] == "0"
    assert int(answers[2].headers["X-RateLimit-Reset"]) >= time.time()


def test_no_saml_hides_who_has_which_address(start: Start) -> None:
    app = Caller(start(saml=False, seed_members=1))
    query = {"query": "externalIdentities", "variables": {"org": "acme"}}
    assert app.send("POST", "/graphql", query).json()["data"]["organization"]["samlIdentityProvider"] is None


def test_the_command_has_the_apps_own_options() -> None:
    result = CliRunner().invoke(simulate_command("github", GithubSimulator), ["--help"])
    for option in ("--org", "--teams", "--saml / --no-saml", "--seed-members"):
        assert option in result.output
