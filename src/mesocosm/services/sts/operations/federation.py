"""Taking on a role with a token of an OpenID Connect provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mesocosm.api import sts as api
from mesocosm.call.authority import WebProvider
from mesocosm.call.call import Call
from mesocosm.call.service import Need, Values
from mesocosm.iam import Principal
from mesocosm.services.sts import rules, sts
from mesocosm.services.sts.operations.issuing import issue, measured, role_session, session_policies
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.services.sts.rules import jwt

TAGS_CLAIM = "https://aws.amazon.com/tags"
SOURCE_CLAIM = "https://aws.amazon.com/source_identity"


def invalid_token(message: str) -> AwsError:
    """InvalidIdentityToken."""
    return AwsError("InvalidIdentityToken", message, status=400)


def rejected(message: str) -> AwsError:
    """IDPRejectedClaim."""
    return AwsError("IDPRejectedClaim", message, status=403)


def account_of(role_arn: str) -> str:
    """The account of a role; raises ValidationError."""
    parts = role_arn.split(":")
    if len(parts) < 6 or parts[2] != "iam" or not parts[5].startswith("role/"):
        raise rules.invalid(f"{role_arn} is invalid")
    return parts[4]


def take_on(
    call: Call,
    action: str,
    role_arn: str,
    principal: Principal,
    conditions: Mapping[str, Values],
    session: SessionFacts,
) -> None:
    """Who holds only a token becomes the caller; the role's trust policy must allow him.

    Raises AccessDenied in the words of federation, which name nobody.
    """
    call.principal, call.account = principal, principal.account
    found: dict[str, Values] = dict(conditions)
    found["sts:RoleSessionName"] = session.name
    found["aws:FederatedProvider"] = principal.federated_provider
    needs = [Need(f"sts:{action}", role_arn, found)]
    if session.tags:
        found |= {f"aws:RequestTag/{key}": value for key, value in session.tags.items()}
        found["aws:TagKeys"] = list(session.tags)
        if session.transitive:
            found["sts:TransitiveTagKeys"] = list(session.transitive)
        needs.append(Need("sts:TagSession", role_arn, found))
    if session.source:
        found["sts:SourceIdentity"] = session.source
        needs.append(Need("sts:SetSourceIdentity", role_arn, found))
    organization = call.cloud.provider("organization")
    closed = organization is not None and organization.closed(call.account)
    for need in needs:
        if closed or not call.allows(need.action, need.resource, need.given()):
            raise AwsError("AccessDenied", f"Not authorized to perform {need.action}", status=403)


class SessionFacts:
    """What an identity provider says of the session to be made."""

    __slots__ = ("name", "source", "tags", "transitive")

    def __init__(
        self, name: str, tags: dict[str, str], transitive: tuple[str, ...], source: str
    ) -> None:
        self.name = name
        self.tags = tags
        self.transitive = transitive
        self.source = source


# -- the token -------------------------------------------------------------------------------------


def _read(text: str) -> jwt.Token:
    """The token, verified by nobody yet."""
    # Cryptography and HTTPS are imported when a token comes: a start does not wait for them.
    from mesocosm.services.sts.rules import jwt

    try:
        return jwt.read(text)
    except jwt.Malformed:
        raise invalid_token(
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an "
            "Access Token)"
        ) from None


def _provider(call: Call, account: str, token: jwt.Token) -> WebProvider:
    issuer = token.claims.get("iss")
    if not isinstance(issuer, str):
        raise invalid_token("Missing a required claim: iss")
    url = issuer.removeprefix("https://").rstrip("/")
    found: WebProvider | None = call.cloud.provider("identity").web_provider(account, url)
    if found is None:
        raise invalid_token(f"No OpenIDConnect provider found in your account for {issuer}")
    return found


def _signed(call: Call, provider: WebProvider, token: jwt.Token) -> None:
    from mesocosm.services.sts.engine import keys_of
    from mesocosm.services.sts.rules import jwt

    keys = keys_of(call, provider, token.key_id)
    named = [key for name, key in keys if token.key_id in ("", name)]
    if not any(jwt.verified(token, key) for key in named):
        raise invalid_token("The token's signature cannot be verified.")


def _in_time(claims: Mapping[str, Any], now: float) -> None:
    """Times are those of the world outside, where the token comes from."""
    expires = claims.get("exp")
    if not isinstance(expires, int | float):
        raise invalid_token("Missing a required claim: exp")
    if not isinstance(claims.get("iat"), int | float):
        raise invalid_token("Missing a required claim: iat")
    if now >= expires:
        raise AwsError(
            "ExpiredTokenException",
            f"Token expired: current date/time {int(now)} must be before the expiration date/time"
            f" {int(expires)}",
            status=400,
        )
    begins = claims.get("nbf")
    if isinstance(begins, int | float) and now < begins - rules.SKEW_S:
        raise invalid_token("The token is not valid yet.")


def _audience(claims: Mapping[str, Any], provider: WebProvider) -> tuple[str, list[str]]:
    """The audience that the provider is registered for, and all audiences of the token."""
    named = claims.get("aud")
    every = [named] if isinstance(named, str) else named
    if not isinstance(every, list) or not all(isinstance(one, str) for one in every):
        raise invalid_token("Missing a required claim: aud")
    party = claims.get("azp")
    wanted = [party] if isinstance(party, str) else every
    for one in wanted:
        if one in provider.client_ids:
            return one, every
    raise invalid_token("Incorrect token audience")


def _session(claims: Mapping[str, Any], name: str) -> SessionFacts:
    source = claims.get(SOURCE_CLAIM, "")
    held = claims.get(TAGS_CLAIM) or {}
    if not isinstance(source, str) or not isinstance(held, dict):
        raise rejected("The identity provider's claims cannot be read.")
    tags = {}
    for key, value in (held.get("principal_tags") or {}).items():
        one = value[0] if isinstance(value, list) and len(value) == 1 else value
        if not isinstance(one, str):
            raise rejected("A session tag has exactly one value.")
        tags[key] = one
    listed = [api.Tag(key=key, value=value) for key, value in tags.items()]
    transitive = rules.transitive(held.get("transitive_tag_keys"), rules.tags_given(listed), {})
    return SessionFacts(name, tags, transitive, source)


@sts.operation(
    "AssumeRoleWithWebIdentity",
    public=True,
    anonymous=True,
    read_only=True,
    hide=("SecretAccessKey", "SessionToken", "WebIdentityToken"),
)
def assume_role_with_web_identity(
    call: Call, request: api.AssumeRoleWithWebIdentityRequest
) -> api.AssumeRoleWithWebIdentityResponse:
    """A session of a role for whoever an OpenID Connect provider of its account vouches for."""
    if request.provider_id is not None:
        raise call.not_implemented("an OAuth 2.0 access token of a public provider")
    account = account_of(request.role_arn)
    token = _read(request.web_identity_token)
    provider = _provider(call, account, token)
    _signed(call, provider, token)
    claims = token.claims
    _in_time(claims, call.world.clock.real())
    subject = claims.get("sub")
    if not isinstance(subject, str):
        raise invalid_token("Missing a required claim: sub")
    audience, every = _audience(claims, provider)
    session = _session(claims, request.role_session_name)
    conditions: dict[str, Values] = {
        f"{provider.url}:aud": audience,
        f"{provider.url}:sub": subject,
        f"{provider.url}:oaud": every,
    }
    if isinstance(claims.get("amr"), list):
        conditions[f"{provider.url}:amr"] = [str(one) for one in claims["amr"]]
    caller = Principal(
        kind="web-identity",
        account=account,
        id=f"{provider.arn}:{audience}:{subject}",
        name=subject,
        federated_provider=provider.arn,
    )
    take_on(call, "AssumeRoleWithWebIdentity", request.role_arn, caller, conditions, session)
    return _answer(call, request, provider, session, (audience, subject))


def _answer(
    call: Call,
    request: api.AssumeRoleWithWebIdentityRequest,
    provider: WebProvider,
    session: SessionFacts,
    claims: tuple[str, str],
) -> api.AssumeRoleWithWebIdentityResponse:
    role = call.cloud.provider("identity").role(request.role_arn)
    assert role is not None
    seconds = rules.role_duration(request.duration_seconds, role.max_session, False)
    policies = session_policies(call, call.account, request.policy, request.policy_arns)
    packed = rules.packed_percent([text for _, text in policies or ()], session.tags)
    principal = role_session(
        role,
        session.name,
        rules.overlaid(role.tags, session.tags),
        session.transitive,
        session.source,
        provider=provider.arn,
    )
    audience, subject = claims
    return measured(
        api.AssumeRoleWithWebIdentityResponse(
            credentials=issue(
                call, principal, seconds, policies, minimum=request.minimum_session_token_size
            ),
            subject_from_web_identity_token=subject,
            assumed_role_user=api.AssumedRoleUser(assumed_role_id=principal.id, arn=principal.arn),
            packed_policy_size=packed,
            provider=provider.arn,
            audience=audience,
            source_identity=session.source or None,
        )
    )
