"""Who may ask. ``Gate`` lets requests in; ``token_blueprint`` gives clients their tokens; ``schemes`` says how.

A request passes: credential (401), throttle of wrong ones (429), state of the source (403), its networks
(403), its rate (429). ``docs/authentication.md`` tells it from outside.
"""

from scim_bridge.scim.auth.gate import Gate
from scim_bridge.scim.auth.schemes import schemes
from scim_bridge.scim.auth.token_endpoint import TOKEN_PATH, token_blueprint

__all__ = ["TOKEN_PATH", "Gate", "schemes", "token_blueprint"]
