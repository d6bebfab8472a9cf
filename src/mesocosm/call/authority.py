"""Who is known and which policies speak: what the steps of a call ask of the services that keep
identities.

The call floor names no service. A service answers one of these protocols with
`@service.provides("...")`: "identity" (users, roles and their policies), "sessions" (temporary
credentials), "organization" (accounts, SCPs, RCPs), "metrics" (what services measure about
themselves), "keys" (KMS).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from mesocosm.iam import Principal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mesocosm.call.call import Call
    from mesocosm.wire.errors import AwsError

PolicyText = tuple[str, str]
"""A policy's name or ARN, and its JSON text."""


class Credential(NamedTuple):
    """What an access key id stands for. `expires` is epoch seconds of the world's clock, None for
    long-term keys.

    `session` holds the session policies (None: none were given, an empty tuple grants nothing).
    """

    access_key_id: str
    secret: str
    principal: Principal
    token: str | None = None
    expires: float | None = None
    active: bool = True
    session: tuple[PolicyText, ...] | None = None


class Grants(NamedTuple):
    """Identity-based policies and the permissions boundary of a principal."""

    identity: tuple[PolicyText, ...] = ()
    boundary: PolicyText | None = None


class Membership(NamedTuple):
    """An account's place in its organization.

    `scps` and `rcps` hold one tuple of policies per level, from the root down to the account; empty
    when the policy type is not enabled. `paths` are the values of aws:PrincipalOrgPaths. `exempt`:
    the management account, which neither limits. `name`, `created` and `status` are what the
    organization knows of the account itself.
    """

    organization: str
    paths: tuple[str, ...]
    exempt: bool
    scps: tuple[tuple[str, tuple[PolicyText, ...]], ...] = ()
    rcps: tuple[tuple[str, tuple[PolicyText, ...]], ...] = ()
    name: str = ""
    created: float | None = None
    status: str = "ACTIVE"


class RoleFacts(NamedTuple):
    """What taking on a role must know of it. `max_session` is in seconds."""

    arn: str
    id: str
    name: str
    tags: dict[str, str]
    max_session: int = 3600


class WebProvider(NamedTuple):
    """An OpenID Connect provider. `thumbprints`: SHA-1 digests of certificates, in hexadecimal."""

    arn: str
    url: str
    client_ids: tuple[str, ...]
    thumbprints: tuple[str, ...]


class SamlProvider(NamedTuple):
    """A SAML provider. `valid_until` is epoch seconds; `keys` are private keys (PEM) that read
    encrypted assertions, `encrypted`: others are refused.
    """

    arn: str
    metadata: str
    valid_until: float
    keys: tuple[str, ...] = ()
    encrypted: bool = False


Dimensions = tuple[tuple[str, str], ...]
"""Name and value of each dimension, in the order of the names."""


class Metric(NamedTuple):
    """A metric that a service publishes about itself: AWS's namespace, name and unit."""

    namespace: str
    name: str
    unit: str = "Count"


class Observed(NamedTuple):
    """What was observed of a metric in the minute that began at `time` (epoch seconds): values, and
    how often each.
    """

    account: str
    region: str
    metric: Metric
    dimensions: Dimensions
    time: float
    values: dict[float, int]


class Identity(Protocol):
    """Long-term credentials and the policies of users and roles."""

    def credential(self, access_key_id: str) -> Credential | None:
        """The credential of a long-term key, also of an inactive one."""

    def root(self, account: str) -> Principal:
        """The root user of an account."""

    def grants(self, principal: Principal) -> Grants:
        """The policies attached to a user, its groups, or the role behind a session."""

    def stands(self, principal: Principal) -> bool:
        """Whether the user or role behind a session is still there."""

    def version(self, account: str) -> int:
        """A number that changes whenever `grants` of any principal of the account may."""

    def tags(self, principal: Principal) -> dict[str, str]:
        """The tags of a user (a session's tags are in its principal)."""

    def role(self, arn: str) -> RoleFacts | None:
        """The role of that ARN."""

    def policy(self, account: str, arn: str) -> str | None:
        """The text of a managed policy's default version, as an account may use it."""

    def web_provider(self, account: str, url: str) -> WebProvider | None:
        """The OpenID Connect provider of an account with that URL, the scheme left out."""

    def saml_provider(self, arn: str) -> SamlProvider | None:
        """The SAML provider of that ARN."""

    def issuer(self, account: str) -> str | None:
        """The URL under which an account vends tokens of its own; None when it does not."""

    def issues(self, name: str) -> tuple[str, str] | None:
        """The account of an issuer, by the last part of its URL, and that URL."""

    def root_features(self, account: str) -> tuple[str, ...]:
        """The features of centralised root access that a management account has switched on."""

    def mfa(self, principal: Principal, serial: str, code: str, now: float) -> bool:
        """Whether a code is what the principal's MFA device shows now, and was not used before."""

    def mfa_used(self, principal: Principal, serial: str, code: str, now: float) -> None:
        """Nobody may use that code again. Runs in the call's transaction."""

    def seen(
        self, credential: Credential, service: str, region: str, action: str, now: float
    ) -> None:
        """A call was made: keep what "last used" and "last accessed" show. Runs in the call's
        transaction.
        """


class Sessions(Protocol):
    """Temporary credentials."""

    def credential(self, access_key_id: str) -> Credential | None:
        """The credential of a session, also of an expired one."""

    def limit(self, principal: Principal, service: str, operation: str) -> AwsError | None:
        """The refusal of an operation that sessions of this kind cannot call; None if they can."""


class Organization(Protocol):
    """Organizations: where an account belongs, and what limits it."""

    def version(self) -> int:
        """A number that changes whenever `membership` of any account may."""

    def membership(self, account: str) -> Membership | None:
        """The account's place, or None outside any organization."""

    def closed(self, account: str) -> bool:
        """Whether an account has been closed: its credentials are refused."""

    def rename(self, account: str, name: str) -> None:
        """Name an account, whether it is in an organization or not. Runs in a transaction."""


class Metrics(Protocol):
    """Where metrics are kept."""

    def publish(self, observed: Sequence[Observed]) -> None:
        """Keep what services measured. Runs in a transaction."""


class Keys(Protocol):
    """KMS: what `call/encryption.py` asks. Whether a key may be used, its operations decide."""

    def resolve(self, call: Call, key: str, account: str, region: str) -> str:
        """The ARN of the key that is called so (id, ARN, alias) in a cell; AWS managed keys
        (`alias/aws/<service>`) are made when they are asked for first. Runs in the call's
        transaction. Raises NotFoundException."""
