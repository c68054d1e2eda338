"""GitHub's wire rules: headers, pages, limits, and what its refusals mean.

status  | sign                                   | family
--------+----------------------------------------+------------------------------------------
403 429 | retry-after, remaining 0, "rate limit" | Transient for the whole hub, with the wait
403     | "not accessible", SAML, no owner       | NeedsAttention, naming the permission
403     | any other, on a read                   | NeedsAttention
403     | any other, on a write                  | Permanent
404     | of a team's list                       | Transient: renamed or deleted while we read
404     | of another list                        | NeedsAttention: stands for "not allowed to see" too
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import count
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

from adapters.github.auth import AppAuth, Auth, TokenAuth
from scim_bridge.clock import Clock
from scim_bridge.contract.http import A_MINUTE_S, Answer, Http, HttpSettings
from scim_bridge.contract.state import Page
from scim_bridge.errors import BridgeError, NeedsAttention, Permanent, Transient

T = TypeVar("T")

PUBLIC_API = "https://api.github.com"
HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
PAGE = 100
NOT_ALLOWED = ("not accessible", "must have admin", "must be an", "saml", "forbids access", "ip allow list")
PERMISSIONS = (
    "a GitHub App needs the organization permissions Members: write and Administration: read; a token admin:org"
)


def api_url(connect: Mapping[str, str]) -> str:
    """The address of the API: GitHub's own unless ``connect`` says otherwise; no slash at the end."""
    return connect.get("api_url", PUBLIC_API).rstrip("/")


class GithubClient:
    """Calls to one organization; ``org`` is its path, ``/orgs/acme``."""

    def __init__(
        self, connect: Mapping[str, str], secrets: Callable[[str], str], http: HttpSettings, clock: Clock
    ) -> None:
        self._clock = clock
        self._http = Http(api_url(connect), http, headers=lambda: HEADERS, clock=clock, classify=self._classify)
        # GitHub Enterprise Server: REST is at /api/v3, GraphQL beside it
        self._graphql_url = api_url(connect).removesuffix("/v3") + "/graphql"
        self.org_name = connect["org"]
        self.org = f"/orgs/{quote(self.org_name, safe='')}"
        self.app: AppAuth | None = None
        if "app_id" in connect:
            self.app = AppAuth(self.org, str(connect["app_id"]), secrets, self._http, clock)
        self._auth: Auth = self.app or TokenAuth(secrets)

    def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, str | int] | None = None,
        expect: Collection[int] = (200,),
        writes: bool | None = None,
    ) -> Answer:
        """One call below the API's address; a refused token is renewed once, where it can be."""

        def send(bearer: str, expected: Collection[int]) -> Answer:
            headers = {"Authorization": f"Bearer {bearer}"}
            return self._http.call(
                method, path, json=json, params=params, headers=headers, expect=expected, writes=writes
            )

        bearer = self._auth.bearer()
        answer = send(bearer, (*expect, 401))
        if answer.status != 401:
            return answer
        if not self._auth.can_renew(bearer):
            raise self._http.refusal(answer)
        return send(self._auth.bearer(), expect)

    def pages(self, path: str, parse: Callable[[Any], T], **params: str | int) -> Iterator[T]:
        """Every item of a list, read by ``parse``; the next page is where ``Link`` says, nowhere else."""
        return (item for item in self.proven("", path, parse, **params) if not isinstance(item, Page))

    def proven(self, name: str, path: str, parse: Callable[[Any], T], **params: str | int) -> Iterator[T | Page]:
        """The same with a ``Page`` of the list ``name`` behind the items of each."""
        answer = self.call("GET", path, params={"per_page": PAGE, **params})
        for number in count(1):
            items = answer.read(lambda data: [parse(item) for item in _listed(data)])
            yield from items
            is_last = answer.next_url is None
            yield Page(name, number, len(items), is_last, pages=_last_page(answer))
            if answer.next_url is None:
                return
            answer = self.call("GET", answer.next_url)

    def graphql(self, query: str, variables: Mapping[str, Any]) -> Answer:
        """A GraphQL query; its answer is 200 with ``errors`` in it where REST would refuse."""
        body = {"query": query, "variables": variables}
        answer = self.call("POST", self._graphql_url, json=body, writes=False)
        if any(error.get("type") == "RATE_LIMITED" for error in graphql_errors(answer)):
            raise self._over_limit(answer)
        return answer

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()

    def _classify(self, answer: Answer) -> BridgeError | None:
        if answer.status in (403, 429) and self._is_limit(answer):
            return self._over_limit(answer)
        if answer.status == 403:
            return _forbidden(answer)
        if answer.status == 404 and not answer.writes:
            return _unseen(answer)
        return None

    def _is_limit(self, answer: Answer) -> bool:
        return (
            answer.status == 429
            or self._http.retry_after_s(answer) is not None
            or answer.headers.get("x-ratelimit-remaining") == "0"
            or "rate limit" in answer.message.lower()
            or "abuse" in answer.message.lower()
        )

    def _over_limit(self, answer: Answer) -> Transient:
        """The wait that GitHub asks for: ``retry-after``, else until the reset, else a minute."""
        wait_s = self._http.retry_after_s(answer)
        reset = answer.headers.get("x-ratelimit-reset", "")
        if wait_s is None and answer.headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
            wait_s = max(1.0, int(reset) - self._clock.now().timestamp())
        return Transient(
            f"{answer.step}: GitHub's rate limit is reached ({answer.status})",
            advice="the hub goes on by itself; lower `limits` in its mapping if this happens often",
            retry_after_s=A_MINUTE_S if wait_s is None else wait_s,
            whole_hub=True,
        )


def graphql_errors(answer: Answer) -> list[Mapping[str, Any]]:
    """The ``errors`` of a GraphQL answer."""
    return answer.read(lambda data: [dict(error) for error in data.get("errors") or []])


def _last_page(answer: Answer) -> int | None:
    """The number of the last page, where GitHub tells: not on that page itself, nor in lists that go by cursor."""
    query = parse_qs(urlsplit(answer.last_url or "").query)
    number = query.get("page", [""])[0]
    return int(number) if number.isdigit() else None


def _listed(data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise TypeError("a list was expected")
    return data


def _forbidden(answer: Answer) -> BridgeError:
    words = answer.message.lower()
    needed = answer.headers.get("X-Accepted-GitHub-Permissions", "")
    if not answer.writes or any(sign in words for sign in NOT_ALLOWED):
        return NeedsAttention(
            f"{answer.step}: GitHub does not allow this (403): {answer.message}",
            advice=f"give the credential the permission {needed}" if needed else PERMISSIONS,
        )
    return Permanent(
        f"{answer.step}: GitHub forbids this change (403): {answer.message}",
        advice="a policy of the organization, or a team fed by the identity provider, stands against it",
    )


def _unseen(answer: Answer) -> BridgeError:
    if "/teams/" in answer.step:
        return Transient(
            f"{answer.step}: the team is not there", advice="it was renamed or deleted; the next check tells"
        )
    return NeedsAttention(
        f"{answer.step}: GitHub shows nothing here (404), which also stands for: not allowed to see",
        advice=f"see whether `org` is right; {PERMISSIONS}",
    )
