"""Hub and spoke: people in one account, data in another, and one rule that says who sees what.

A user of the hub takes on a role of the spoke, with an external id and the project as a session
tag. The role's only policy compares two tags: that of the bucket and that of the session.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from lab import Lab, cloud, decisions, refused, request_id, say, step

HERE = Path(__file__).parent
HUB, SPOKE = "111111111111", "222222222222"
ROLE = f"arn:aws:iam::{SPOKE}:role/analyst"
EXTERNAL_ID = "blue-otter-7"
TO_THE_SPOKE = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Resource": ROLE,
    },
}


def bucket(s3: Any, name: str, project: str) -> None:
    """A bucket whose tags take part in decisions (S3 calls that ABAC)."""
    s3.create_bucket(Bucket=name)
    tag(s3, name, project)
    s3.put_object(Bucket=name, Key="plan.txt", Body=f"the plan of {name}".encode())


def tag(s3: Any, name: str, project: str) -> None:
    """While ABAC is on, S3 takes no PutBucketTagging."""
    s3.put_bucket_abac(Bucket=name, AbacStatus={"Status": "Disabled"})
    tags = [{"Key": "Project", "Value": project}]
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
    s3.put_bucket_abac(Bucket=name, AbacStatus={"Status": "Enabled"})
    say(f"bucket {name} is tagged Project={project}")


def build(lab: Lab) -> dict[str, Any]:
    """Both accounts; returns the keys of the hub's user."""
    step("The hub has a user, the spoke a role and two buckets")
    iam = lab.client("iam", HUB)
    iam.create_user(UserName="ana")
    iam.put_user_policy(
        UserName="ana", PolicyName="to-the-spoke", PolicyDocument=json.dumps(TO_THE_SPOKE)
    )
    keys: dict[str, Any] = iam.create_access_key(UserName="ana")["AccessKey"]
    iam = lab.client("iam", SPOKE)
    trust, access = ((HERE / name).read_text() for name in ("trust.json", "access.json"))
    iam.create_role(RoleName="analyst", AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName="analyst", PolicyName="by-project", PolicyDocument=access)
    say(f"user ana in {HUB}, role analyst in {SPOKE}")
    s3 = lab.client("s3", SPOKE)
    bucket(s3, "spoke-atlas", "atlas")
    bucket(s3, "spoke-borealis", "boraelis")  # the typo
    return keys


def session(sts: Any, project: str) -> dict[str, Any]:
    """The role of the spoke, for one project."""
    keys: dict[str, Any] = sts.assume_role(
        RoleArn=ROLE,
        RoleSessionName="ana",
        ExternalId=EXTERNAL_ID,
        Tags=[{"Key": "Project", "Value": project}],
    )["Credentials"]
    say(f"ana has the role, with the session tag Project={project}")
    return keys


def explain(lab: Lab, request: str) -> None:
    """What `why` has to say, cut to the decision and the two tags."""
    told = json.loads(lab.command("why", request, "--json"))
    for decision in decisions(told):
        say(f"{decision['action']} on {decision['resource']}: {decision['result']}")
        for name, value in sorted(tags_in(decision).items()):
            say(f"{name} was {value!r}")


def tags_in(value: Any) -> dict[str, Any]:
    """Every tag that an explanation mentions."""
    found: dict[str, Any] = {}
    if isinstance(value, dict):
        for name, member in value.items():
            if "tag/" in str(name).lower() and not isinstance(member, dict):
                found[str(name)] = member
            found |= tags_in(member)
    elif isinstance(value, list):
        for member in value:
            found |= tags_in(member)
    return found


def main() -> None:
    """The whole story."""
    with cloud() as lab:
        sts = lab.client("sts", build(lab))

        step("Without the external id, or without a project, the role is not to be had")
        tags = [{"Key": "Project", "Value": "atlas"}]
        refused(lambda: sts.assume_role(RoleArn=ROLE, RoleSessionName="ana", Tags=tags))
        refused(
            lambda: sts.assume_role(RoleArn=ROLE, RoleSessionName="ana", ExternalId=EXTERNAL_ID)
        )

        step("A session of project atlas reads atlas, and nothing else")
        s3 = lab.client("s3", session(sts, "atlas"))
        body = s3.get_object(Bucket="spoke-atlas", Key="plan.txt")["Body"].read()
        say(f"spoke-atlas/plan.txt: {body.decode()}")
        refused(lambda: s3.get_object(Bucket="spoke-borealis", Key="plan.txt"))

        step("A session of project borealis should read borealis, but is refused. Why?")
        s3 = lab.client("s3", session(sts, "borealis"))
        error = refused(lambda: s3.get_object(Bucket="spoke-borealis", Key="plan.txt"))
        explain(lab, request_id(error))

        step("The typo is mended; the next call is allowed, with the session that was there")
        tag(lab.client("s3", SPOKE), "spoke-borealis", "borealis")
        body = s3.get_object(Bucket="spoke-borealis", Key="plan.txt")["Body"].read()
        say(f"spoke-borealis/plan.txt: {body.decode()}")
        lab.measured()


if __name__ == "__main__":
    main()
