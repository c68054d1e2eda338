"""The SCIM entrance as a Flask blueprint: routes, who may ask, and one translation of every failure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote_plus

from flask import Blueprint, Request, Response, g, request
from flask.sansio.blueprints import BlueprintSetupState
from werkzeug.datastructures import Headers

from scim_bridge.db import Database
from scim_bridge.directory.joining import IsLinked
from scim_bridge.journal.entry import Asked, new_request_id
from scim_bridge.journal.journal import Journal
from scim_bridge.scim import discovery, groups, users
from scim_bridge.scim.answers import MEDIA_TYPE, Answer
from scim_bridge.scim.auth import Gate
from scim_bridge.scim.body import RequestBody
from scim_bridge.scim.bulk import bulk
from scim_bridge.scim.definitions import ResourceTypes
from scim_bridge.scim.errors import translate
from scim_bridge.scim.me import me
from scim_bridge.scim.problems import Problem
from scim_bridge.scim.search import search, search_groups, search_users
from scim_bridge.scim.service import PREFIX, Call, Service

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Handler = Callable[..., Answer]
_STANDARD = ResourceTypes()
_ROUTES: Mapping[str, Mapping[str, Handler]] = {
    "/Users": {"GET": users.list_users, "POST": users.create_user},
    "/Users/<scim_id>": {
        "GET": users.get_user,
        "PUT": users.replace_user,
        "PATCH": users.patch_user,
        "DELETE": users.delete_user,
    },
    "/Groups": {"GET": groups.list_groups, "POST": groups.create_group},
    "/Groups/<scim_id>": {
        "GET": groups.get_group,
        "PUT": groups.replace_group,
        "PATCH": groups.patch_group,
        "DELETE": groups.delete_group,
    },
    "/ServiceProviderConfig": {"GET": discovery.service_provider_config},
    "/ResourceTypes": {"GET": discovery.list_resource_types},
    "/ResourceTypes/<name>": {"GET": discovery.get_resource_type},
    "/Schemas": {"GET": discovery.list_schemas},
    "/Schemas/<urn>": {"GET": discovery.get_schema},
    "/Bulk": {"POST": bulk},
    "/Me": dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), me),
    "/.search": {"POST": search},
    "/Users/.search": {"POST": search_users},
    "/Groups/.search": {"POST": search_groups},
    "": {},
    "/<path:rest>": {},
}


def create_blueprint(
    db: Database,
    *,
    wake: Callable[[], None],
    is_linked: IsLinked,
    base_url: str | None = None,
    journal: Journal | None = None,
    max_body_bytes: int = 1024 * 1024,
    max_group_body_bytes: int = 16 * 1024 * 1024,
    max_bulk_bytes: int = 4 * 1024 * 1024,
    max_bulk_operations: int = 1000,
    types: ResourceTypes = _STANDARD,
    gate: Gate | None = None,
) -> Blueprint:
    """The blueprint for ``/scim/v2``.

    ``wake`` is called after each committed write; ``is_linked(tx, person_id)`` says whether a person has
    an account link or applied access. ``base_url`` is the address that clients use, without ``/scim/v2``;
    None takes each request's own host. Without a ``journal`` requests leave no entry. Sizes are in bytes.
    ``types`` are the resource types, with the operator's extensions.
    ``gate`` says who may ask; None: one that asks the database at every request.
    """
    service = Service(
        db, max_body_bytes, max_group_body_bytes, wake, is_linked, max_bulk_bytes, max_bulk_operations, types, journal
    )
    gate = gate or Gate(db, fresh_s=0)
    blueprint = Blueprint("scim", __name__, url_prefix=PREFIX)
    for path, handlers in _ROUTES.items():
        blueprint.add_url_rule(
            path,
            endpoint=path.strip("/").replace("/", "_").replace(".", "_") or "root",
            view_func=_view(service, gate, handlers, base_url),
            strict_slashes=False,
            provide_automatic_options=False,
        )
    blueprint.record_once(_take_every_verb)
    blueprint.register_error_handler(Exception, lambda error: _sent(translate(error)))
    return blueprint


def _take_every_verb(state: BlueprintSetupState) -> None:
    """TRACE and made-up verbs come to the view, too: Flask would refuse them in its own words."""
    for rule in state.app.url_map.iter_rules():
        if rule.endpoint.startswith(f"{state.blueprint.name}."):
            rule.methods = None


def _view(
    service: Service, gate: Gate, handlers: Mapping[str, Handler], base_url: str | None
) -> Callable[..., Response]:
    """One view for all methods of a path, so that a wrong one gets an Error body, too."""
    allowed = ", ".join(handlers)
    base_root = f"{base_url.rstrip('/')}{PREFIX}" if base_url else None

    def view(**arguments: str) -> Response:
        asking: Request = request._get_current_object()  # type: ignore[attr-defined]  # each look at the proxy costs
        asked = Asked(g.get("request_id") or new_request_id(), asking.method, _target(asking))
        now = service.db.clock.now()
        source = gate.source_of(asking, now)
        root = base_root or _root(asking)
        call = Call(service, source, now, root, _query(asking), asking.headers, RequestBody(asking), asked)
        answer = call.carried_out(lambda: _handler(handlers, asking.method, allowed)(call, **arguments))
        response = _sent(answer)
        if answer.status < 500:
            gate.note_use(source, now)
        return response

    return view


def _target(asking: Request) -> str:
    path, query = asking.path.removeprefix(PREFIX), asking.environ.get("QUERY_STRING", "")
    return f"{path}?{unquote_plus(query, errors='replace')}" if query else path


def _query(asking: Request) -> dict[str, str]:
    """The parameters; of several with one name the first counts."""
    query = asking.environ.get("QUERY_STRING", "")
    return dict(reversed(parse_qsl(query, keep_blank_values=True, errors="replace"))) if query else {}


def _root(asking: Request) -> str:
    """The address of the service as this client knows it."""
    environ = asking.environ
    key = environ["wsgi.url_scheme"], environ.get("HTTP_HOST"), environ.get("SCRIPT_NAME")
    root = _roots.get(key)
    if root is None:
        root = f"{asking.url_root.rstrip('/')}{PREFIX}"
        if len(_roots) < _MOST_ROOTS:
            _roots[key] = root
    return root


_roots: dict[tuple[str, str | None, str | None], str] = {}
_MOST_ROOTS = 100  # names by which clients call us; whoever makes more up has them put together each time


def _handler(handlers: Mapping[str, Handler], method: str, allowed: str) -> Handler:
    if not handlers:
        raise Problem(404, "there is nothing here; /Users, /Groups and /ServiceProviderConfig are")
    handler = handlers.get("GET" if method == "HEAD" else method)
    if handler is None:
        raise Problem(405, f"{method} is not possible here; {allowed} are", {"Allow": allowed})
    return handler


_CONTENT_TYPE = f"{MEDIA_TYPE}; charset=utf-8"


class _Sent(Response):
    """An answer whose headers are complete: werkzeug would read and write the addresses in them once more."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        return self.headers


def _sent(answer: Answer) -> Response:
    body = answer.text().encode()
    headers = [("Content-Type", _CONTENT_TYPE), *answer.headers.items()]
    if answer.status not in (204, 304):
        headers.append(("Content-Length", str(len(body))))
    return _Sent([body], answer.status, headers)
