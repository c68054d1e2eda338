"""Why a credential was refused: one sentence for log and audit. The caller learns only that it was. Pure."""

from __future__ import annotations


class Refusal(Exception):
    """``reason`` is one of a few fixed sentences and quotes nothing; ``public_id`` names the token, if it has one."""

    def __init__(self, reason: str, public_id: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.public_id = public_id
