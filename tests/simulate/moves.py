"""The moves of the simulation: what is asked for, what must be allowed for it, what it changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from tests.simulate.common_moves import COMMON, COMMON_ACTIONS
from tests.simulate.model import (
    BUCKETS,
    INBOXES,
    QUEUES,
    RETENTION_SECONDS,
    ROLES,
    TOPIC,
    USERS,
    A,
    B,
    Caller,
    Document,
    Model,
    bucket_arn,
    queue_arn,
    role_arn,
    user_arn,
)

KEYS = ("a", "b/c", "ü n", "..", "d//e")
DENIED = ("AccessDenied", "AccessDeniedException", "AuthorizationError")


class Need(NamedTuple):
    """A decision that a move needs."""

    action: str
    resource: str
    owner: str


class Move(NamedTuple):
    """One call. `expected`: the error that an allowed caller gets ("" for none); `effect` changes
    the model, given the answer."""

    caller: Caller
    service: str
    operation: str
    parameters: dict[str, Any]
    needs: tuple[Need, ...] = ()
    expected: Callable[[Model], str] = lambda model: ""
    effect: Callable[[Model, dict[str, Any], float], None] = lambda model, answer, now: None
    check: Callable[[Model, dict[str, Any]], None] = lambda model, answer: None
    late: Callable[[float], dict[str, Any]] = lambda now: {}
    """Parameters that depend on the time of the call."""


def url(queue: str) -> str:
    return f"http://127.0.0.1:4566/{(QUEUES | INBOXES)[queue]}/{queue}"


# -- policies -------------------------------------------------------------------------------------

ACTIONS = (
    "*", "s3:*", "s3:GetObject", "s3:Put*", "s3:?etObject", "s3:ListBucket", "sqs:*",
    "sqs:SendMessage", "sqs:ReceiveMessage", "SQS:*message", "sts:AssumeRole", "s3:DeleteObject",
    "sns:Publish", *COMMON_ACTIONS,
)  # fmt: skip
CONDITIONS: tuple[Document, ...] = (
    {"StringEquals": {"aws:username": "ua0"}},
    {"StringEqualsIfExists": {"aws:username": ["ua1", "ub0"]}},
    {"StringEquals": {"aws:PrincipalAccount": A}},
    {"StringNotEquals": {"aws:PrincipalAccount": B}},
    {"StringEquals": {"aws:SecureTransport": "true"}},
    {"Null": {"aws:username": "true"}},
)


def resources() -> list[str]:
    found = ["*", "*", "arn:aws:s3:::*", "arn:aws:sqs:*:*:queue-?0"]
    found += [bucket_arn(name) for name in BUCKETS] + [bucket_arn(name, "*") for name in BUCKETS]
    found += [queue_arn(name) for name in QUEUES] + [role_arn(name) for name in ROLES]
    return found


def statement(random: Random) -> Document:
    """A statement of an identity policy, mostly an allow."""
    action = random.choice(["Action"] * 6 + ["NotAction"])
    found = {
        "Effect": random.choice(["Allow"] * 5 + ["Deny"]),
        action: random.sample(ACTIONS, random.randint(1, 3)),
        "Resource": random.sample(resources(), random.randint(1, 3)),
    }
    if found["Effect"] == "Deny" and action == "Action":
        found["Action"] = [one for one in found["Action"] if one != "*"] or ["s3:GetObject"]
    if random.random() < 0.3:
        found["Condition"] = random.choice(CONDITIONS)
    return found


def document(random: Random) -> Document:
    statements = [statement(random) for _ in range(random.randint(1, 3))]
    return {"Version": "2012-10-17", "Statement": statements}


def resource_document(random: Random, prefix: str, targets: list[str]) -> Document:
    """A bucket's or a queue's policy."""
    actions = [one for one in ACTIONS if one.lower().startswith(prefix) and "?" not in one]
    if prefix == "sqs":  # SQS takes names of actions, or all of them
        actions = ["sqs:*", "sqs:SendMessage", "sqs:ReceiveMessage"]
    people = [A, B, *(user_arn(name) for name in USERS), *(role_arn(name) for name in ROLES)]
    statements = [
        {
            "Sid": f"s{number}",
            "Effect": random.choice(["Allow"] * 5 + ["Deny"]),
            "Principal": {"AWS": random.sample(people, random.randint(1, 2))},
            "Action": random.choice(actions),
            "Resource": random.choice(targets) if prefix == "sqs" else targets,
        }
        for number in range(random.randint(1, 2))
    ]
    return {"Version": "2012-10-17", "Statement": statements}


# -- what anybody does ----------------------------------------------------------------------------


def put_object(random: Random, caller: Caller, serial: int) -> Move:
    bucket, key = random.choice(list(BUCKETS)), random.choice(KEYS)
    body = f"{serial} ".encode() * random.choice((1, 50, 20_000))

    def effect(model: Model, answer: dict[str, Any], now: float) -> None:
        model.objects[bucket][key] = body

    need = Need("s3:PutObject", bucket_arn(bucket, key), BUCKETS[bucket])
    return Move(
        caller, "s3", "put_object", {"Bucket": bucket, "Key": key, "Body": body}, (need,),
        effect=effect,
    )  # fmt: skip


def get_object(random: Random, caller: Caller, serial: int) -> Move:
    bucket, key = random.choice(list(BUCKETS)), random.choice(KEYS)

    def expected(model: Model) -> str:
        if key in model.objects[bucket]:
            return ""
        listing = model.decide(caller, "s3:ListBucket", bucket_arn(bucket), BUCKETS[bucket])
        return "NoSuchKey" if listing == "Allowed" else "AccessDenied"

    def check(model: Model, answer: dict[str, Any]) -> None:
        assert answer["Body"].read() == model.objects[bucket][key]

    need = Need("s3:GetObject", bucket_arn(bucket, key), BUCKETS[bucket])
    return Move(
        caller, "s3", "get_object", {"Bucket": bucket, "Key": key}, (need,), expected, check=check
    )


def delete_object(random: Random, caller: Caller, serial: int) -> Move:
    bucket, key = random.choice(list(BUCKETS)), random.choice(KEYS)

    def effect(model: Model, answer: dict[str, Any], now: float) -> None:
        model.objects[bucket].pop(key, None)

    need = Need("s3:DeleteObject", bucket_arn(bucket, key), BUCKETS[bucket])
    return Move(
        caller, "s3", "delete_object", {"Bucket": bucket, "Key": key}, (need,), effect=effect
    )


def list_objects(random: Random, caller: Caller, serial: int) -> Move:
    bucket = random.choice(list(BUCKETS))

    def check(model: Model, answer: dict[str, Any]) -> None:
        found = [item["Key"] for item in answer.get("Contents", [])]
        assert found == sorted(model.objects[bucket], key=str.encode)

    need = Need("s3:ListBucket", bucket_arn(bucket), BUCKETS[bucket])
    return Move(caller, "s3", "list_objects_v2", {"Bucket": bucket}, (need,), check=check)


def send_message(random: Random, caller: Caller, serial: int) -> Move:
    queue, body = random.choice(list(QUEUES)), f"message {serial}"

    def effect(model: Model, answer: dict[str, Any], now: float) -> None:
        model.messages[queue][body] = now

    need = Need("sqs:SendMessage", queue_arn(queue), QUEUES[queue])
    return Move(
        caller, "sqs", "send_message", {"QueueUrl": url(queue), "MessageBody": body}, (need,),
        effect=effect,
    )  # fmt: skip


def publish(random: Random, caller: Caller, serial: int) -> Move:
    body = f"news {serial}"

    def effect(model: Model, answer: dict[str, Any], now: float) -> None:
        for queue in INBOXES:
            model.messages[queue][body] = now

    need = Need("sns:Publish", TOPIC, A)
    return Move(
        caller, "sns", "publish", {"TopicArn": TOPIC, "Message": body}, (need,), effect=effect
    )


def receive_message(random: Random, caller: Caller, serial: int) -> Move:
    queue = random.choice(list(QUEUES))

    def check(model: Model, answer: dict[str, Any]) -> None:
        bodies = {message["Body"] for message in answer.get("Messages", [])}
        assert bodies <= model.messages[queue].keys()

    need = Need("sqs:ReceiveMessage", queue_arn(queue), QUEUES[queue])
    parameters = {
        "QueueUrl": url(queue),
        "MaxNumberOfMessages": random.randint(1, 10),
        "VisibilityTimeout": random.choice((0, 5, 600)),
    }
    return Move(caller, "sqs", "receive_message", parameters, (need,), check=check)


def assume_role(random: Random, caller: Caller, serial: int) -> Move:
    name = random.choice(list(ROLES))
    session = document(random) if random.random() < 0.3 else None
    seconds = random.choice((900, 3600))
    parameters: dict[str, Any] = {
        "RoleArn": role_arn(name), "RoleSessionName": "session", "DurationSeconds": seconds,
    }  # fmt: skip
    if session:
        parameters["Policy"] = json.dumps(session)

    def effect(model: Model, answer: dict[str, Any], now: float) -> None:
        keys = answer.get("Credentials")
        if keys:
            made = Caller(
                "role", name, ROLES[name], keys, expires=keys["Expiration"].timestamp(),
                session=session,
            )  # fmt: skip
            model.callers = [*model.callers[-12:], made]

    def expected(model: Model) -> str:
        return "AccessDenied" if caller.kind == "root" else ""  # root users may not, ever

    need = Need("sts:AssumeRole", role_arn(name), ROLES[name])
    return Move(caller, "sts", "assume_role", parameters, (need,), expected, effect)


def who_am_i(random: Random, caller: Caller, serial: int) -> Move:
    def check(model: Model, answer: dict[str, Any]) -> None:
        assert (answer["Account"], answer["Arn"]) == (caller.account, caller.arn)

    return Move(caller, "sts", "get_caller_identity", {}, check=check)


# -- what the root users do: they change the rules ------------------------------------------------


def change_identity(random: Random, roots: dict[str, Caller], serial: int) -> Move:
    name = random.choice([*USERS, *ROLES])
    account = USERS.get(name) or ROLES[name]
    kind = "user" if name in USERS else "role"
    policy, found = random.choice(("p0", "p1")), document(random)
    who = {f"{kind.capitalize()}Name": name, "PolicyName": policy}
    if random.random() < 0.2:

        def remove(model: Model, answer: dict[str, Any], now: float) -> None:
            del model.identity[name][policy]

        def expected(model: Model) -> str:
            return "" if policy in model.identity[name] else "NoSuchEntity"

        operation = f"delete_{kind}_policy"
        return Move(roots[account], "iam", operation, who, (), expected, remove)

    def effect(model: Model, answer: dict[str, Any], now: float) -> None:
        model.identity[name][policy] = found

    parameters = {**who, "PolicyDocument": json.dumps(found)}
    return Move(roots[account], "iam", f"put_{kind}_policy", parameters, effect=effect)


def change_boundary(random: Random, roots: dict[str, Caller], serial: int) -> Move:
    name = random.choice(list(USERS))
    account, managed = USERS[name], "AmazonS3ReadOnlyAccess"
    allowed = {
        "Effect": "Allow", "Action": ["s3:Get*", "s3:List*", "s3:Describe*"], "Resource": "*",
    }  # fmt: skip
    if random.random() < 0.5:

        def effect(model: Model, answer: dict[str, Any], now: float) -> None:
            model.boundary[name] = {"Statement": [allowed]}

        arn = f"arn:aws:iam::aws:policy/{managed}"
        parameters = {"UserName": name, "PermissionsBoundary": arn}
        operation = "put_user_permissions_boundary"
        return Move(roots[account], "iam", operation, parameters, effect=effect)

    def remove(model: Model, answer: dict[str, Any], now: float) -> None:
        model.boundary.pop(name, None)

    operation = "delete_user_permissions_boundary"
    return Move(roots[account], "iam", operation, {"UserName": name}, effect=remove)


def change_trust(random: Random, roots: dict[str, Caller], serial: int) -> Move:
    name = random.choice(list(ROLES))
    people = [[f"arn:aws:iam::{A}:root"], [f"arn:aws:iam::{A}:root", f"arn:aws:iam::{B}:root"]]
    people.append([user_arn(random.choice(list(USERS)))])
    found = trust(random.choice(people))

    def effect(model: Model, answer: dict[str, Any], now: float) -> None:
        model.trust[role_arn(name)] = found

    parameters = {"RoleName": name, "PolicyDocument": json.dumps(sendable(found))}
    return Move(roots[ROLES[name]], "iam", "update_assume_role_policy", parameters, effect=effect)


def trust(people: list[str]) -> Document:
    """With the resource that a trust policy leaves out."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": people},
                "Action": "sts:AssumeRole",
                "Resource": "*",
            }
        ],
    }


