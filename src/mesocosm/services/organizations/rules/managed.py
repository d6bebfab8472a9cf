"""The policies that AWS provides to every organization."""

from __future__ import annotations

from mesocosm.services.organizations.resources.rows import Policy

_FULL = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "*",
      "Resource": "*"
    }
  ]
}"""
_RCP_FULL = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": "*",
      "Action": "*",
      "Resource": "*"
    }
  ]
}"""

FULL_ACCESS = "p-FullAWSAccess"
RCP_FULL_ACCESS = "p-RCPFullAWSAccess"

POLICIES: dict[str, Policy] = {
    FULL_ACCESS: Policy(
        id=FULL_ACCESS,
        organization="",
        name="FullAWSAccess",
        type="SERVICE_CONTROL_POLICY",
        content=_FULL,
        description="Allows access to every operation",
    ),
    RCP_FULL_ACCESS: Policy(
        id=RCP_FULL_ACCESS,
        organization="",
        name="RCPFullAWSAccess",
        type="RESOURCE_CONTROL_POLICY",
        content=_RCP_FULL,
        description="Allows full access to every resource",
    ),
}
DEFAULTS = {policy.type: policy.id for policy in POLICIES.values()}
"""The policy that is attached everywhere when a type is enabled."""
