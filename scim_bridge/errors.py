"""Families of errors: each says what to do next, not where it broke.

    family          | who mends it                  | the engine's answer
    ----------------+-------------------------------+----------------------------------------
    InvalidInput    | the caller, with other input  | (never reaches it)
    NotFound        | the caller                    | (never reaches it)
    Conflict        | the caller; state moved       | look first, then again
    Transient       | time                          | again, later: no end
    Permanent       | a change of wish or world     | this change failed; next want, or retry
    NeedsAttention  | a person, for the whole hub   | the hub waits; probed until mended
    Held            | a person, for this change     | the change waits for a word

Each entrance (SCIM, CLI, status) translates them once into its own shape.
"""

from __future__ import annotations


class BridgeError(Exception):
    """Something that the bridge can name.

    ``message`` says what is wrong and with what; ``advice`` is the way out, and may be empty.
    Neither holds a secret, a token or a mail address.
    """

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message}; {self.advice}" if self.advice else self.message


class InvalidInput(BridgeError):
    """What came in cannot be read or must not be; other input mends it."""


class NotFound(BridgeError):
    """The thing that was named is not there."""


class Conflict(BridgeError):
    """The world is not as the caller took it to be; looking again mends it."""


class Transient(BridgeError):
    """It may work later without anybody doing anything.

    ``retry_after_s``: seconds that the other side asked for. ``whole_hub``: the refusal is meant
    for every call to this tenant (a rate limit), not for this one alone. ``maybe_done``: the call
    left us and no answer came, so it may have had its effect: look before it is repeated.
    """

    def __init__(
        self,
        message: str,
        *,
        advice: str = "",
        retry_after_s: float | None = None,
        whole_hub: bool = False,
        maybe_done: bool = False,
    ) -> None:
        super().__init__(message, advice=advice)
        self.retry_after_s = retry_after_s
        self.whole_hub = whole_hub
        self.maybe_done = maybe_done


class Permanent(BridgeError):
    """Repeating this change as it is cannot help."""


class NeedsAttention(BridgeError):
    """A person must act before anything in this hub can go on (a refused credential)."""


class Held(BridgeError):
    """This one change waits for a person's word; the reason is the message."""