def sendable(found: Document) -> Document:
    """A trust policy as IAM takes it."""
    statements = [
        {name: value for name, value in one.items() if name != "Resource"}
        for one in found["Statement"]
    ]
    return {**found, "Statement": statements}


def change_bucket_policy(random: Random, roots: dict[str, Caller], serial: int) -> Move:
    bucket = random.choice(list(BUCKETS))
    arn = bucket_arn(bucket)
    if random.random() < 0.3:

        def remove(model: Model, answer: dict[str, Any], now: float) -> None:
            model.resource.pop(arn, None)

        return Move(
            roots[BUCKETS[bucket]], "s3", "delete_bucket_policy", {"Bucket": bucket},
            effect=remove,
        )  # fmt: skip
    found = resource_document(random, "s3", [arn, f"{arn}/*"])
    for one in found["Statement"]:  # actions on objects need the objects' ARN, and so on
        one["Action"] = random.choice(["s3:*", ["s3:GetObject", "s3:ListBucket"], ["s3:Put*"]])
        if one["Effect"] == "Deny":
            one["Action"] = ["s3:GetObject", "s3:DeleteObject"]

    def effect(model: Model, answer: dict[str, Any], now: float) -> None:
        model.resource[arn] = found

    parameters = {"Bucket": bucket, "Policy": json.dumps(found)}
    return Move(roots[BUCKETS[bucket]], "s3", "put_bucket_policy", parameters, effect=effect)


