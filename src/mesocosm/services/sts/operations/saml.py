"""Taking on a role with a SAML assertion."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from mesocosm.api import sts as api
from mesocosm.call.call import Call
from mesocosm.call.service import Values
from mesocosm.iam import Principal
from mesocosm.services.sts import rules, sts
from mesocosm.services.sts.operations.federation import (
    SessionFacts,
    account_of,
    invalid_token,
    rejected,
    take_on,
)
from mesocosm.services.sts.operations.issuing import issue, measured, role_session, session_policies
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.services.sts.rules import saml

ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"
AUDIENCES = ("https://signin.aws.amazon.com/saml", "urn:amazon:webservices")
REDEEM_WITHIN_S = 300


def _verified(call: Call, request: api.AssumeRoleWithSAMLRequest) -> saml.Assertion:
    from mesocosm.services.sts.rules import saml, xmlenc, xmlsig  # a start does not wait for them

    provider = call.cloud.provider("identity").saml_provider(request.principal_arn)
    if provider is None or account_of(request.role_arn) != provider.arn.split(":")[4]:
        raise invalid_token("Specified provider doesn't exist")
    try:
        issuer = saml.issuer_of(provider.metadata)
        found = saml.read(request.saml_assertion, issuer, provider.keys, provider.encrypted)
    except saml.Plain:
        raise invalid_token("The SAML assertion must be encrypted") from None
    except xmlenc.Undecipherable:
        raise invalid_token("The SAML assertion cannot be decrypted") from None
    except saml.Unreadable:
        raise invalid_token("Invalid SAML response") from None
    except xmlsig.Unsigned:
        raise invalid_token("Response signature invalid") from None
    if found.issuer != issuer.entity:
        raise invalid_token("Issuer not present in specified provider")
    if call.now >= provider.valid_until:
        raise invalid_token("The metadata of the specified provider have expired.")
    return found


def _in_time(found: saml.Assertion, now: float) -> None:
    """Times are those of the world outside, where the assertion comes from."""
    ends = [at for at in (found.ends, found.confirm_until) if at is not None]
    if now >= min(ends, default=now + 1) or now >= found.issued + REDEEM_WITHIN_S:
        raise AwsError(
            "ExpiredTokenException",
            "Token must be redeemed within 5 minutes of issuance",
            status=400,
        )
    if found.begins is not None and now < found.begins - rules.SKEW_S:
        raise invalid_token("The assertion is not valid yet.")
    if not any(one in AUDIENCES for one in found.audiences):
        raise invalid_token("Audience is not AWS")
    if not found.recipient.endswith("signin.aws.amazon.com/saml"):
        raise invalid_token("Recipient is not AWS")


def _session(found: saml.Assertion) -> SessionFacts:
    values = found.attributes
    names = values.get(f"{ATTRIBUTES}RoleSessionName", ())
    if len(names) != 1:
        raise invalid_token("RoleSessionName is required in AuthnResponse")
    prefix = f"{ATTRIBUTES}PrincipalTag:"
    tags = {}
    for key, listed in values.items():
        if key.startswith(prefix):
            if len(listed) != 1:
                raise rejected("A session tag has exactly one value.")
            tags[key.removeprefix(prefix)] = listed[0]
    rules.tags_given([api.Tag(key=key, value=value) for key, value in tags.items()])
    transitive = rules.transitive(values.get(f"{ATTRIBUTES}TransitiveTagKeys"), tags, {})
    source = values.get(f"{ATTRIBUTES}SourceIdentity", ("",))[0]
    return SessionFacts(names[0], tags, transitive, source)


def _seconds(request: api.AssumeRoleWithSAMLRequest, found: saml.Assertion) -> int | None:
    """The shorter of what is asked for and what the assertion allows."""
    said = found.attributes.get(f"{ATTRIBUTES}SessionDuration", ())
    limits = [int(text) for text in said if text.isdigit()]
    if request.duration_seconds is not None:
        limits.append(request.duration_seconds)
    return min(limits, default=None)


@sts.operation(
    "AssumeRoleWithSAML",
    public=True,
    anonymous=True,
    read_only=True,
    hide=("SecretAccessKey", "SessionToken", "SAMLAssertion"),
)
def assume_role_with_saml(
    call: Call, request: api.AssumeRoleWithSAMLRequest
) -> api.AssumeRoleWithSAMLResponse:
    """A session of a role for whoever a SAML provider of its account vouches for."""
    found = _verified(call, request)
    _in_time(found, call.world.clock.real())
    pair = {request.role_arn, request.principal_arn}
    offered = found.attributes.get(f"{ATTRIBUTES}Role", ())
    if not any({part.strip() for part in one.split(",")} == pair for one in offered):
        raise AwsError(
            "AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML", status=403
        )
    session = _session(found)
    account = account_of(request.role_arn)
    name = request.principal_arn.rpartition("/")[2]
    qualifier = base64.b64encode(
        hashlib.sha1(f"{found.issuer}{account}/{name}".encode(), usedforsecurity=False).digest()
    ).decode()
    conditions: dict[str, Values] = {
        "saml:aud": found.recipient,
        "saml:doc": f"{account}/{name}",
        "saml:iss": found.issuer,
        "saml:namequalifier": qualifier,
        "saml:sub": found.subject,
        "saml:sub_type": found.subject_type,
    }
    caller = Principal(
        kind="saml",
        account=account,
        id=f"{qualifier}:{found.subject}",
        name=found.subject,
        federated_provider=request.principal_arn,
    )
    take_on(call, "AssumeRoleWithSAML", request.role_arn, caller, conditions, session)
    return _answer(call, request, found, session, qualifier)


def _answer(
    call: Call,
    request: api.AssumeRoleWithSAMLRequest,
    found: saml.Assertion,
    session: SessionFacts,
    qualifier: str,
) -> api.AssumeRoleWithSAMLResponse:
    role = call.cloud.provider("identity").role(request.role_arn)
    assert role is not None
    seconds = rules.role_duration(_seconds(request, found), role.max_session, False)
    policies = session_policies(call, call.account, request.policy, request.policy_arns)
    packed = rules.packed_percent([text for _, text in policies or ()], session.tags)
    principal = role_session(
        role,
        session.name,
        rules.overlaid(role.tags, session.tags),
        session.transitive,
        session.source,
        provider=request.principal_arn,
    )
    return measured(
        api.AssumeRoleWithSAMLResponse(
            credentials=issue(
                call, principal, seconds, policies, minimum=request.minimum_session_token_size
            ),
            assumed_role_user=api.AssumedRoleUser(assumed_role_id=principal.id, arn=principal.arn),
            packed_policy_size=packed,
            subject=found.subject,
            subject_type=found.subject_type,
            issuer=found.issuer,
            audience=found.recipient,
            name_qualifier=qualifier,
            source_identity=session.source or None,
        )
    )
