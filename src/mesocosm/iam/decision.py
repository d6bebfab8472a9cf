"""The outcome of one authorisation and the sentence AWS says about a denial."""

from __future__ import annotations

from typing import Literal

import msgspec

Result = Literal["Allowed", "ImplicitlyDenied", "ExplicitlyDenied"]
By = Literal[
    "identity",
    "resource",
    "trust",
    "boundary",
    "session",
    "scp",
    "rcp",
    "endpoint",
    "grant",
    "root",
    "builtin",
]

# Services whose refusals name no resource where an action has none.
_UNNAMED = frozenset({"cloudwatch", "ec2", "s3", "secretsmanager"})

# IAM user guide, "Troubleshoot access denied error messages".
_EXPLICIT = {
    "identity": "an identity-based policy",
    "resource": "a resource-based policy",
    "trust": "the role trust policy",
    "boundary": "a permissions boundary",
    "session": "a session policy",
    "scp": "a service control policy",
    "rcp": "a resource control policy",
    "endpoint": "a VPC endpoint policy",
}
_IMPLICIT = {
    "identity": "identity-based policy",
    "resource": "resource-based policy",
    "trust": "role trust policy",
    "boundary": "permissions boundary",
    "session": "session policy",
    "scp": "service control policy",
    "rcp": "resource control policy",
    "endpoint": "VPC endpoint policy",
}


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """`by` is the kind of policy that decided: that allowed, that denied, or whose Allow is
    missing.

    `policy` and `statement` (a Sid, or the place counted from 0) name the statement that decided;
    both are empty when an Allow is missing.
    """

    result: Result
    by: By
    policy: str = ""
    statement: str = ""

    @property
    def allowed(self) -> bool:
        return self.result == "Allowed"

    def message(self, principal_arn: str, action: str, resource: str) -> str:
        """AWS's sentence for the denial.

        S3 puts the resource in quotation marks; some services leave `*` out.
        """
        vendor = action.partition(":")[0].lower()
        where = f' on resource: "{resource}"' if vendor == "s3" else f" on resource: {resource}"
        if resource == "*" and vendor in _UNNAMED:
            where = ""
        said = f"User: {principal_arn} is not authorized to perform: {action}{where}"
        return said + self.reason(action)

    def reason(self, action: str) -> str:
        """The end of the sentence: which kind of policy denies, or lacks an Allow."""
        if self.result == "ExplicitlyDenied" and self.by in _EXPLICIT:
            return f" with an explicit deny in {_EXPLICIT[self.by]}"
        if self.result == "ImplicitlyDenied" and self.by in _IMPLICIT:
            return f" because no {_IMPLICIT[self.by]} allows the {action} action"
        return ""
