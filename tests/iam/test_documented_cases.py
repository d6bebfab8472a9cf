"""Verdicts that AWS's documentation states, each with the page it stands on, through `simulate`.

A case names the page, what it shows, the verdict, and what differs from the usual request: the user
bob of account A reads an object of A's bucket.
"""

from __future__ import annotations

from typing import Any

import pytest

from mesocosm.iam.simulate import simulate

A, B = "111122223333", "444455556666"
YES, NO, DENY = "Allowed", "ImplicitlyDenied", "ExplicitlyDenied"
BOB = f"arn:aws:iam::{A}:user/bob"
ROOT = f"arn:aws:iam::{A}:root"
ROLE = f"arn:aws:iam::{A}:role/worker"
SESSION = f"arn:aws:sts::{A}:assumed-role/worker/s1"
FED = f"arn:aws:sts::{A}:federated-user/carol"
LINKED = f"arn:aws:iam::{A}:role/aws-service-role/sns.amazonaws.com/AWSServiceRoleForX"
SERVICE = "sns.amazonaws.com"
BUCKET, OBJECT = "arn:aws:s3:::b", "arn:aws:s3:::b/k"
KEY = f"arn:aws:kms:us-east-1:{A}:key/1"
QUEUE = f"arn:aws:sqs:us-east-1:{A}:q"
TRUSTING = f"arn:aws:iam::{B}:role/trusting"
OWN_ROLE = f"arn:aws:iam::{A}:role/own"
HERE = f"arn:aws:iam::{A}:oidc-provider/example.org"

LOGIC = "IAM user guide, Policy evaluation logic"
SINGLE = "IAM user guide, Policy evaluation for requests within a single account"
CROSS = "IAM user guide, Cross-account policy evaluation logic"
BOUNDARY = "IAM user guide, Permissions boundaries for IAM entities"
SESSIONS = "IAM user guide, Policies and permissions: session policies"
FEDERATION = "IAM user guide, Permissions for GetFederationToken"
NOT_PRINCIPAL = "IAM user guide, AWS JSON policy elements: NotPrincipal"
PRINCIPAL = "IAM user guide, AWS JSON policy elements: Principal"
NOT_ACTION = "IAM user guide, IAM JSON policy elements: NotAction"
NOT_RESOURCE = "IAM user guide, IAM JSON policy elements: NotResource"
RESOURCE = "IAM user guide, IAM JSON policy elements: Resource"
VARIABLES = "IAM user guide, IAM policy elements: Variables and tags"
KEYS = "IAM user guide, AWS global condition context keys"
OPERATORS = "IAM user guide, IAM JSON policy elements: Condition operators"
ABAC = "IAM user guide, IAM tutorial: permissions based on tags"
SCP = "Organizations user guide, SCP evaluation"
SCPS = "Organizations user guide, Service control policies"
RCP = "Organizations user guide, RCP evaluation"
RCPS = "Organizations user guide, Resource control policies"
KMS = "KMS developer guide, Key policies"
TRUST = "IAM user guide, Role trust policies"
EXTERNAL = "IAM user guide, Access to AWS accounts owned by third parties"
DEPUTY = "IAM user guide, The confused deputy problem"
ENDPOINT = "VPC user guide, Control access to VPC endpoints using endpoint policies"
S3_ORDER = "S3 user guide, How Amazon S3 authorizes a request"