def change_queue_policy(random: Random, roots: dict[str, Caller], serial: int) -> Move:
    queue = random.choice(list(QUEUES))
    found = resource_document(random, "sqs", [queue_arn(queue)])
    for one in found["Statement"]:
        if one["Effect"] == "Deny":
            one["Action"] = "sqs:SendMessage"
    text = json.dumps(found) if random.random() < 0.7 else ""

    def effect(model: Model, answer: dict[str, Any], now: float) -> None:
        if text:
            model.resource[queue_arn(queue)] = found
        else:
            model.resource.pop(queue_arn(queue), None)

    parameters = {"QueueUrl": url(queue), "Attributes": {"Policy": text}}
    return Move(roots[QUEUES[queue]], "sqs", "set_queue_attributes", parameters, effect=effect)


def make_queue(random: Random, roots: dict[str, Caller], serial: int) -> Move:
    name = f"extra-{serial}"

    def effect(model: Model, answer: dict[str, Any], now: float) -> None:
        model.extra_queues.add(name)

    return Move(roots[A], "sqs", "create_queue", {"QueueName": name}, effect=effect)


ANYBODY = (
    put_object, put_object, get_object, get_object, delete_object, list_objects, send_message,
    send_message, receive_message, publish, publish, assume_role, who_am_i,
)  # fmt: skip
ROOTS = (
    change_identity, change_identity, change_identity, change_boundary, change_trust,
    change_bucket_policy, change_bucket_policy, change_queue_policy, make_queue,
)  # fmt: skip

__all__ = [
    "ANYBODY",
    "COMMON",
    "DENIED",
    "RETENTION_SECONDS",
    "ROOTS",
    "Move",
    "Need",
    "trust",
    "url",
]
