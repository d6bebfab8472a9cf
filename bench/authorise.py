"""Microseconds of one warm authorisation.

20 identity statements in 3 policies, 3 SCP levels with denies, a boundary. Each figure is the
median over single decisions, the making of the context included. Run: `python bench/authorise.py`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from mesocosm.iam import (
    AuthorizationRequest,
    Context,
    Level,
    PolicyStack,
    Principal,
    decide,
    parse,
    principal_keys,
)

ACCOUNT = "111122223333"
CALLER = Principal(
    kind="assumed-role",
    account=ACCOUNT,
    arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/Dev/s",
    role_arn=f"arn:aws:iam::{ACCOUNT}:role/Dev",
    id="AROAEXAMPLE:s",
    tags={"Project": "blue"},
)
KEYS = principal_keys(CALLER)
BUCKET = "arn:aws:s3:::data/*"


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: Any, resource: Any, effect: str = "Allow", **condition: Any) -> dict[str, Any]:
    body = {"Effect": effect, "Action": action, "Resource": resource}
    return {**body, "Condition": condition} if condition else body


FULL = allow("*", "*")


def stack(*first: dict[str, Any], scp: tuple[dict[str, Any], ...] = ()) -> PolicyStack:
    """20 identity statements: those given and others about other things."""
    others = [
        allow([f"{service}:Get*", f"{service}:List*"], f"arn:aws:{service}:*:{ACCOUNT}:x{n}*")
        for n in range(5)
        for service in ("sqs", "dynamodb", "s3", "lambda")
    ]
    every = [*first, *others][:20]
    parts = [every[:7], every[7:14], every[14:]]
    region = {"StringNotEquals": {"aws:RequestedRegion": ["us-east-1", "eu-west-1"]}}
    denies = (
        allow("*", "*", "Deny", **region),
        allow(["cloudtrail:*", "organizations:Leave*"], "*", "Deny"),
        *scp,
    )
    return PolicyStack(
        identity=[parse(document(*part), "identity", f"p{n}") for n, part in enumerate(parts)],
        boundary=[parse(document(allow(["s3:*", "sqs:*"], "*")), "boundary", "limit")],
        scp=[Level(name, (parse(document(FULL, *denies), "scp", name),)) for name in "rou"],
    )


def bucket_policy() -> Any:
    named = {**allow("s3:*", BUCKET), "Principal": {"AWS": CALLER.role_arn}}
    secure = {**allow("s3:*", BUCKET, "Deny", Bool={"aws:SecureTransport": "false"})}
    return parse(document(named, {**secure, "Principal": "*"}), "resource", "bucket policy")


def measure(policies: PolicyStack) -> float:
    """The median of single warm decisions in microseconds."""
    spent = []
    clock: Callable[[], int] = time.perf_counter_ns
    for _ in range(20_000):
        start = clock()
        context = Context(
            KEYS,
            lazy={"aws:currenttime": lambda: "2026-01-01T00:00:00Z"},
            families={
                "aws:resourcetag/": lambda: {"Project": "blue"},
                "aws:principaltag/": lambda: CALLER.tags,
            },
        )
        context["aws:requestedregion"] = "us-east-1"
        context["aws:sourceip"] = "10.1.2.3"
        context["aws:securetransport"] = "true"
        decide(
            AuthorizationRequest(
                "s3:GetObject", "arn:aws:s3:::data/a/b.txt", ACCOUNT, CALLER, context
            ),
            policies,
        )
        spent.append(clock() - start)
    return statistics.median(spent) / 1000


def figures() -> dict[str, float]:
    """Microseconds of one decision, by kind."""
    plain = stack(allow("s3:GetObject", BUCKET))
    tags: dict[str, Any] = {
        "StringEquals": {"aws:ResourceTag/Project": "${aws:PrincipalTag/Project}"}
    }
    address: dict[str, Any] = {
        "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
        "StringLike": {"aws:userid": "*:s"},
    }
    rows = {
        "plain allow": plain,
        "with a bucket policy": plain.at(resource=bucket_policy()),
        "tag condition with a variable": stack(allow("s3:Get*", BUCKET, **tags)),
        "address and like": stack(allow("s3:Get*", BUCKET, **address)),
        "implicit deny": stack(),
        "SCP deny": stack(scp=(allow("s3:*", BUCKET, "Deny"),)),
    }
    return {name: measure(policies) for name, policies in rows.items()}


def main() -> None:
    for name, spent in figures().items():
        print(f"{name:32} {spent:6.1f} µs")


if __name__ == "__main__":
    main()