def st(effect: str, action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    """A statement."""
    body = {"Effect": effect, "Action": action, "Resource": resource, **more}
    for field in ("Action", "Resource"):
        if "Not" + field in more:
            del body[field]
    return body


def allow(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return st("Allow", action, resource, **more)


def deny(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return st("Deny", action, resource, **more)


def to(principal: Any, action: Any = "*", **more: Any) -> dict[str, Any]:
    """A statement of a resource's policy that allows somebody."""
    named = principal if isinstance(principal, dict) or principal == "*" else {"AWS": principal}
    return allow(action, Principal=named, **more)


def cond(operator: str, key: str, value: Any) -> dict[str, Any]:
    """The Condition of a statement."""
    return {"Condition": {operator: {key: value}}}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trusts(principal: Any, action: Any = "sts:AssumeRole", **more: Any) -> dict[str, Any]:
    """A trust policy's statement."""
    body = to(principal, action, **more)
    del body["Resource"]
    return body


def level(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"orgIdentifier": "level", "policies": [{"name": "p", "policy": policy(*statements)}]}


def verdict(given: dict[str, Any]) -> str:
    """What `simulate` says of a case."""
    resource = given.get("on", OBJECT)
    request = {
        "action": given.get("do", "s3:GetObject"),
        "resource": {"resource": resource, "accountId": given.get("of", A)},
        "principal": given.get("by", BOB),
        "contextVariables": given.get("keys", {}),
    }
    case: dict[str, Any] = {"request": request}
    for name, field in (
        ("own", "identityPolicies"),
        ("boundary", "permissionBoundaryPolicies"),
        ("endpoint", "vpcEndpointPolicies"),
    ):
        if name in given:
            case[field] = [{"name": name, "policy": policy(*given[name])}]
    for name, field in (("session", "sessionPolicy"), ("res", "resourcePolicy")):
        if name in given:
            case[field] = {"name": name, "policy": policy(*given[name])}
    for name, field in (("scp", "serviceControlPolicies"), ("rcp", "resourceControlPolicies")):
        if name in given:
            case[field] = [level(*statements) for statements in given[name]]
    result: str = simulate(case)["result"]
    return result


ALL, NONE = [allow()], [allow("ec2:*")]
ANYONE = [to("*")]
OTHERS: dict[str, Any] = {"of": B}
ON_KEY: dict[str, Any] = {"do": "kms:Decrypt", "on": KEY}
TAKE: dict[str, Any] = {"do": "sts:AssumeRole", "on": TRUSTING, "of": B}
TAKE_OWN: dict[str, Any] = {"do": "sts:AssumeRole", "on": OWN_ROLE}

CASES: list[tuple[str, str, str, dict[str, Any]]] = [
    # Within one account.
    (LOGIC, "by default all requests are denied", NO, {}),
    (LOGIC, "the root user has full access", YES, {"by": ROOT}),
    (LOGIC, "an explicit allow overrides the default", YES, {"own": ALL}),
    (LOGIC, "an explicit deny overrides any allows", DENY, {"own": [*ALL, deny("s3:*")]}),
    (LOGIC, "a deny of another action does nothing", YES, {"own": [*ALL, deny("s3:Put*")]}),
    (LOGIC, "a deny in a resource policy overrides", DENY,
     {"own": ALL, "res": [deny("s3:*", Principal="*")]}),
    (LOGIC, "a resource policy denies even the root user", DENY,
     {"by": ROOT, "res": [deny("s3:*", Principal="*")]}),
    (LOGIC, "actions are matched without regard to case", YES, {"own": [allow("S3:getobject")]}),
    (SINGLE, "either of identity and resource policy is enough", YES, {"res": [to(BOB)]}),
    (SINGLE, "naming the account delegates only", NO, {"res": [to(ROOT)]}),
    (SINGLE, "an account id is its root's ARN", NO, {"res": [to(A)]}),
    (SINGLE, "naming the account suffices for the root user", YES, {"by": ROOT, "res": [to(A)]}),
    (SINGLE, "a user's ARN is not limited by a boundary's implicit deny", YES,
     {"res": [to(BOB)], "boundary": NONE}),
    (SINGLE, "a user's ARN is limited by a boundary's explicit deny", DENY,
     {"res": [to(BOB)], "boundary": [*ALL, deny("s3:*")]}),
    (SINGLE, "a role's ARN grants its sessions", YES, {"by": SESSION, "res": [to(ROLE)]}),
    (SINGLE, "a role's ARN is limited by a boundary's implicit deny", NO,
     {"by": SESSION, "res": [to(ROLE)], "boundary": NONE}),
    (SINGLE, "a role's ARN is limited by a session policy's implicit deny", NO,
     {"by": SESSION, "res": [to(ROLE)], "session": NONE}),
    (SINGLE, "a session's ARN is not limited by a boundary's implicit deny", YES,
     {"by": SESSION, "res": [to(SESSION)], "boundary": NONE}),
    (SINGLE, "a session's ARN is not limited by a session policy's implicit deny", YES,
     {"by": SESSION, "res": [to(SESSION)], "session": NONE}),
    (SINGLE, "another session's ARN does not count", NO,
     {"by": SESSION, "res": [to(SESSION.replace("s1", "s2"))]}),
    (SINGLE, "a wildcard with aws:PrincipalArn is not limited by implicit denies", YES,
     {"by": SESSION, "res": [to("*", **cond("ArnEquals", "aws:PrincipalArn", ROLE))],
      "boundary": NONE, "session": NONE}),
    (SINGLE, "a wildcard with another aws:PrincipalArn grants nothing", NO,
     {"by": SESSION, "res": [to("*", **cond("ArnEquals", "aws:PrincipalArn", ROLE + "x"))]}),
    (SINGLE, "a federated user's ARN grants his session", YES, {"by": FED, "res": [to(FED)]}),
    (SINGLE, "an SCP must allow what a resource policy grants", NO,
     {"res": [to(BOB)], "scp": [NONE]}),
    # Boundaries and session policies.
    (BOUNDARY, "a boundary grants nothing by itself", NO, {"boundary": ALL}),
    (BOUNDARY, "identity policy and boundary must both allow", NO, {"own": ALL, "boundary": NONE}),
    (BOUNDARY, "both allow", YES, {"own": ALL, "boundary": [allow("s3:*")]}),
    (BOUNDARY, "an explicit deny in a boundary", DENY,
     {"own": ALL, "boundary": [*ALL, deny("s3:GetObject")]}),
    (BOUNDARY, "SCP, boundary and identity policy must all allow", NO,
     {"own": ALL, "boundary": ALL, "scp": [NONE]}),
    (BOUNDARY, "session policy, boundary and identity policy must all allow", NO,
     {"by": SESSION, "own": ALL, "boundary": ALL, "session": NONE}),
    (SESSIONS, "a session policy grants nothing by itself", NO, {"by": SESSION, "session": ALL}),
    (SESSIONS, "the intersection of identity and session policy", YES,
     {"by": SESSION, "own": ALL, "session": [allow("s3:GetObject")]}),
    (SESSIONS, "what the session policy leaves out", NO,
     {"by": SESSION, "own": ALL, "session": [allow("s3:PutObject")]}),
    (SESSIONS, "an explicit deny in a session policy", DENY,
     {"by": SESSION, "own": ALL, "session": [*ALL, deny()]}),
    (SESSIONS, "a deny reaches what a resource policy grants to the session", DENY,
     {"by": SESSION, "res": [to(SESSION)], "session": [*ALL, deny()]}),
    (FEDERATION, "no session policy: no permissions", NO, {"by": FED, "own": ALL}),
    (FEDERATION, "the intersection of user and session policy", YES,
     {"by": FED, "own": ALL, "session": [allow("s3:*")]}),
    (FEDERATION, "what the user may not do", NO, {"by": FED, "own": NONE, "session": ALL}),
    (FEDERATION, "a resource policy for the federated user adds to it", YES,
     {"by": FED, "own": NONE, "session": NONE, "res": [to(FED)]}),
    # Across accounts.
    (CROSS, "both sides must allow: only the identity policy does", NO, {**OTHERS, "own": ALL}),
    (CROSS, "only the resource policy does", NO, {**OTHERS, "res": [to(BOB)]}),
    (CROSS, "both allow", YES, {**OTHERS, "own": ALL, "res": [to(BOB)]}),
    (CROSS, "the account is named, and delegates", YES, {**OTHERS, "own": ALL, "res": [to(A)]}),
    (CROSS, "the owner's account is not the caller's", NO, {**OTHERS, "own": ALL, "res": [to(B)]}),
    (CROSS, "a wildcard needs an identity policy too", NO, {**OTHERS, "res": ANYONE}),
    (CROSS, "the root user of another account needs only the resource's side", YES,
     {**OTHERS, "by": ROOT, "res": [to(A)]}),
    (CROSS, "a user is named: the root user of his account is not", NO,
     {**OTHERS, "by": ROOT, "res": [to(BOB)]}),
    (CROSS, "the boundary limits across accounts, whoever is named", NO,
     {**OTHERS, "own": ALL, "res": [to(BOB)], "boundary": NONE}),
    (CROSS, "the session policy limits across accounts", NO,
     {**OTHERS, "by": SESSION, "own": ALL, "res": [to(SESSION)], "session": NONE}),
    (CROSS, "an SCP of the caller's account limits", NO,
     {**OTHERS, "own": ALL, "res": [to(BOB)], "scp": [NONE]}),
    (CROSS, "an explicit deny on either side", DENY,
     {**OTHERS, "own": ALL, "res": [to(A), deny(Principal={"AWS": BOB})]}),
    (CROSS, "a role of another account", YES,
     {**OTHERS, "by": SESSION, "own": ALL, "res": [to(ROLE)]}),
    (CROSS, "anonymous access needs a wildcard", YES, {**OTHERS, "by": "*", "res": ANYONE}),
    (CROSS, "anonymous is of no account", NO, {**OTHERS, "by": "*", "res": [to(A)]}),
    # Who is meant.
    (PRINCIPAL, "a service principal", YES, {"by": SERVICE, "res": [to({"Service": SERVICE})]}),
    (PRINCIPAL, "another service principal", NO,
     {"by": SERVICE, "res": [to({"Service": "s3.amazonaws.com"})]}),
    (PRINCIPAL, "a wildcard means services too", YES, {"by": SERVICE, "res": ANYONE}),
    (PRINCIPAL, "{AWS: *} is equal to *", YES, {"by": "*", "res": [to({"AWS": "*"})]}),
    (PRINCIPAL, "a list of principals is an or", YES, {"res": [to([BOB, ROLE])]}),
    (PRINCIPAL, "a wildcard matches no part of an ARN", NO,
     {"res": [to(f"arn:aws:iam::{A}:user/*")]}),
    (PRINCIPAL, "a role's ARN is not its user's", NO, {"res": [to(ROLE)]}),
    (NOT_PRINCIPAL, "everyone but the user, his account listed too", YES,
     {"own": ALL, "res": [deny(NotPrincipal={"AWS": [BOB, ROOT]})]}),
    (NOT_PRINCIPAL, "the account must be listed too", DENY,
     {"own": ALL, "res": [deny(NotPrincipal={"AWS": [BOB]})]}),
    (NOT_PRINCIPAL, "another user is denied", DENY,
     {"by": BOB + "by", "own": ALL, "res": [deny(NotPrincipal={"AWS": [BOB, ROOT]})]}),
    (NOT_PRINCIPAL, "a role's session, its role and its account", YES,
     {"by": SESSION, "own": ALL, "res": [deny(NotPrincipal={"AWS": [SESSION, ROLE, ROOT]})]}),
    (NOT_PRINCIPAL, "the role without the session denies", DENY,
     {"by": SESSION, "own": ALL, "res": [deny(NotPrincipal={"AWS": [ROLE, ROOT]})]}),
    (NOT_PRINCIPAL, "who has a boundary is always denied", DENY,
     {"own": ALL, "boundary": ALL, "res": [deny(NotPrincipal={"AWS": [BOB, ROOT]})]}),
    (NOT_PRINCIPAL, "a service is denied unless listed", DENY,
     {"by": SERVICE, "res": [*ANYONE, deny(NotPrincipal={"AWS": ROOT})]}),
    # Actions and resources.
    (NOT_ACTION, "a deny of all but IAM", DENY,
     {"own": [*ALL, deny(NotAction="iam:*")]}),
    (NOT_ACTION, "an allow of all but IAM", YES, {"own": [allow(NotAction="iam:*")]}),
    (NOT_ACTION, "what is left out is not allowed", NO, {"own": [allow(NotAction="s3:*")]}),
    (NOT_RESOURCE, "a deny of all other buckets", YES,
     {"own": [*ALL, deny("s3:*", NotResource=[BUCKET, f"{BUCKET}/*"])]}),
    (NOT_RESOURCE, "another bucket", DENY,
     {"own": [*ALL, deny("s3:*", NotResource=[BUCKET, f"{BUCKET}/*"])], "on": "arn:aws:s3:::c/k"}),
    (RESOURCE, "wildcards cross slashes", YES, {"own": [allow(resource="arn:aws:s3:::b*")]}),
    (RESOURCE, "a question mark is one character", NO,
     {"own": [allow(resource="arn:aws:s3:::b/k?")]}),
    (RESOURCE, "a bucket is not its objects", NO, {"own": [allow(resource=BUCKET)]}),
    (RESOURCE, "resources are matched with regard to case", NO,
     {"own": [allow(resource="arn:aws:s3:::B/k")]}),
    (VARIABLES, "a user's folder", YES,
     {"own": [allow(resource="arn:aws:s3:::b/home/${aws:username}/*")],
      "on": "arn:aws:s3:::b/home/bob/x"}),
    (VARIABLES, "somebody else's folder", NO,
     {"own": [allow(resource="arn:aws:s3:::b/home/${aws:username}/*")],
      "on": "arn:aws:s3:::b/home/eve/x"}),
    (VARIABLES, "a role's session has no aws:username", NO,
     {"by": SESSION, "own": [allow(resource="arn:aws:s3:::b/home/${aws:username}/*")],
      "on": "arn:aws:s3:::b/home/worker/x"}),
    (VARIABLES, "a default where there is no value", YES,
     {"own": [allow(resource="arn:aws:s3:::b/${aws:PrincipalTag/team, 'company-wide'}/*")],
      "on": "arn:aws:s3:::b/company-wide/x"}),
    (VARIABLES, "a value is no pattern", NO,
     {"own": [allow(resource="arn:aws:s3:::b/${aws:PrincipalTag/team}/*")],
      "keys": {"aws:PrincipalTag/team": "*"}, "on": "arn:aws:s3:::b/red/x"}),
    (VARIABLES, "an escaped asterisk", NO,
     {"own": [allow(resource="arn:aws:s3:::b/${*}/*")], "on": "arn:aws:s3:::b/red/x"}),
    # Conditions.
    (OPERATORS, "several operators and keys are an and", NO,
     {"own": [allow(Condition={"Bool": {"aws:SecureTransport": "true"},
                               "StringEquals": {"aws:RequestedRegion": "eu-west-1"}})],
      "keys": {"aws:SecureTransport": True, "aws:RequestedRegion": "us-east-1"}}),
    (OPERATORS, "several values are an or", YES,
     {"own": [allow(**cond("StringEquals", "aws:RequestedRegion", ["eu-west-1", "us-east-1"]))],
      "keys": {"aws:RequestedRegion": "us-east-1"}}),
    (OPERATORS, "several values of a negated operator are a nor", DENY,
     {"own": [*ALL, deny(**cond("StringNotEquals", "aws:RequestedRegion", ["a", "b"]))],
      "keys": {"aws:RequestedRegion": "c"}}),
    (KEYS, "MFA: long-term keys lack the key, so Bool false does not deny", YES,
     {"own": [*ALL, deny(**cond("Bool", "aws:MultiFactorAuthPresent", "false"))]}),
    (KEYS, "MFA: BoolIfExists false denies long-term keys", DENY,
     {"own": [*ALL, deny(**cond("BoolIfExists", "aws:MultiFactorAuthPresent", "false"))]}),
    (KEYS, "a service is no member of an organization", DENY,
     {"by": SERVICE, "res": [*ANYONE, deny(
         Principal="*", **cond("StringNotEqualsIfExists", "aws:PrincipalOrgID", "o-1"))]}),
    (KEYS, "unless the deny spares services", YES,
     {"by": SERVICE, "res": [*ANYONE, deny(Principal="*", Condition={
         "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-1"},
         "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}})]}),
    (KEYS, "an anonymous caller's account is called anonymous", DENY,
     {"by": "*", "res": [*ANYONE, deny(
         Principal="*", **cond("StringEquals", "aws:PrincipalAccount", "anonymous"))]}),
    (KEYS, "aws:PrincipalArn of a session is its role's", DENY,
     {"by": SESSION, "own": [*ALL, deny(**cond("ArnEquals", "aws:PrincipalArn", ROLE))]}),
    (KEYS, "aws:ResourceAccount holds whoever owns the bucket", DENY,
     {**OTHERS, "own": [*ALL, deny(**cond("StringNotEquals", "aws:ResourceAccount", A))],
      "res": ANYONE}),
    (ABAC, "tags of principal and resource agree", YES,
     {"own": [allow(**cond("StringEquals", "aws:ResourceTag/t", "${aws:PrincipalTag/t}"))],
      "keys": {"aws:ResourceTag/t": "x", "aws:PrincipalTag/t": "x"}}),
    (ABAC, "the principal has no such tag", NO,
     {"own": [allow(**cond("StringEquals", "aws:ResourceTag/t", "${aws:PrincipalTag/t}"))],
      "keys": {"aws:ResourceTag/t": "x"}}),
    (ABAC, "keys of tags are compared without regard to case, values with", NO,
     {"own": [allow(**cond("StringEquals", "aws:ResourceTag/T", "x"))],
      "keys": {"aws:ResourceTag/t": "X"}}),
    (ABAC, "creating with only the tags allowed", YES,
     {"own": [allow(**cond("ForAllValues:StringEquals", "aws:TagKeys", ["t", "u"]))],
      "keys": {"aws:TagKeys": ["t"]}}),
    (ABAC, "ForAllValues is true without the key: Null closes that", NO,
     {"own": [allow(Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["t"]},
                               "Null": {"aws:TagKeys": "false"}})]}),
    # Organizations.
    (SCP, "an SCP grants nothing", NO, {"scp": [ALL, ALL]}),
    (SCP, "every level must allow", NO, {"own": ALL, "scp": [ALL, NONE, ALL]}),
    (SCP, "no SCP left at a level denies all", NO, {"own": ALL, "scp": [ALL, []]}),
    (SCP, "a deny at any level", DENY, {"own": ALL, "scp": [[*ALL, deny("s3:*")], ALL]}),
    (SCP, "the root user of a member is limited too", NO, {"by": ROOT, "scp": [NONE]}),
    (SCPS, "conditions: outside the Regions allowed", DENY,
     {"own": ALL, "keys": {"aws:RequestedRegion": "us-west-1"}, "scp": [[*ALL, deny(
         NotAction="iam:*", **cond("StringNotEquals", "aws:RequestedRegion", "eu-west-1"))]]}),
    (SCPS, "a role is exempt by aws:PrincipalArn", YES,
     {"by": SESSION, "own": ALL, "scp": [[*ALL, deny(
         **cond("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/worker"))]]}),
    (SCPS, "service-linked roles are not limited", YES,
     {"by": LINKED, "own": ALL, "scp": [[deny()]]}),
    (SCPS, "principals from outside are not limited by the owner's SCPs", YES,
     {**OTHERS, "by": SERVICE, "res": ANYONE, "scp": [[deny()]]}),
    (RCP, "an RCP grants nothing", NO, {"rcp": [[to("*")]]}),
    (RCP, "a deny at any level", DENY,
     {"own": ALL, "rcp": [[to("*")], [to("*"), deny("s3:*", Principal="*")]]}),
    (RCP, "limits callers from outside", DENY,
     {**OTHERS, "own": ALL, "res": [to(A)], "rcp": [[to("*"), deny(
         Principal="*", **cond("StringNotEqualsIfExists", "aws:PrincipalOrgID", "o-1"))]]}),
    (RCP, "limits anonymous callers", DENY,
     {"by": "*", "res": ANYONE, "rcp": [[to("*"), deny(Principal="*")]]}),
    (RCP, "limits the root user", DENY, {"by": ROOT, "rcp": [[to("*"), deny(Principal="*")]]}),
    (RCPS, "only services that support RCPs", YES,
     {"own": ALL, "do": "iam:GetUser", "on": BOB, "rcp": [[to("*"), deny(Principal="*")]]}),
    (RCPS, "service-linked roles are not limited", YES,
     {"by": LINKED, "own": ALL, "rcp": [[to("*"), deny(Principal="*")]]}),
    (RCPS, "kms:RetireGrant is not limited", YES,
     {"do": "kms:RetireGrant", "on": KEY, "own": ALL, "res": [to(A)],
      "rcp": [[to("*"), deny(Principal="*")]]}),
    (RCPS, "enforcing TLS", DENY,
     {"own": ALL, "keys": {"aws:SecureTransport": False}, "rcp": [[to("*"), deny(
         Principal="*", **cond("BoolIfExists", "aws:SecureTransport", "false"))]]}),
    (ENDPOINT, "an endpoint policy grants nothing", NO, {"endpoint": [to("*")]}),
    (ENDPOINT, "an endpoint policy must allow", NO,
     {"own": ALL, "endpoint": [to("*", "s3:PutObject")]}),
    (ENDPOINT, "the usual one lets everything through", YES,
     {"own": ALL, "endpoint": [to("*")]}),
    # Keys.
    (KMS, "without a key policy that allows, IAM policies have no effect", NO,
     {**ON_KEY, "own": ALL, "res": [to(f"arn:aws:iam::{A}:user/admin")]}),
    (KMS, "the default policy lets IAM policies decide", YES,
     {**ON_KEY, "own": ALL, "res": [to(ROOT)]}),
    (KMS, "the default policy alone grants the users nothing", NO, {**ON_KEY, "res": [to(ROOT)]}),
    (KMS, "a key policy that names a user needs no IAM policy", YES,
     {**ON_KEY, "res": [to(BOB)]}),
    (KMS, "even the root user needs the key policy", NO,
     {**ON_KEY, "by": ROOT, "res": [to(BOB)]}),
    (KMS, "another account needs both", NO, {**ON_KEY, "of": B, "res": [to(BOB)]}),
    (KMS, "another account has both", YES, {**ON_KEY, "of": B, "own": ALL, "res": [to(A)]}),
    (KMS, "kms:ViaService limits to a service", NO,
     {**ON_KEY, "keys": {"kms:ViaService": "sqs.us-east-1.amazonaws.com"}, "res": [to(
         BOB, **cond("StringEquals", "kms:ViaService", "s3.us-east-1.amazonaws.com"))]}),
    (KMS, "an encryption context", YES,
     {**ON_KEY, "keys": {"kms:EncryptionContext:app": "x"}, "res": [to(
         BOB, **cond("StringEquals", "kms:EncryptionContext:app", "x"))]}),
    # Roles.
    (TRUST, "the caller's account: naming the user is enough", YES,
     {**TAKE_OWN, "res": [trusts(BOB)]}),
    (TRUST, "naming the account needs an identity policy", NO,
     {**TAKE_OWN, "res": [trusts(A)]}),
    (TRUST, "naming the account, with an identity policy", YES,
     {**TAKE_OWN, "own": ALL, "res": [trusts(A)]}),
    (TRUST, "an identity policy alone takes no role on", NO,
     {**TAKE_OWN, "own": ALL, "res": [trusts({"Service": SERVICE})]}),
    (TRUST, "a role does not trust itself", NO,
     {**TAKE_OWN, "by": f"arn:aws:sts::{A}:assumed-role/own/s", "own": ALL,
      "res": [trusts(BOB)]}),
    (TRUST, "another account: both sides", YES, {**TAKE, "own": ALL, "res": [trusts(BOB)]}),
    (TRUST, "another account: the trust policy alone", NO, {**TAKE, "res": [trusts(BOB)]}),
    (TRUST, "tagging is an action of its own", NO,
     {**TAKE, "do": "sts:TagSession", "own": ALL, "res": [trusts(A)]}),
    (TRUST, "a service takes its role on", YES,
     {**TAKE_OWN, "by": SERVICE, "res": [trusts({"Service": SERVICE})]}),
    (TRUST, "a web identity", YES,
     {**TAKE_OWN, "do": "sts:AssumeRoleWithWebIdentity", "by": HERE,
      "keys": {"example.org:aud": "app"}, "res": [trusts(
          {"Federated": HERE}, "sts:AssumeRoleWithWebIdentity",
          **cond("StringEquals", "example.org:aud", "app"))]}),
    (TRUST, "a web identity of another audience", NO,
     {**TAKE_OWN, "do": "sts:AssumeRoleWithWebIdentity", "by": HERE,
      "keys": {"example.org:aud": "other"}, "res": [trusts(
          {"Federated": HERE}, "sts:AssumeRoleWithWebIdentity",
          **cond("StringEquals", "example.org:aud", "app"))]}),
    (TRUST, "MFA is asked for", NO,
     {**TAKE, "own": ALL,
      "res": [trusts(A, **cond("Bool", "aws:MultiFactorAuthPresent", "true"))]}),
    (EXTERNAL, "the right ExternalId", YES,
     {**TAKE, "own": ALL, "keys": {"sts:ExternalId": "Unique"},
      "res": [trusts(A, **cond("StringEquals", "sts:ExternalId", "Unique"))]}),
    (EXTERNAL, "no ExternalId", NO,
     {**TAKE, "own": ALL, "res": [trusts(A, **cond("StringEquals", "sts:ExternalId", "Unique"))]}),
    (DEPUTY, "aws:SourceArn of one's own resource", YES,
     {"by": SERVICE, "do": "sqs:SendMessage", "on": QUEUE,
      "keys": {"aws:SourceArn": f"arn:aws:sns:us-east-1:{A}:t"},
      "res": [to({"Service": SERVICE},
                 **cond("ArnLike", "aws:SourceArn", f"arn:aws:sns:*:{A}:*"))]}),
    (DEPUTY, "aws:SourceAccount of somebody else", NO,
     {"by": SERVICE, "do": "sqs:SendMessage", "on": QUEUE, "keys": {"aws:SourceAccount": B},
      "res": [to({"Service": SERVICE}, **cond("StringEquals", "aws:SourceAccount", A))]}),
    # S3.
    (S3_ORDER, "a bucket policy of another account grants nothing beyond the user's own", NO,
     {**OTHERS, "own": NONE, "res": [to(A)]}),
    (S3_ORDER, "a public bucket", YES, {"by": "*", "res": [to("*", "s3:GetObject")]}),
    (S3_ORDER, "a bucket policy limited to addresses", DENY,
     {"own": ALL, "keys": {"aws:SourceIp": "198.51.100.1"}, "res": [deny(
         Principal="*", **cond("NotIpAddress", "aws:SourceIp", "203.0.113.0/24"))]}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("page", "expected", "given"),
    [pytest.param(page, result, given, id=title) for page, title, result, given in CASES],
)
def test_a_verdict_of_the_documentation(page: str, expected: str, given: dict[str, Any]) -> None:
    assert verdict(given) == expected, page
