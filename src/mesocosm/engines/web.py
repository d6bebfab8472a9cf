"""Fetching a small document from elsewhere by HTTPS, in a worker thread.

A server is trusted if its certificate is (by the system's authorities), or if a certificate it
shows has one of the SHA-1 thumbprints given: the rule of IAM's OpenID Connect providers.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import ssl
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

TIMEOUT_S = 5.0
DOCUMENT_MAX_BYTES = 512 * 1024


class Unreachable(Exception):
    """Nothing was fetched; `untrusted`: the server's certificate is why."""

    def __init__(self, reason: str, untrusted: bool = False) -> None:
        super().__init__(reason)
        self.untrusted = untrusted


def fetch(url: str, thumbprints: Sequence[str] = ()) -> bytes:
    """The document at an https URL. Redirects are not followed. Raises Unreachable."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise Unreachable(f"{url} is no https URL")
    try:
        return _get(parts.hostname, parts.port, _target(url), ssl.create_default_context())
    except ssl.SSLCertVerificationError as error:
        if not thumbprints:
            raise Unreachable(str(error), untrusted=True) from error
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(str(error)) from error
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        return _get(parts.hostname, parts.port, _target(url), context, thumbprints)
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(str(error)) from error


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _get(
    host: str,
    port: int | None,
    target: str,
    context: ssl.SSLContext,
    thumbprints: Sequence[str] = (),
) -> bytes:
    connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=context)
    try:
        connection.connect()
        if thumbprints and not _known(connection.sock, thumbprints):
            raise Unreachable("no certificate has a known thumbprint", untrusted=True)
        connection.request("GET", target, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise Unreachable(f"{host} answered {answer.status}")
        found = answer.read(DOCUMENT_MAX_BYTES + 1)
    finally:
        connection.close()
    if len(found) > DOCUMENT_MAX_BYTES:
        raise Unreachable("the document is too large")
    return found


def _known(sock: object, thumbprints: Sequence[str]) -> bool:
    assert isinstance(sock, ssl.SSLSocket)
    shown = [sock.getpeercert(binary_form=True) or b""]
    chain = getattr(sock, "get_unverified_chain", None)  # Python 3.13 shows the whole chain
    if chain is not None:
        shown += chain()
    wanted = {text.lower() for text in thumbprints}
    return any(hashlib.sha1(one, usedforsecurity=False).hexdigest() in wanted for one in shown)


def in_thread(work: Callable[[], None], done: Callable[[], None]) -> None:
    """Run `work` in a worker thread, then `done` in the event loop this is called from."""
    loop = asyncio.get_running_loop()
    loop.run_in_executor(None, work).add_done_callback(lambda _: done())
