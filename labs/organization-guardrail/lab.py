"""A guardrail: a service control policy stops the administrator of a member account.

The administrator's own policy allows everything; what the organization denies stays denied, for the
root user of the account too. CloudTrail of the member account has the attempts.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from lab import Lab, cloud, decisions, refused, request_id, say, step

MANAGEMENT = "444444444444"
GUARDRAIL = (Path(__file__).parent / "guardrail.json").read_text()
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def build(lab: Lab) -> tuple[str, str]:
    """An organization with a unit and an account in it; returns the account and the unit."""
    step("An organization with a production unit and one account in it")
    organizations = lab.client("organizations", MANAGEMENT)
    organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]["Id"]
    unit = organizations.create_organizational_unit(ParentId=root, Name="production")
    unit_id: str = unit["OrganizationalUnit"]["Id"]
    asked = organizations.create_account(Email="shop@example.com", AccountName="shop")
    status = asked["CreateAccountStatus"]
    while status["State"] == "IN_PROGRESS":  # it takes time, by the cloud's clock
        lab.command("clock", "advance", "1m")
        found = organizations.describe_create_account_status(CreateAccountRequestId=status["Id"])
        status = found["CreateAccountStatus"]
    account: str = status["AccountId"]
    organizations.move_account(AccountId=account, SourceParentId=root, DestinationParentId=unit_id)
    say(f"account shop is {account}, in unit {unit_id}")
    return account, unit_id


def administrator(lab: Lab, account: str) -> dict[str, Any]:
    """The keys of a user of the account who may do everything there."""
    sts = lab.client("sts", manager(lab))
    role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    session = sts.assume_role(RoleArn=role, RoleSessionName="setup")["Credentials"]
    say(f"the management account came in by {role}")
    iam = lab.client("iam", session)
    iam.create_user(UserName="admin")
    iam.attach_user_policy(UserName="admin", PolicyArn=ADMINISTRATOR)
    keys: dict[str, Any] = iam.create_access_key(UserName="admin")["AccessKey"]
    return keys


def manager(lab: Lab) -> dict[str, Any]:
    """The keys of a user of the management account: root users take on no roles."""
    iam = lab.client("iam", MANAGEMENT)
    iam.create_user(UserName="manager")
    iam.attach_user_policy(UserName="manager", PolicyArn=ADMINISTRATOR)
    keys: dict[str, Any] = iam.create_access_key(UserName="manager")["AccessKey"]
    return keys


def guard(lab: Lab, unit: str) -> None:
    """Attach the service control policy to the unit."""
    step("The organization sets a guardrail on the unit")
    organizations = lab.client("organizations", MANAGEMENT)
    root = organizations.list_roots()["Roots"][0]["Id"]
    organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    made = organizations.create_policy(
        Name="guardrail", Description="", Type="SERVICE_CONTROL_POLICY", Content=GUARDRAIL
    )
    organizations.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=unit)
    for action in json.loads(GUARDRAIL)["Statement"][0]["Action"]:
        say(f"denied to everybody in the unit: {action}")


def explain(lab: Lab, request: str) -> None:
    """Which kind of policy decided, of what `why` tells."""
    told = json.loads(lab.command("why", request, "--json"))
    for decision in decisions(told):
        say(f"{decision['action']}: {decision['result']} by {decision['by']}")


def seen(lab: Lab, keys: dict[str, Any]) -> None:
    """The attempts, from CloudTrail's event history of the member account."""
    step("What CloudTrail of the account has of it")
    lab.command("clock", "advance", "15m")  # CloudTrail delivers within 15 minutes
    found = lab.client("cloudtrail", keys).lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "DeleteQueue"}]
    )
    for event in found["Events"]:
        told = json.loads(event["CloudTrailEvent"])
        who = told["userIdentity"].get("userName", told["userIdentity"]["type"])
        say(f"{told['eventTime']} {told['eventName']} by {who}: {told.get('errorCode', 'ok')}")


def main() -> None:
    """The whole story."""
    with cloud() as lab:
        account, unit = build(lab)
        keys = administrator(lab, account)

        step("The administrator may do everything in the account")
        sqs = lab.client("sqs", keys)
        for name in ("first", "second"):
            url = sqs.create_queue(QueueName=name)["QueueUrl"]
        sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="first")["QueueUrl"])
        say("made two queues and deleted one")

        guard(lab, unit)
        step("Now the administrator is stopped, and so is the account's root user")
        error = refused(lambda: sqs.delete_queue(QueueUrl=url))
        explain(lab, request_id(error))
        refused(lambda: lab.client("sqs", account).delete_queue(QueueUrl=url))
        sqs.send_message(QueueUrl=url, MessageBody="still here")
        say("everything else goes on: a message was sent to the queue")

        seen(lab, keys)
        lab.measured()


if __name__ == "__main__":
    main()
