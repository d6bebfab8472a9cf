"""IAM's resources with tags, for the tagging API.

As in AWS that API tags users and roles and does not list them.
https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/supported-services.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mesocosm.api import iam as api
from mesocosm.services.iam import iam
from mesocosm.services.iam.resources import arns, certificates, credentials, rows
from mesocosm.services.iam.resources.targets import GLOBAL

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.world import Table, World

ArnOf = Callable[[str, Any], str]
"""Of an account and a row."""


def _declare(
    kind: str,
    prefix: str,
    operation: str,
    member: str,
    table: Table[str, Any] | None,
    arn_of: ArnOf | None = None,
) -> None:
    """Declare a kind whose operations take the name or ARN in `member`; without a table it is not
    listed.
    """

    def named(arn: str) -> dict[str, str]:
        return {member: arn if "arn" in member or "serial" in member else arn.rpartition("/")[2]}

    def tag(call: Call, arn: str, tags: Mapping[str, str]) -> Any:
        request = getattr(api, f"Tag{operation}Request")
        pairs = [api.Tag(key=key, value=value) for key, value in tags.items()]
        return request(**named(arn), tags=pairs)

    def untag(call: Call, arn: str, keys: Sequence[str]) -> Any:
        return getattr(api, f"Untag{operation}Request")(**named(arn), tag_keys=list(keys))

    @iam.tagged(
        f"AWS::IAM::{kind}",
        f"arn:aws:iam::*:{prefix}/**",
        tag=(f"Tag{operation}", tag),
        untag=(f"Untag{operation}", untag),
    )
    def listed(world: World, account: str, region: str) -> Iterator[tuple[str, Mapping[str, str]]]:
        if table is None:
            return
        for key, row in world.rows(table, account, GLOBAL).items():
            if arn_of is not None:
                yield arn_of(account, row), row.tags
            else:
                yield f"arn:aws:iam::{account}:{prefix}/{key}", row.tags


def _pathed(kind: str) -> ArnOf:
    return lambda account, row: arns.arn_of(account, kind, row)


_declare("User", "user", "User", "user_name", None)
_declare("Role", "role", "Role", "role_name", None)
_declare("ManagedPolicy", "policy", "Policy", "policy_arn", rows.policies, _pathed("policy"))
_declare(
    "InstanceProfile",
    "instance-profile",
    "InstanceProfile",
    "instance_profile_name",
    rows.instance_profiles,
    _pathed("instance-profile"),
)
_declare(
    "ServerCertificate",
    "server-certificate",
    "ServerCertificate",
    "server_certificate_name",
    certificates.server_certificates,
    _pathed("server-certificate"),
)
_declare(
    "VirtualMFADevice",
    "mfa",
    "MFADevice",
    "serial_number",
    credentials.mfa_devices,
    _pathed("mfa"),
)
_declare(
    "OIDCProvider",
    "oidc-provider",
    "OpenIDConnectProvider",
    "open_id_connect_provider_arn",
    certificates.oidc_providers,
)
_declare(
    "SAMLProvider",
    "saml-provider",
    "SAMLProvider",
    "saml_provider_arn",
    certificates.saml_providers,
)
