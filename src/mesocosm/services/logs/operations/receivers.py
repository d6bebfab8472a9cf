"""Who is sent the events of a group: its subscription filters and the account's."""

from __future__ import annotations

from mesocosm.api import firehose
from mesocosm.call.call import Call
from mesocosm.call.roles import assumed
from mesocosm.services.logs.resources.rows import (
    Delivery,
    Group,
    Stream,
    Subscription,
    account_policies,
    deliveries,
    destinations,
    subscriptions,
)
from mesocosm.services.logs.resources.targets import bad
from mesocosm.services.logs.rules.messages import control_message
from mesocosm.services.logs.rules.selection import subscription_of
from mesocosm.wire.errors import AwsError

by_group = subscriptions.index("group", lambda row: row.group)


def subscribed(call: Call, group: Group) -> list[Subscription]:
    """A group's subscription filters, and the account's."""
    rows = call.rows(subscriptions)
    found = [rows[key] for key in rows.find(by_group, group.name)]
    for policy in call.rows(account_policies).values():
        if policy.kind == "SUBSCRIPTION_FILTER_POLICY":
            row = subscription_of(policy, group)
            if row is not None:
                found.append(row)
    return found


def announce(call: Call, group: Group, stream: Stream, sequence: int) -> None:
    """Note that a chunk of events waits for the group's subscribers."""
    if not call.rows(subscriptions).find(by_group, group.name) and not (
        call.rows(account_policies) and subscribed(call, group)
    ):
        return
    call.rows(deliveries)[stream.id, sequence] = Delivery(
        group=group.name,
        stream=stream.name,
        stream_id=stream.id,
        sequence=sequence,
        since=call.now,
    )


def put_record(call: Call, destination: str, role: str, record: bytes) -> None:
    """Give a record to a Firehose stream, or to the one a logical destination names."""
    _, _, service, region, account, rest = destination.split(":", 5)
    if service == "logs":
        row = call.rows(destinations, account, region).get(rest.partition(":")[2])
        if row is None:
            raise AwsError("ResourceNotFoundException", "The specified destination does not exist.")
        put_record(call, row.target, row.role, record)
        return
    source = f"arn:aws:logs:{region}:{account}:*"
    principal = assumed(call, role, "CloudWatchLogs", {"aws:SourceArn": source})
    call.invoke(
        "firehose",
        "PutRecord",
        firehose.PutRecordInput(
            delivery_stream_name=rest.partition("/")[2], record=firehose.Record(data=record)
        ),
        principal=principal,
        account=account,
        region=region,
    )


def check_target(call: Call, arn: str, role: str | None, *, destination: bool = False) -> None:
    """Whether events can be sent there: a message tries it. Raises what AWS answers."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        raise bad(f"Invalid ARN: {arn}")
    service = parts[2]
    if service in ("lambda", "kinesis"):
        raise call.not_implemented(f"delivery to {service}")
    if service != "firehose" or not parts[5].startswith("deliverystream/"):
        raise bad(
            f"PutSubscriptionFilter operation cannot work with destinationArn for vendor {service}"
        )
    if parts[4] != call.account or parts[3] != call.region:
        raise bad("The destination must belong to the same account and Region.")
    if not role:
        raise bad(f"destinationArn for vendor {service} cannot be used without roleArn")
    try:
        put_record(call, arn, role, control_message(int(call.now * 1000), "Firehose"))
    except AwsError as error:
        if error.code == "NotImplemented":
            raise
        raise bad(
            "Could not deliver test message to specified Firehose stream. Check if the given "
            "Firehose stream is in ACTIVE state."
        ) from None


def check(call: Call, row: Subscription) -> None:
    """Whether a subscription can be delivered."""
    parts = row.destination.split(":", 6)
    if len(parts) == 7 and parts[2] == "logs" and parts[5] == "destination":
        if parts[3] != call.region:
            raise bad("The destination must be in the same Region.")
        if parts[6] not in call.rows(destinations, parts[4], parts[3]):
            raise bad("Could not find the destination. Check its ARN and its access policy.")
        return
    check_target(call, row.destination, row.role or None)
