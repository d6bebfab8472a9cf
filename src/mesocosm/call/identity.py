"""Who calls: from the signature of a request to a principal.

Two halves, since a request may be refused before its body is read: `admit` looks at the head, `identify` at the rest.
Keys made through the API are verified. Unless the cloud is strict, an unknown key id of twelve digits is the root user
of that account and any other unknown key the root user of the default account, with any secret.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from mesocosm.call.authority import Credential
from mesocosm.iam import ANONYMOUS, Principal
from mesocosm.wire import sigv4
from mesocosm.wire.authfaults import auth_fault, dialect
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.cloud import Cloud
    from mesocosm.call.steps import Passage
    from mesocosm.wire.message import Request


class Admission:
    """What the head of a request has told: who claims to call, and how the body is bound to the signature."""

    __slots__ = ("credential", "key", "payload", "signature", "trusted", "verified")

    def __init__(self, signature: sigv4.Signature | None, payload: sigv4.Payload) -> None:
        self.signature = signature
        self.payload = payload
        self.credential: Credential | None = None
        self.trusted = False
        self.verified = False
        self.key: bytes | None = None


def root_principal(account: str, access_key_id: str = "") -> Principal:
    """The root user of an account."""
    return Principal(
        kind="root",
        account=account,
        arn=f"arn:aws:iam::{account}:root",
        id=account,
        access_key_id=access_key_id,
    )


class IdentityCheck:
    """The step `identify` of one cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def admit(self, request: Request) -> Admission:
        """Look at the head: find the credential, and verify what does not need the body.

        Raises the refusals of `wire.authfaults` in the wording of the service's family.
        """
        signature = sigv4.parse(request)
        admission = Admission(signature, sigv4.payload(request, signature))
        if signature is None:
            return admission
        spoken = dialect(request, signature.service)
        credential = self.credential(signature.access_key_id)
        if credential is None:
            if self._cloud.settings.strict:
                raise self._unknown(signature.access_key_id, request, signature)
            admission.credential = self._convenient(signature.access_key_id)
            admission.trusted = True
            return admission
        if not credential.active:
            raise self._unknown(signature.access_key_id, request, signature)
        if credential.token is not None:
            token = signature.security_token or ""
            if not hmac.compare_digest(token.encode(), credential.token.encode()):
                raise auth_fault("token_invalid", spoken)
            if credential.expires is not None and self._cloud.world.clock.now() >= credential.expires:
                raise auth_fault("token_expired", spoken)
        admission.credential = credential
        sigv4.check_time(signature, request, self._cloud.world.clock.real())
        if admission.payload.canonical is not None:
            sigv4.verify(signature, credential.secret, request, admission.payload.canonical)
            admission.verified = True
            if admission.payload.signed_chunks:
                admission.key = sigv4.signing_key(
                    credential.secret, signature.date, signature.region, signature.service
                )
        return admission

    def identify(self, passage: Passage, admission: Admission) -> None:
        """With the body read: finish the verification, and say who calls and in which Region."""
        request, signature = passage.request, admission.signature
        passage.credential = credential = admission.credential
        stated = admission.payload.sha256
        if stated is not None and stated != request.body.sha256:
            raise sigv4.payload_mismatch(request, signature, request.body.sha256)
        if signature is None or credential is None:
            passage.principal = ANONYMOUS
            passage.region = self._cloud.settings.region
            return
        if not admission.verified and not admission.trusted:
            sigv4.verify(signature, credential.secret, request, request.body.sha256)
        passage.principal = credential.principal
        passage.region = signature.region

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
        """Tell the keeper of identities that a credential was used."""
        provider = self._cloud.provider("identity")
        call, operation = passage.call, passage.operation
        if provider is not None and call is not None and operation is not None:
            assert passage.credential is not None
            provider.seen(
                passage.credential, call.service.prefix, call.location, operation.name, call.now
            )

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

    def _unknown(self, key: str, request: Request, signature: sigv4.Signature) -> AwsError:
        spoken = dialect(request, signature.service)
        members: dict[str, Any] = {"AWSAccessKeyId": key} if spoken == "s3" else {}
        return auth_fault("unknown_key", spoken, **members)
