"""The keys of identity providers, fetched from where their discovery document says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from mesocosm.call.authority import WebProvider
from mesocosm.call.call import Call
from mesocosm.engines import web
from mesocosm.services.sts.rules import jwt
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.world import World

FRESH_S = 300.0
"""Real seconds for which a provider's keys are kept."""
PATIENCE_S = 30.0


class Found(NamedTuple):
    """What a fetch came to: keys, or why there are none. `served`: the calls that waited for it."""

    keys: tuple[tuple[str, jwt.PublicKey], ...]
    failure: str
    at: float
    served: frozenset[str]


class Keys:
    """The keys of the providers of one world's accounts, by the providers' ARNs."""

    def __init__(self, world: World) -> None:
        self.found: dict[str, Found] = {}
        self.waiting: dict[str, set[str]] = {}


def keys_of(
    call: Call, provider: WebProvider, key_id: str
) -> tuple[tuple[str, jwt.PublicKey], ...]:
    """A provider's public keys. Without fresh ones that hold the id, the call waits for a fetch.

    Raises IDPCommunicationError when the provider cannot be reached, InvalidIdentityToken when it
    shows no keys or a certificate that nobody vouches for.
    """
    kept = call.world.derived(Keys)
    found = kept.found.get(provider.arn)
    now = call.world.clock.real()
    if found is not None and call.request_id in found.served:
        if found.failure:
            raise _refusal(found.failure)
        return found.keys
    fresh = found is not None and not found.failure and now - found.at < FRESH_S
    if found is not None and fresh and any(key_id in ("", name) for name, _ in found.keys):
        return found.keys
    if call.resumed:
        raise _refusal("IDPCommunicationError")
    topic = f"sts-keys:{provider.arn}"
    if provider.arn in kept.waiting:
        kept.waiting[provider.arn].add(call.request_id)
    else:
        kept.waiting[provider.arn] = {call.request_id}
        _fetch(call, kept, provider, topic)
    raise call.wait(topic, call.now + PATIENCE_S)


FAILURES = {
    "IDPCommunicationError": "Unable to communicate with the identity provider.",
    "InvalidIdentityToken": "Couldn't retrieve verification key from your identity provider,  "
    "please reference AssumeRoleWithWebIdentity documentation for requirements",
    "Untrusted": "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint",
}


def _refusal(failure: str) -> AwsError:
    code = "InvalidIdentityToken" if failure == "Untrusted" else failure
    return AwsError(code, FAILURES[failure], status=400)


def _fetch(call: Call, kept: Keys, provider: WebProvider, topic: str) -> None:
    cloud, clock = call.cloud, call.world.clock
    got: list[tuple[tuple[tuple[str, jwt.PublicKey], ...], str]] = []

    def work() -> None:
        got.append(_keys(provider))

    def done() -> None:
        keys, failure = got[0] if got else ((), "IDPCommunicationError")
        served = frozenset(kept.waiting.pop(provider.arn, ()))
        kept.found[provider.arn] = Found(keys, failure, clock.real(), served)
        cloud.waiting.wake(topic)

    web.in_thread(work, done)


def _keys(provider: WebProvider) -> tuple[tuple[tuple[str, jwt.PublicKey], ...], str]:
    base = f"https://{provider.url}"
    try:
        discovery = json.loads(
            web.fetch(f"{base}/.well-known/openid-configuration", provider.thumbprints)
        )
        document = web.fetch(str(discovery["jwks_uri"]), provider.thumbprints)
        return tuple(jwt.key_set(document)), ""
    except web.Unreachable as error:
        return (), "Untrusted" if error.untrusted else "IDPCommunicationError"
    except (ValueError, KeyError, TypeError, RecursionError, jwt.Malformed):
        return (), "InvalidIdentityToken"
