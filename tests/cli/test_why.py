"""`mesocosm why`: the tree a person reads, whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mesocosm.cli.moments import iso
from mesocosm.cli.reasons import draw
from mesocosm.testing.local import LocalCloud

POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "OwnProject",
            "Effect": "Allow",
            "Action": "sqs:*",
            "Resource": "*",
            "Condition": {
                "StringEquals": {"aws:ResourceTag/Project": "${aws:PrincipalTag/Project}"}
            },
        },
        {"Effect": "Deny", "Action": "sqs:DeleteQueue", "Resource": "*"},
    ],
}
BOUNDARY = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "Queues", "Effect": "Allow", "Action": "sqs:*", "Resource": "*"}],
}

ALLOWED = """\
sqs:ListQueueTags
├── request {id} at {time} in 000000000000 us-east-1
├── by arn:aws:iam::000000000000:user/bob
└── sqs:ListQueueTags on arn:aws:sqs:us-east-1:000000000000:orders: Allowed
    ├── decided by own (identity-based policies), OwnProject
    ├── identity-based policies: Allowed
    │   └── own
    │       ├── Allow OwnProject: matches
    │       └── Deny Statement[1]: no, action: Action sqs:DeleteQueue
    ├── permissions boundary: Allowed
    │   └── arn:aws:iam::000000000000:policy/limit
    │       └── Allow Queues: matches
    └── condition keys looked at
        ├── aws:principaltag/project = red
        └── aws:resourcetag/project = red
"""

DENIED = """\
sqs:DeleteQueue
├── request {id} at {time} in 000000000000 us-east-1
├── by arn:aws:iam::000000000000:user/bob
├── AccessDenied: User: arn:aws:iam::000000000000:user/bob is not authorized to perform: \
sqs:DeleteQueue on resource: arn:aws:sqs:us-east-1:000000000000:orders with an explicit deny in \
an identity-based policy
└── sqs:DeleteQueue on arn:aws:sqs:us-east-1:000000000000:orders: ExplicitlyDenied
    ├── decided by own (identity-based policies), Statement[1]
    ├── identity-based policies: ExplicitlyDenied
    │   └── own
    │       ├── Allow OwnProject: matches
    │       └── Deny Statement[1]: matches
    ├── permissions boundary: Allowed
    │   └── arn:aws:iam::000000000000:policy/limit
    │       └── Allow Queues: matches
    └── condition keys looked at
        ├── aws:principaltag/project = red
        └── aws:resourcetag/project = red
"""

ROOT = """\
iam:CreateUser
├── request {id} at {time} in 000000000000 us-east-1
├── by arn:aws:iam::000000000000:root
└── iam:CreateUser on arn:aws:iam::000000000000:user/bob: Allowed
    ├── decided by: the root user of the account
    └── identity-based policies: none
"""


def drawn(cloud: LocalCloud, answer: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> str:
    """The tree, with the request id and the time as places."""
    told = cloud.why(answer["ResponseMetadata"]["RequestId"])
    assert told is not None
    draw(json.loads(json.dumps(told, default=str)))
    said = capsys.readouterr().out.replace(told["requestId"], "{id}")
    return said.replace(iso(told["time"]), "{time}")


def test_the_tree_is_whole(
    cloud: LocalCloud, client: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    iam, sqs = client("iam"), client("sqs")
    limit = iam.create_policy(PolicyName="limit", PolicyDocument=json.dumps(BOUNDARY))
    made = iam.create_user(UserName="bob")
    iam.tag_user(UserName="bob", Tags=[{"Key": "Project", "Value": "red"}])
    iam.put_user_permissions_boundary(UserName="bob", PermissionsBoundary=limit["Policy"]["Arn"])
    iam.put_user_policy(UserName="bob", PolicyName="own", PolicyDocument=json.dumps(POLICY))
    queue = sqs.create_queue(QueueName="orders", tags={"Project": "red"})["QueueUrl"]
    bob = client("sqs", credentials=iam.create_access_key(UserName="bob")["AccessKey"])
    assert drawn(cloud, made, capsys) == ROOT
    assert drawn(cloud, bob.list_queue_tags(QueueUrl=queue), capsys) == ALLOWED
    with pytest.raises(ClientError) as caught:
        bob.delete_queue(QueueUrl=queue)
    assert drawn(cloud, dict(caught.value.response), capsys) == DENIED
