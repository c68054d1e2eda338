"""Does what a provider sends arrive at the bridge, and as it was sent? Most trouble is between the two.

    what came                                     | what it means
    ----------------------------------------------+-----------------------------------------------------
    no connection                                 | nobody listens, a wrong name, a firewall
    a refused certificate                         | providers would refuse it as well
    a redirect                                    | a client loses the method or the token on the way
    our 401, the same as without a token          | the Authorization header did not arrive
    our 401, another than without a token         | another instance, or another database
    our 404 of the application, with another path | a proxy changed the path
    our 503                                       | the bridge is there, its database is not
    anybody else's error or page                  | a gateway answers in the bridge's place

Where nothing arrives nothing else can be learnt: the first of these ends the visit.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit
from uuid import uuid4

import requests

from scim_bridge.doctor.checks import Result, Visit
from scim_bridge.doctor.wire import ERROR, Answer, Unexpected, json_of, told

_CONFIG = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
_IN_THE_WAY = ("answers", "methods")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_MEMBERS = 21_000  # 1.1 MB: more than the megabyte that proxies let through where nobody said otherwise


@dataclass(frozen=True, slots=True)
class _Trouble:
    saw: str
    advice: str


def reach(visit: Visit, public_base: str) -> Iterator[Result]:
    """Results until one is in the way of all others. ``public_base``: the SCIM base URL that BASE_URL makes, or ""."""
    for name, why, look in (
        ("address", "the provider must be able to use the address at all", _address),
        ("answers", "every request begins with a connection, the path and the token", _answers),
        ("methods", "profiles change by PUT and PATCH, groups go by DELETE", _methods),
        ("location", "clients go on with the address that the answer names", partial(_location, public_base)),
        ("large_bodies", "a large group comes in one request of more than a megabyte", _large),
    ):
        visit.wire.sent, visit.wire.slowest_ms = 0, 0.0
        trouble = _trouble(look, visit)
        saw, advice = (trouble.saw, trouble.advice) if trouble else (None, None)
        yield Result(f"reach.{name}", why, saw, advice, visit.wire.sent, round(visit.wire.slowest_ms))
        if trouble and name in _IN_THE_WAY:
            return


def is_reached(results: Iterable[Result]) -> bool:
    """Whether more can be learnt after these results of ``reach``."""
    return all(each.is_fine or each.name.removeprefix("reach.") not in _IN_THE_WAY for each in results)


def _trouble(look: Callable[[Visit], _Trouble | None], visit: Visit) -> _Trouble | None:
    try:
        return look(visit)
    except Unexpected as problem:
        return _Trouble(str(problem), "see the other findings")
    except requests.RequestException as problem:
        return _Trouble(f"the connection broke: {_reason(problem)}", "look at the proxy, and at the bridge's log")


def _address(visit: Visit) -> _Trouble | None:
    base_url = visit.wire.base_url
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if "_" in host:
        return _Trouble(f"the host name {host} has a _ in it, which Okta refuses", "give the bridge a name without _")
    if parts.scheme != "https" and host not in _LOOPBACK:
        advice = "put a TLS proxy in front and set BASE_URL to its https address"
        return _Trouble(f"{base_url} is without TLS, which providers refuse", advice)
    return None


def _answers(visit: Visit) -> _Trouble | None:
    """Ask for what needs no more than a connection, the path and the token."""
    root = visit.wire.base_url
    try:
        answer = visit.wire.ask("GET", "/ServiceProviderConfig")
        body = json_of(answer.response)
        if answer.status == 200 and isinstance(body, dict) and _CONFIG in body.get("schemas", ()):
            return None
        return _told(visit, answer, body)
    except requests.exceptions.SSLError as error:
        return _Trouble(
            f"TLS fails at {root}: {_reason(error)}",
            "serve the whole certificate chain of a public authority, for this very name, and renew it in time",
        )
    except requests.exceptions.ConnectTimeout:
        return _Trouble(f"nobody takes the connection at {root}", "open the port in the firewall, or mend the address")
    except requests.exceptions.ReadTimeout:
        return _Trouble(
            f"{root} took the connection and has not answered for a minute, when Okta gives up",
            "look at the load of the bridge and of its database, and at the proxy's upstream",
        )
    except requests.exceptions.ConnectionError as error:
        if "resolve" in str(error) or "getaddrinfo" in str(error):
            return _Trouble(f"the name in {root} is not known", "mend BASE_URL, or the name's entry in the DNS")
        return _Trouble(
            f"nobody listens at {root} ({_reason(error)})",
            "start `scim-bridge serve`; HOST and PORT here must be those that it has, or name its address with --url",
        )
    except requests.RequestException as error:
        return _Trouble(f"{root} cannot be asked: {_reason(error)}", "mend BASE_URL or --url")


def _told(visit: Visit, answer: Answer, body: object) -> _Trouble:
    said = told(answer.response)
    ours = isinstance(body, dict) and ERROR in body.get("schemas", ())
    inner = body.get("error") if isinstance(body, dict) else None
    if 300 <= answer.status < 400:
        there = answer.response.headers.get("Location", "another address")
        return _Trouble(
            f"{said} with a redirect to {there}; a provider's client loses the method or the token there",
            "let the proxy answer at this address itself, or set BASE_URL to the one that it redirects to",
        )
    if answer.status == 401 and ours:
        return _unauthorized(visit, said, body)
    if answer.status == 404 and isinstance(inner, dict):
        arrived = re.match(r"GET (\S+):", str(inner.get("message", "")))
        return _Trouble(
            f"the path did not arrive as it was sent: {arrived[1] if arrived else 'another one'} arrived for "
            f"{answer.response.request.path_url}",
            "let the proxy pass the whole path on (nginx: `proxy_pass http://127.0.0.1:8080;`, nothing after the port)",
        )
    if answer.status == 429 and ours:
        wait = answer.response.headers.get("Retry-After", "60")
        return _Trouble(f"this machine was refused too often lately: {said}", f"run it again in {wait} s")
    if answer.status == 503 and (ours or isinstance(inner, dict)):
        return _Trouble(f"the bridge is there, but its database is not ({said})", "start the database of the instance")
    if answer.status in (502, 503, 504):
        return _Trouble(
            f"{said}: the proxy is there, the bridge behind it is not",
            "start `scim-bridge serve`, and compare its HOST and PORT with the proxy's upstream",
        )
    if answer.status in (401, 403):
        return _Trouble(
            f"{said}: something in front of the bridge wants to know who is asking",
            "let it pass /scim/v2 on without a sign-in of its own: the bridge asks for the token",
        )
    kind = answer.response.headers.get("Content-Type", "no type")
    return _Trouble(
        f"{said} ({kind}): that is not the bridge", "mend BASE_URL or --url; /scim/v2 there must lead to the bridge"
    )


def _unauthorized(visit: Visit, said: str, body: object) -> _Trouble:
    without = json_of(visit.wire.ask("GET", "/ServiceProviderConfig", headers={"Authorization": None}).response)
    if without == body:
        return _Trouble(
            f"the Authorization header did not arrive: {said}",
            "let the proxy pass Authorization on (Apache with mod_wsgi: WSGIPassAuthorization On; nginx: no "
            "proxy_set_header Authorization)",
        )
    return _Trouble(
        f"a token that was just made is not known there: {said}",
        "the address leads to another instance, or this command's DATABASE_URL is not the instance's: compare the two",
    )


def _methods(visit: Visit) -> _Trouble | None:
    for method in ("PUT", "PATCH", "DELETE"):
        body = None if method == "DELETE" else {"Operations": [], "userName": "x"}
        answer = visit.wire.ask(method, f"/Users/{uuid4()}", body)
        said = json_of(answer.response)
        if not isinstance(said, dict) or ERROR not in said.get("schemas", ()):
            return _Trouble(
                f"{method} does not get through: {told(answer.response)}",
                f"let the proxy pass {method} on below /scim/v2, with its body and its answer as they are",
            )
    return None


def _location(public_base: str, visit: Visit) -> _Trouble | None:
    answer = visit.wire.ask("POST", "/Groups", {"schemas": [_GROUP], "displayName": visit.title()})
    if answer.status != 201:
        return _Trouble(f"no group could be made: {told(answer.response)}", "see the other findings")
    named = answer.response.headers.get("Location", "")
    if named != answer.body["meta"]["location"]:
        return _Trouble(
            f"the header Location is {named or 'missing'}, meta.location is {answer.body['meta']['location']}",
            "let the proxy leave Location as it is",
        )
    expected = public_base or visit.wire.base_url
    if not named.startswith(f"{expected}/"):
        return _Trouble(
            f"the answer names {named}, which is not below {expected}",
            f"set BASE_URL to {expected.removesuffix('/scim/v2')}, or let the proxy pass on Host or X-Forwarded-Host "
            "and X-Forwarded-Proto and set TRUSTED_PROXIES to the number of proxies",
        )
    return None


def _large(visit: Visit) -> _Trouble | None:
    member = {"value": visit.okta.create(visit.name(), "Ada", "Byron")["id"]}
    body = {"schemas": [_GROUP], "displayName": visit.title(), "members": [member] * _MEMBERS}
    try:
        answer = visit.wire.ask("POST", "/Groups", body)
    except requests.ConnectionError as error:  # some cut the line before they answer
        return _Trouble(f"the connection broke at a body of 1.1 MB: {_reason(error)}", _LARGER)
    if answer.status == 201:
        return None
    said = json_of(answer.response)
    if answer.status == 413 and isinstance(said, dict) and ERROR in said.get("schemas", ()):
        return _Trouble(told(answer.response), "raise MAX_GROUP_BODY_BYTES")
    return _Trouble(f"a body of 1.1 MB does not get through: {told(answer.response)}", _LARGER)


_LARGER = "let the proxy take bodies as large as MAX_GROUP_BODY_BYTES (nginx: `client_max_body_size 16m;`)"


def _reason(error: BaseException) -> str:
    """The words of what lies deepest: requests wraps urllib3 wraps the socket's own error."""
    chain = [error]
    while (cause := _cause(chain[-1])) is not None and cause not in chain:
        chain.append(cause)
    for one in reversed(chain):
        if isinstance(one, ssl.SSLCertVerificationError):
            return one.verify_message
        if isinstance(one, OSError) and not isinstance(one, requests.RequestException) and one.strerror:
            return one.strerror
    return type(chain[-1]).__name__


def _cause(error: BaseException) -> BaseException | None:
    inner = (getattr(error, "reason", None), *error.args, error.__cause__, error.__context__)
    return next((each for each in inner if isinstance(each, BaseException)), None)
