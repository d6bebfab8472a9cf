"""IAM's quotas and how it says that one is reached.

Source: IAM user guide, "IAM and AWS STS quotas". The names are those that GetAccountSummary and
the errors use.
"""

from __future__ import annotations

from mesocosm.wire.errors import AwsError

USERS = 5000
GROUPS = 300
ROLES = 1000
INSTANCE_PROFILES = 1000
POLICIES = 1500
SERVER_CERTIFICATES = 20
OIDC_PROVIDERS = 100
SAML_PROVIDERS = 100
ACCESS_KEYS_PER_USER = 2
SIGNING_CERTIFICATES_PER_USER = 2
SSH_KEYS_PER_USER = 5
SERVICE_CREDENTIALS_PER_USER = 2
MFA_DEVICES_PER_USER = 8
GROUPS_PER_USER = 10
ATTACHED_PER_ENTITY = 10
VERSIONS_PER_POLICY = 5
POLICY_VERSIONS_IN_USE = 10000
CLIENT_IDS_PER_PROVIDER = 100
TAGS = 50
TRUST_POLICY_SIZE = 2048
MANAGED_POLICY_SIZE = 6144
INLINE_SIZE = {"user": 2048, "group": 5120, "role": 10240}


def limit(name: str, used: int, quota: int) -> None:
    """Raise LimitExceeded when one more would be more than the quota."""
    if used >= quota:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for {name}: {quota}")


def size(text: str) -> int:
    """The characters of a policy that count: white space does not (IAM user guide, quotas)."""
    return sum(1 for character in text if not character.isspace())
