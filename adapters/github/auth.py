"""Who we are to GitHub: a personal token, or an app that proves itself and is lent a token for an hour.

The app is the better choice: it belongs to the organization, while a personal token dies with its person. An
installation token is kept until five minutes before its end, and minted anew when it is refused earlier. Its
length is never looked at: it changed in April 2026.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from jose import JOSEError, jwt

from scim_bridge.clock import Clock
from scim_bridge.contract.http import Http
from scim_bridge.errors import NeedsAttention

EARLY = timedelta(minutes=5)
CLOCK_SKEW = timedelta(seconds=60)
JWT_LIFE = timedelta(minutes=9)  # at most ten; our clock may be ahead of theirs


class Auth(Protocol):
    """Where the bearer of a call comes from."""

    def bearer(self) -> str:
        """The token to send now."""

    def can_renew(self, refused: str) -> bool:
        """Whether ``bearer`` will give another token than the one that was just refused."""


class TokenAuth:
    """A personal token, read anew for each call, so that a changed secret needs no restart."""

    def __init__(self, secrets: Callable[[str], str]) -> None:
        self._secrets = secrets

    def bearer(self) -> str:
        return self._secrets("token").strip()

    def can_renew(self, refused: str) -> bool:
        return self.bearer() != refused


class AppAuth:
    """A GitHub App's installation in one organization."""

    def __init__(self, org_path: str, app_id: str, secrets: Callable[[str], str], http: Http, clock: Clock) -> None:
        self._org_path = org_path
        self._app_id = app_id
        self._secrets = secrets
        self._http = http
        self._clock = clock
        self._lock = threading.Lock()
        self._token: tuple[str, datetime] | None = None

    def bearer(self) -> str:
        with self._lock:
            if self._token is None or self._token[1] - EARLY <= self._clock.now():
                self._token = self._mint()
            return self._token[0]

    def can_renew(self, refused: str) -> bool:
        with self._lock:
            if self._token is not None and self._token[0] == refused:
                self._token = None
        return True

    def installation(self) -> Mapping[str, Any]:
        """The installation with its ``id``, ``permissions`` and ``suspended_at``. Not installed: ``NeedsAttention``."""
        answer = self._http.call("GET", f"{self._org_path}/installation", headers=self._proof(), expect=(200, 404))
        if answer.status == 404:
            raise NeedsAttention(
                f"{answer.step}: the app is not installed in this organization",
                advice="install it (organization settings, GitHub Apps), or correct `org` and `app_id`",
            )
        return answer.read(lambda data: {**data, "id": int(data["id"])})

    def _mint(self) -> tuple[str, datetime]:
        path = f"/app/installations/{self.installation()['id']}/access_tokens"
        answer = self._http.call("POST", path, headers=self._proof(), expect=(201,), writes=False)
        return answer.read(lambda data: (str(data["token"]), datetime.fromisoformat(data["expires_at"])))

    def _proof(self) -> Mapping[str, str]:
        """The app's own signature (RS256): issued a minute ago, as the vendor advises for clocks that differ."""
        now = self._clock.now()
        claims = {
            "iat": int((now - CLOCK_SKEW).timestamp()),
            "exp": int((now + JWT_LIFE).timestamp()),
            "iss": self._app_id,
        }
        try:
            proof = jwt.encode(claims, self._secrets("private_key"), algorithm="RS256")
        except (JOSEError, ValueError, TypeError):
            raise NeedsAttention(
                "the GitHub App's private key cannot be used",
                advice="`private_key` must name the whole PEM file that GitHub gave out for the app",
            ) from None
        return {"Authorization": f"Bearer {proof}"}
