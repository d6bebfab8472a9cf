"""Who calls: from the signature of a request to a principal.

Two halves, since a request may be refused before its body is read: `admit` looks at the head,
`identify` at the rest. Keys made through the API are verified, and refused when they are gone.
Unless the cloud is strict, an unknown key id of twelve digits is the root user of that account and
any other unknown key the root user of the default account, with any secret.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any, NamedTuple

from mesocosm.call.authority import Credential
from mesocosm.call.keys import made_here
from mesocosm.iam import ANONYMOUS, Principal
from mesocosm.wire import claims, hosts, sigv4
from mesocosm.wire.authfaults import Dialect, auth_fault, dialect
from mesocosm.wire.front import Admission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mesocosm.call.cloud import Cloud
    from mesocosm.call.service import Operation
    from mesocosm.call.steps import Passage
    from mesocosm.wire.errors import AwsError
    from mesocosm.wire.message import Request
    from mesocosm.wire.signature import Signature


S3_BODY_MAX_BYTES = 5 * 1024**3
SEEN_SECONDS = 1.0
"""For how long it is not told again that a credential calls an operation, unless something about
identities has changed meanwhile, or been taken back."""
AT_HAND_MAX = 4_096
"""Key ids that are not looked up anew for each request."""
BODY_MAX_BYTES = 16 * 1024**2
"""No service but S3 takes larger requests (Lambda's 70 MB of base64 comes with Lambda)."""


class Claim:
    """What the head of a request has told of the caller, before the body is read.

    `trusted`: an unknown key taken for a root user; `verified`: the signature needed no body and
    holds.
    """

    __slots__ = ("credential", "seen", "signature", "trusted", "verified")

    def __init__(self, signature: Signature | None) -> None:
        self.signature = signature
        self.seen: dict[Operation, float] = {}
        self.credential: Credential | None = None
        self.trusted = False
        self.verified = False


def root_principal(account: str, access_key_id: str = "") -> Principal:
    """The root user of an account."""
    return Principal(
        kind="root",
        account=account,
        arn=f"arn:aws:iam::{account}:root",
        id=account,
        access_key_id=access_key_id,
    )


def service_principal(source: str, account: str = "") -> Principal:
    """A service acting by itself, such as `sns.amazonaws.com`."""
    return Principal(kind="service", account=account, arn=source, id=source, services=(source,))


KEEPERS = ("identity", "sessions", "organization")
"""Who keeps what a credential stands for, and what its holder may do (`call/authority.py`)."""


class AtHand(NamedTuple):
    """What a key id stood for at a version of the rows it was looked up in; see `Claim`. `seen`:
    when it was last told that the credential called an operation.
    """

    version: int
    credential: Credential
    trusted: bool
    seen: dict[Operation, float]


class IdentityCheck:
    """The step `identify` of one cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        providers = cloud.catalogue.providers
        self._tallies = [cloud.world.tally(providers.get(one, one)) for one in KEEPERS]
        self._at_hand: dict[str, AtHand] = {}

    @property
    def version(self) -> int:
        """A number that grows with every change of a row of the services that keep identities,
        sessions and the organization: what follows from those rows alone holds as long as it stays.
        """
        one, two, three = self._tallies
        return one.count + two.count + three.count

    def admit(self, request: Request) -> Admission:
        """Look at the head: find the credential, and verify what does not need the body.

        Raises the refusals of `wire.authfaults` in the wording of the service's family.
        """
        signature = claims.parse(request)
        payload = claims.payload(request, signature)
        claim = Claim(signature)
        plain = _of_a_service(request) if signature is None else not signature.s3
        admission = Admission(
            BODY_MAX_BYTES if plain else S3_BODY_MAX_BYTES,
            payload=payload,
            signature=signature,
            blobs=self._cloud.world.blobs,
            context=claim,
        )
        if signature is None:
            return admission
        credential = self._known(claim, signature, request)
        if credential is None:
            return admission
        sigv4.check_time(signature, request, self._cloud.world.clock.real())
        if payload.canonical is not None:
            sigv4.verify(signature, credential.secret, request, payload.canonical)
            claim.verified = True
            if payload.signed_chunks:
                admission.chain = sigv4.chain(signature, credential.secret)
        return admission

    def admit_form(self, request: Request, fields: Mapping[str, str]) -> Claim:
        """Who sends a browser's form, by its fields (names in lower case): the signature is over
        its policy.
        """
        signature = claims.parse_post(request, fields)
        claim = Claim(signature)
        if signature is not None:
            credential = self._known(claim, signature, request)
            if credential is not None:
                sigv4.verify_policy_signature(signature, credential.secret, fields["policy"])
            claim.verified = True
        return claim

    def _known(self, claim: Claim, signature: Signature, request: Request) -> Credential | None:
        """The credential that a signature must prove; None when the key is taken on trust."""
        version = self.version
        at_hand = self._at_hand.get(signature.access_key_id)
        if at_hand is not None and at_hand.version == version:
            claim.credential, claim.trusted = at_hand.credential, at_hand.trusted
            claim.seen = at_hand.seen
        else:
            self._look_up(claim, signature, request)
        credential = claim.credential
        assert credential is not None
        if claim.trusted:
            if signature.kind == "query":  # a presigned URL expires whoever made it
                sigv4.check_time(signature, request, self._cloud.world.clock.real())
        elif credential.token is not None:
            token = signature.security_token or ""
            if not hmac.compare_digest(token.encode(), credential.token.encode()):
                raise auth_fault("token_invalid", dialect(request, signature.service))
            now = self._cloud.world.clock.now()
            if credential.expires is not None and now >= credential.expires:
                raise auth_fault("token_expired", dialect(request, signature.service))
        if at_hand is None or at_hand.version != version:
            self._check_standing(credential, signature, request)
            if len(self._at_hand) >= AT_HAND_MAX:
                self._at_hand.clear()
            kept = AtHand(version, credential, claim.trusted, claim.seen)
            self._at_hand[signature.access_key_id] = kept
        return None if claim.trusted else credential

    def _look_up(self, claim: Claim, signature: Signature, request: Request) -> None:
        """Find what a key stands for. Raises the refusal of one that is unknown or inactive."""
        credential = self.credential(signature.access_key_id)
        if credential is None:
            if self._cloud.settings.strict or made_here(signature.access_key_id):
                raise _unknown(signature, dialect(request, signature.service))
            credential = self._convenient(signature.access_key_id)
            claim.trusted = True
        elif not credential.active:
            raise _unknown(signature, dialect(request, signature.service))
        claim.credential = credential

    def _check_standing(
        self, credential: Credential, signature: Signature, request: Request
    ) -> None:
        """The sessions of who is no more and the credentials of a closed account are nobody's."""
        identity = self._cloud.provider("identity")
        session = credential.token is not None and identity is not None
        if session and not identity.stands(credential.principal):
            raise _unknown(signature, dialect(request, signature.service))
        organization = self._cloud.provider("organization")
        if organization is not None and organization.closed(credential.principal.account):
            raise _unknown(signature, dialect(request, signature.service))

    def identify(self, passage: Passage) -> None:
        """With the body read: finish the verification, and say who calls and in which Region."""
        claim, request = passage.claim, passage.request
        signature, credential = claim.signature, claim.credential
        passage.credential = credential
        if signature is None or credential is None:
            passage.principal = ANONYMOUS
            passage.region = hosts.parse(request.host).region or self._cloud.settings.region
            return
        if not claim.verified and not claim.trusted:
            sigv4.verify(signature, credential.secret, request, request.body.sha256)
        passage.principal = credential.principal
        passage.region = signature.region or self._cloud.settings.region

    def credential(self, access_key_id: str) -> Credential | None:
        """The credential of a key this cloud has made, or None."""
        cloud = self._cloud
        for name in ("identity", "sessions"):
            provider = cloud.provider(name)
            found: Credential | None = provider.credential(access_key_id) if provider else None
            if found is not None:
                return found
        return None

    def seen(self, passage: Passage) -> None:
        """Tell the keeper of identities that a credential was used, if that is not just told."""
        call, operation = passage.call, passage.operation
        if call is None or operation is None:
            return
        seen = passage.claim.seen
        last = seen.get(operation)
        if last is not None and 0.0 <= call.now - last < SEEN_SECONDS:
            return
        provider = self._cloud.provider("identity")
        if provider is not None:
            assert passage.credential is not None
            provider.seen(
                passage.credential, call.service.prefix, call.location, operation.name, call.now
            )
        seen[operation] = call.now

    def limit(self, passage: Passage) -> None:
        """Some sessions cannot call everything, whatever their policies say."""
        provider, operation = self._cloud.provider("sessions"), passage.operation
        assert passage.principal is not None
        if provider is not None and operation is not None:
            service = operation.service.name
            refused = provider.limit(passage.principal, service, operation.name)
            if refused is not None:
                raise refused

    def missing_token(self, passage: Passage) -> AwsError:
        """The refusal of an unsigned request to an operation that needs a caller."""
        route = passage.route
        service, protocol = (route.service, route.protocol) if route else ("", "")
        return auth_fault("missing", dialect(passage.request, service, protocol))

    def _convenient(self, access_key_id: str) -> Credential:
        account = self._cloud.settings.account
        if len(access_key_id) == 12 and access_key_id.isascii() and access_key_id.isdigit():
            account = access_key_id
        return Credential(access_key_id, "", root_principal(account, access_key_id))


def _of_a_service(request: Request) -> bool:
    """Whether an unsigned request is one of a query or JSON API, not an upload to S3."""
    kind = request.headers.get("content-type") or ""
    return (
        request.method == "POST"
        and request.path == "/"
        and not kind.startswith("multipart/form-data")
    )


def _unknown(signature: Signature, spoken: Dialect) -> AwsError:
    members: dict[str, Any] = {"AWSAccessKeyId": signature.access_key_id} if spoken == "s3" else {}
    return auth_fault("unknown_key", spoken, **members)
