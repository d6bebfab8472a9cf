"""Who may use the control API: programs of this machine, and no web page of another site.

A page in a browser can reach loopback, and by DNS rebinding it can do so under a name of its own;
so the peer must be loopback, and the names in Host and Origin must be ones that no one else can own
(RFC 6761 section 6.3).
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mesocosm.wire.message import Request

_NAME = r"(?:localhost|(?:[a-z0-9_-]+\.)+localhost|127(?:\.\d{1,3}){3}|\[::1\])\.?(?::\d{1,5})?"
_HOST = re.compile(_NAME, re.IGNORECASE)
_ORIGIN = re.compile(rf"https?://{_NAME}", re.IGNORECASE)


def loopback(address: str) -> bool:
    """Whether an IP address (without a port) is this machine's loopback, also when mapped into
    IPv6.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)


def refusal(request: Request) -> str | None:
    """Why this request may not use the control API; None when it may."""
    if not loopback(request.peer):
        return "The control API answers only programs of this machine"
    if not _HOST.fullmatch(request.host):
        return (
            "The control API is reached as localhost, 127.0.0.1, [::1] or a name under .localhost"
        )
    for origin in request.headers.all("origin"):
        if not _ORIGIN.fullmatch(origin):
            return "The control API does not answer pages of other sites"
    return None
