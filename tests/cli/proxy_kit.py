"""A proxy in front of a bridge that passes everything on as it should, but for one thing that it breaks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import requests
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

Pass = Callable[..., Response]
"""Send the request on; ``path`` and ``headers`` in place of its own, a header that is None not at all."""
Break = Callable[[Request, Pass], Response]
"""What the proxy does with a request."""

_HOP_BY_HOP = ("connection", "content-length", "content-encoding", "transfer-encoding", "server", "date")


@contextmanager
def proxy(upstream: str, handle: Break) -> Iterator[str]:
    """The address of a proxy in front of ``upstream``."""
    session = requests.Session()
    session.trust_env = False

    @Request.application
    def app(request: Request) -> Response:
        def pass_on(*, path: str | None = None, headers: dict[str, str | None] | None = None) -> Response:
            query = request.environ["QUERY_STRING"]
            sent = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
            answer = session.request(
                request.method,
                f"{upstream}{path or request.path}{'?' if query else ''}{query}",
                data=request.get_data(),
                headers={**sent, **(headers or {})},
                timeout=60,
                allow_redirects=False,
            )
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
            return Response(answer.content, answer.status_code, kept)

        return handle(request, pass_on)

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        session.close()
