"""One simulated life of a cloud: callers, policies, crashes, full disks, jumps of the clock.

Everything comes from one seed. What the cloud does is compared with `model.Model` after every call,
and the invariants of docs/ARCHITECTURE.md are checked whenever something broke, and at the end.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from botocore.exceptions import ClientError

from mesocosm.call.record import CallRecord, decode
from mesocosm.services import catalogue
from tests.simulate import common_moves, moves
from tests.simulate.kit import Died, Dump, Machine, RealTime, differences, dump
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
    Model,
    role_arn,
)

EXPIRED = ("ExpiredToken", "ExpiredTokenException")
PUBLIC = frozenset({"GetCallerIdentity"})
CLOUDTRAIL = catalogue().service("cloudtrail") is not None
NO_ROOM = ("ServiceUnavailable", "InternalFailure", "InternalError", "InsufficientCapacity")


class Story:
    """A machine, its model, and the tale so far (for whoever has to find out what went wrong)."""

    def __init__(self, directory: Path, seed: int, now: float) -> None:
        self.random = Random(seed)
        self.real = RealTime(now)
        self.machine = Machine(directory, seed, self.real)
        self.model = Model()
        self.serial = 0
        self.tale: list[str] = []
        self.counts: Counter[str] = Counter()
        self.explained = 0
        self._begun = now
        self.saved: dict[str, tuple[Model, Dump]] = {}
        self.roots = {
            account: Caller("root", "root", account, _keys(account)) for account in (A, B)
        }
        self.build()

    # -- one call --------------------------------------------------------------------------------

    def call(self, service: str, caller: Caller, operation: str, **parameters: Any) -> Any:
        """A call of which success is expected."""
        answer = getattr(self.machine.client(service, caller.keys), operation)(**parameters)
        self.model.answered.append(_request_id(answer))
        return answer

    def play(self, move: moves.Move) -> None:
        """Make one call and compare what comes of it with the model."""
        model, machine = self.model, self.machine
        now = machine.world.clock.now()
        model.expire(now)
        decided = [model.decide(move.caller, *need) for need in move.needs]
        expired = move.caller.expires is not None and now >= move.caller.expires
        wanted = move.expected(model)
        parameters = {**move.parameters, **move.late(now)}
        told = f"{move.caller!r} {move.service}:{move.operation} {_short(parameters)}"
        self.tale.append(f"{told} -> {'expired' if expired else decided} {wanted}")
        client = machine.client(move.service, move.caller.keys)
        try:
            answer: dict[str, Any] = getattr(client, move.operation)(**parameters)
            code = ""
        except ClientError as error:
            answer, code = error.response, error.response["Error"]["Code"]
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        self.counts[code or "ok"] += 1
        self.tale[-1] += f" got {code or 'ok'}"
        if machine.disk.full and status >= 500:
            assert code in NO_ROOM, answer
            return
        if expired:
            assert code in EXPIRED, answer
            return
        model.answered.append(_request_id(answer))
        if any(one != "Allowed" for one in decided):
            assert code in moves.DENIED, (decided, answer)
            return
        assert code == wanted, (wanted, answer)
        if not code:
            move.check(model, answer)
            move.effect(model, answer, now)

    def next(self) -> moves.Move:
        """Somebody does something."""
        self.serial += 1
        if self.random.random() < 0.2:
            return self.random.choice(moves.ROOTS)(self.random, self.roots, self.serial)
        people = [*self.roots.values(), *self.model.callers, *self.users.values()]
        if self.random.random() < 0.35:  # what is named without an account is the caller's own
            people = [one for one in people if one.account == A]
            return self.random.choice(moves.COMMON)(
                self.random, self.random.choice(people), self.serial, self.model
            )
        return self.random.choice(moves.ANYBODY)(
            self.random, self.random.choice(people), self.serial
        )

    def build(self) -> None:
        """Users with keys, roles, buckets and queues."""
        self.users: dict[str, Caller] = {}
        for name, account in USERS.items():
            root = self.roots[account]
            self.call("iam", root, "create_user", UserName=name)
            keys = self.call("iam", root, "create_access_key", UserName=name)["AccessKey"]
            self.users[name] = Caller("user", name, account, keys)
        for name, account in ROLES.items():
            found = moves.trust([f"arn:aws:iam::{A}:root", f"arn:aws:iam::{B}:root"])
            self.model.trust[role_arn(name)] = found
            self.call(
                "iam", self.roots[account], "create_role", RoleName=name,
                AssumeRolePolicyDocument=json.dumps(moves.sendable(found)),
            )  # fmt: skip
        for bucket, account in BUCKETS.items():
            self.call("s3", self.roots[account], "create_bucket", Bucket=bucket)
        for queue, account in QUEUES.items():
            self.call(
                "sqs", self.roots[account], "create_queue", QueueName=queue,
                Attributes={"MessageRetentionPeriod": str(RETENTION_SECONDS)},
            )  # fmt: skip

        self.build_topic()
        self.build_common()

    def build_topic(self) -> None:
        """A topic, and a queue in each account that it sends to."""
        self.call("sns", self.roots[A], "create_topic", Name="news")
        self.call(
            "sns", self.roots[A], "add_permission", TopicArn=TOPIC, Label="them",
            AWSAccountId=[B], ActionName=["Subscribe"],
        )  # fmt: skip
        for queue, account in INBOXES.items():
            arn = f"arn:aws:sqs:us-east-1:{account}:{queue}"
            policy = {
                "Version": "2012-10-17",
                "Statement": {
                    "Effect": "Allow",
                    "Principal": {"Service": "sns.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": arn,
                    "Condition": {"ArnEquals": {"aws:SourceArn": TOPIC}},
                },
            }
            root = self.roots[account]
            retention = str(RETENTION_SECONDS)
            self.call(
                "sqs", root, "create_queue", QueueName=queue,
                Attributes={"MessageRetentionPeriod": retention, "Policy": json.dumps(policy)},
            )  # fmt: skip
            self.call("sns", root, "subscribe", TopicArn=TOPIC, Protocol="sqs", Endpoint=arn)

    def build_common(self) -> None:
        """A key, a secret under it, a parameter, a log group: all in one account."""
        root, model = self.roots[A], self.model
        key = self.call("kms", root, "create_key")["KeyMetadata"]["Arn"]
        enabled = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{A}:root"},
                   "Action": "kms:*", "Resource": "*"}  # fmt: skip
        model.resource[key] = {"Version": "2012-10-17", "Statement": [enabled]}
        model.secret = "the first"
        secret = self.call(
            "secretsmanager", root, "create_secret", Name="secret", KmsKeyId=key,
            SecretString=model.secret, ClientRequestToken="0" * 32,
        )  # fmt: skip
        model.arns = {"key": key, "secret": secret["ARN"]}
        model.parameter, model.parameter_version = "the first", 1
        self.call(
            "ssm", root, "put_parameter", Name=common_moves.PARAMETER, Value=model.parameter,
            Type="String",
        )  # fmt: skip
        self.call("logs", root, "create_log_group", logGroupName=common_moves.GROUP)
        self.call(
            "logs", root, "create_log_stream", logGroupName=common_moves.GROUP,
            logStreamName=common_moves.STREAM,
        )  # fmt: skip

    # -- what befalls the cloud --------------------------------------------------------------------

    def mishap(self) -> None:
        """One thing that is not a call."""
        self.random.choice(
            (self.crash, self.crash, self.fill_disk, self.jump, self.set_clock_wrong,
             self.save, self.save, self.go_back, self.branch_off, self.restart)
        )()  # fmt: skip

    def crash(self) -> None:
        """The process dies while it writes down a call; another one opens the directory."""
        machine = self.machine
        before = dump(machine.world)
        machine.disk.cut = self.random.choice((0.0, 0.1, 0.5, 0.9, 0.99))
        machine.disk.stop_after = 0
        self.tale.append(f"the process dies with {machine.disk.cut} of a write done")
        model = self.model.copy()
        for _ in range(50):  # reads of root users write a record, too; a refused key does not
            try:
                self.play(self.next())
            except Died:
                break
        else:
            raise AssertionError("nothing was written in 50 calls")
        self.model = model
        self._reopen(before)

    def restart(self) -> None:
        """The process ends in order, and another one begins."""
        self.tale.append("a restart")
        before = dump(self.machine.world)
        self.machine.run(self.machine.world.close)
        self._reopen(before)

    def _reopen(self, before: Dump) -> None:
        if self.machine.disk.dead:
            self.machine.abandon()
        self.machine.start()
        assert differences(before, self.machine.found) == []
        self.check()

    def fill_disk(self) -> None:
        """Nothing can be written for a few calls: what would change something is refused, and
        nothing has happened; reads and refusals are recorded when there is room.
        """
        self.tale.append("the disk is full")
        before = dump(self.machine.world)
        self.machine.disk.full = True
        for _ in range(5):
            self.play(self.next())
        self.machine.disk.full = False
        self.tale.append("there is room again")
        assert differences(before, dump(self.machine.world)) == []
        self.check()

    def jump(self) -> None:
        """The cloud's clock goes forward; whatever is due runs."""
        seconds = self.random.choice((1, 30, 700, 3600, 40_000))
        self.tale.append(f"the clock goes on by {seconds} s")
        self.machine.run(lambda: self.machine.world.clock.advance(seconds))

    def set_clock_wrong(self) -> None:
        """The machine's clock is set: the cloud's time never goes back."""
        before = self.machine.world.clock.now()
        self.real.now += self.random.choice((-60.0, 60.0))
        self.real.now = max(self._begun - 120, min(self._begun + 120, self.real.now))
        self.tale.append("the machine's clock is set")
        assert self.machine.world.clock.now() >= before

    def branch_off(self) -> None:
        """A fork of a named moment is what was then, and leaves this world alone."""
        if not self.saved:
            return
        name = self.random.choice(sorted(self.saved))
        self.tale.append(f"fork of {name}")
        world, before = self.machine.world, dump(self.machine.world)
        fork = self.machine.run(lambda: world.fork(name))
        assert differences(self.saved[name][1], dump(fork)) == []
        self.machine.run(fork.discard)
        assert differences(before, dump(world)) == []

    def save(self) -> None:
        """Name the present."""
        name = f"saved-{len(self.saved)}"
        self.tale.append(f"snapshot {name}")
        self.machine.run(lambda: self.machine.world.snapshot(name))
        self.saved[name] = (self.model.copy(), dump(self.machine.world))

    def go_back(self) -> None:
        """Rewind to a named moment: everything is as it was."""
        if not self.saved:
            return
        self.check_decisions()
        name = self.random.choice(list(self.saved)[-3:])
        self.tale.append(f"rewind to {name}")
        model, rows = self.saved[name]
        self.machine.run(lambda: self.machine.world.rewind(name))
        assert differences(rows, dump(self.machine.world)) == []
        self.model = model.copy()
        self.check()

    # -- what must always be so ------------------------------------------------------------------

    def records(self) -> Iterator[CallRecord]:
        for entry in self.machine.world.records():
            yield from decode(entry.record)

    def check(self) -> None:
        """The contents are those of the model, and the journal has every call once."""
        self.model.expire(self.machine.world.clock.now())
        for bucket, account in BUCKETS.items():
            self.play(_listing(self.roots[account], bucket))
        for queue, account in (QUEUES | INBOXES).items():
            names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
            answer = self.call(
                "sqs", self.roots[account], "get_queue_attributes",
                QueueUrl=moves.url(queue), AttributeNames=names,
            )  # fmt: skip
            held = sum(int(answer["Attributes"][name]) for name in names)
            assert held == len(self.model.messages[queue]), (held, self.model.messages[queue])
        answer = self.call("sqs", self.roots[A], "list_queues", QueueNamePrefix="extra-")
        found = {one.rpartition("/")[2] for one in answer.get("QueueUrls", [])}
        assert found == self.model.extra_queues
        for look in (common_moves.get_secret, common_moves.get_parameter, common_moves.get_metric):
            self.play(look(self.random, self.roots[A], self.serial, self.model))
        for _ in range(3):
            found = common_moves.filter_events(self.random, self.roots[A], self.serial, self.model)
            self.play(found)
        calls = [one.request_id for one in self.records() if is_a_call(one)]
        assert len(calls) == len(set(calls))
        assert set(calls) == set(self.model.answered)

    def check_decisions(self) -> None:
        """Every allowed call had an allow; every decision is explained as it was made."""
        for record in self.records():
            if not record.error and record.operation not in PUBLIC:
                assert record.judgements, record
                assert record.judgements[0].result == "Allowed", record
            told = self.machine.cloud.explain(record.request_id)
            assert told is not None, record
            for judgement, decision in zip(record.judgements, told["decisions"], strict=True):
                assert decision["result"] == judgement.result
                found = decision["explanation"]["decision"]["result"]
                assert found == judgement.result, (record, decision)
                self.explained += 1

    def check_trail(self) -> int:
        """CloudTrail has every management call once in the account of its caller, and never twice.
        How many.
        """
        wanted: dict[str, Counter[str]] = {A: Counter(), B: Counter()}
        for record in self.records():
            if record.category == "management" and record.account in wanted:
                wanted[record.account][record.request_id] += 1
        for account, root in self.roots.items():
            found: Counter[str] = Counter()
            pages = self.machine.client("cloudtrail", root.keys).get_paginator("lookup_events")
            for page in pages.paginate():
                for event in page["Events"]:
                    found[json.loads(event["CloudTrailEvent"]).get("requestID", "")] += 1
            twice = [one for one, times in found.items() if one and times > 1]
            assert not twice, twice
            missing = wanted[account].keys() - found.keys()
            assert not missing, missing
        return sum(len(calls) for calls in wanted.values())

    def run(self, calls: int) -> None:
        """So many calls, with something going wrong every thirty calls or so."""
        while sum(self.counts.values()) < calls:
            self.play(self.next())
            if self.random.random() < 1 / 30:
                self.mishap()
        self.check()


def is_a_call(record: CallRecord) -> bool:
    """Whether somebody made the call, and not a service by itself or for them."""
    by_service = record.principal.kind == "service" or record.principal.invoked_by
    return record.event_type == "AwsApiCall" and not by_service


def _listing(root: Caller, bucket: str) -> moves.Move:
    """Every object of a bucket."""

    def check(model: Model, answer: dict[str, Any]) -> None:
        found = {item["Key"]: item["Size"] for item in answer.get("Contents", [])}
        assert found == {key: len(body) for key, body in model.objects[bucket].items()}

    need = moves.Need("s3:ListBucket", f"arn:aws:s3:::{bucket}", BUCKETS[bucket])
    return moves.Move(root, "s3", "list_objects_v2", {"Bucket": bucket}, (need,), check=check)


def _keys(account: str) -> dict[str, Any]:
    return {"AccessKeyId": account, "SecretAccessKey": "any"}


def _request_id(answer: dict[str, Any]) -> str:
    found: str = answer["ResponseMetadata"]["RequestId"]
    return found


def _short(parameters: dict[str, Any]) -> str:
    return str(
        {name: str(value)[: 900 if "Poli" in name else 60] for name, value in parameters.items()}
    )
