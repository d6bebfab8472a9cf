"""Root sessions of member accounts, for the tasks that only a root user can do."""

from __future__ import annotations

from mesocosm.api import sts as api
from mesocosm.call.call import Call
from mesocosm.call.service import Target
from mesocosm.iam import Principal
from mesocosm.services.sts import rules, sts
from mesocosm.services.sts.operations.issuing import issue, measured
from mesocosm.wire.errors import AwsError

LONGEST_S = 900
FEATURE = "RootSessions"
ADMINISTRATION = "iam.amazonaws.com"
EVERYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
"""The policies of tasks only deny: what they leave, a root user may do."""
TASKS = frozenset(
    f"arn:aws:iam::aws:policy/root-task/{name}"
    for name in (
        "IAMAuditRootUserCredentials",
        "IAMCreateRootUserPassword",
        "IAMDeleteRootUserCredentials",
        "S3UnlockBucketPolicy",
        "SQSUnlockQueuePolicy",
    )
)


def _target(principal: str) -> str:
    """The account whose root user is meant."""
    if len(principal) == 12 and principal.isdigit():
        return principal
    parts = principal.split(":")
    if len(parts) == 6 and parts[2] == "iam" and parts[5] == "root":
        return parts[4]
    raise rules.invalid(f"{principal} is not a valid target principal.")


def _resource(call: Call, request: api.AssumeRootRequest) -> str:
    # The permission is the caller's alone: the member account is not asked.
    arn = f"arn:aws:iam::{_target(request.target_principal)}:root"
    call.targets[arn] = Target(arn, call.account)
    return arn


@sts.operation(
    "AssumeRoot",
    resource=_resource,
    conditions={"sts:TaskPolicyArn": lambda _, request: request.task_policy_arn.arn},
    read_only=True,
    hide=("SecretAccessKey", "SessionToken"),
)
def assume_root(call: Call, request: api.AssumeRootRequest) -> api.AssumeRootResponse:
    """A short session of a member's root user, limited to one task.

    The caller's account must manage the organization or administer IAM for it, and root sessions
    must have been switched on (iam:EnableOrganizationsRootSessions).
    """
    account = _target(request.target_principal)
    organization = call.cloud.provider("organization")
    identity = call.cloud.provider("identity")
    management = organization.management(call.account)
    mine = management == call.account or organization.delegated(call.account, ADMINISTRATION)
    theirs = organization.management(account)
    if (
        management is None
        or not mine
        or theirs != management
        or account == management
        or FEATURE not in identity.root_features(management)
    ):
        raise AwsError(
            "AccessDenied",
            f"User: {call.principal.arn} is not authorized to perform: sts:AssumeRoot on resource: "
            f"arn:aws:iam::{account}:root",
            status=403,
        )
    task = request.task_policy_arn.arn or ""
    text = identity.policy(account, task) if task in TASKS else None
    if text is None:
        raise rules.invalid(f"{task} is not a policy for a privileged task.")
    principal = Principal(
        kind="root",
        account=account,
        arn=f"arn:aws:iam::{account}:root",
        id=account,
        source_identity=call.principal.source_identity,
        assumed_root=True,
    )
    seconds = LONGEST_S if request.duration_seconds is None else request.duration_seconds
    policies = ((task, text), ("the root user", EVERYTHING))
    return measured(
        api.AssumeRootResponse(
            credentials=issue(
                call,
                principal,
                seconds or LONGEST_S,
                policies,
                minimum=request.minimum_session_token_size,
            ),
            source_identity=call.principal.source_identity or None,
        )
    )
