"""What the simulated cloud should hold and decide, kept apart from the cloud: plain dictionaries,
and the naive evaluator of `tests/iam/reference.py`.
"""

from __future__ import annotations

import copy
from typing import Any

from tests.iam import reference

A, B = "111111111111", "222222222222"
USERS = {"ua0": A, "ua1": A, "ub0": B}
ROLES = {"ra": A, "rb": B}
BUCKETS = {"bucket-a0": A, "bucket-a1": A, "bucket-b0": B}
QUEUES = {"queue-a0": A, "queue-b0": B}
INBOXES = {"inbox-a": A, "inbox-b": B}
"""Queues that only the topic sends to, and nobody receives from."""
TOPIC = f"arn:aws:sns:us-east-1:{A}:news"
RETENTION_SECONDS = 86_400
ALLOW_ALL = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

Document = dict[str, Any]


def user_arn(name: str) -> str:
    return f"arn:aws:iam::{USERS[name]}:user/{name}"


def role_arn(name: str) -> str:
    return f"arn:aws:iam::{ROLES[name]}:role/{name}"


def bucket_arn(name: str, key: str = "") -> str:
    return f"arn:aws:s3:::{name}" + (f"/{key}" if key else "")


def queue_arn(name: str) -> str:
    return f"arn:aws:sqs:us-east-1:{QUEUES[name]}:{name}"


class Caller:
    """Somebody with keys: the root user of an account, a user, or a session of a role."""

    def __init__(
        self,
        kind: str,
        name: str,
        account: str,
        keys: dict[str, Any],
        *,
        expires: float | None = None,
        session: Document | None = None,
    ) -> None:
        self.kind = kind
        self.name = name
        self.account = account
        self.keys = keys
        self.expires = expires
        self.session = session

    def __repr__(self) -> str:
        return f"{self.kind} {self.account}/{self.name}"

    @property
    def arn(self) -> str:
        """As it stands in `aws:PrincipalArn`."""
        if self.kind == "root":
            return f"arn:aws:iam::{self.account}:root"
        if self.kind == "user":
            return user_arn(self.name)
        return f"arn:aws:sts::{self.account}:assumed-role/{self.name}/session"


class Model:
    """The state that everybody agrees on."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, bytes]] = {name: {} for name in BUCKETS}
        self.messages: dict[str, dict[str, float]] = {name: {} for name in (*QUEUES, *INBOXES)}
        self.extra_queues: set[str] = set()
        self.identity: dict[str, dict[str, Document]] = {name: {} for name in (*USERS, *ROLES)}
        self.boundary: dict[str, Document] = {}
        self.resource: dict[str, Document] = {}
        self.trust: dict[str, Document] = {}
        self.callers: list[Caller] = []
        self.answered: list[str] = []
        self.managed: list[str] = []
        self.arns: dict[str, str] = {}
        """Of the key and of the secret."""
        self.sealed: list[tuple[bytes, dict[str, str], bytes]] = []
        """Ciphertexts with their contexts and what they hold."""
        self.secret = ""
        self.parameter = ""
        self.parameter_version = 0
        self.events: list[str] = []
        self.measured: list[float] = []

    def copy(self) -> Model:
        """The same, to come back to."""
        return copy.deepcopy(self)

    def expire(self, now: float) -> None:
        """Messages do not stay for ever."""
        for held in self.messages.values():
            for body, sent in list(held.items()):
                if now >= sent + RETENTION_SECONDS:
                    del held[body]

    def decide(self, caller: Caller, action: str, resource: str, owner: str) -> str:
        """What IAM should say: `Allowed`, `ImplicitlyDenied`, `ExplicitlyDenied`."""
        root = caller.kind == "root"
        name = resource.split("/")[0] if resource.startswith("arn:aws:s3") else resource
        keys = {
            "aws:securetransport": "false",
            "aws:requestedregion": "us-east-1",
            "aws:principalaccount": caller.account,
        }
        if caller.kind == "user":
            keys["aws:username"] = caller.name
        policy = self.trust.get(name) or self.resource.get(name)
        case = {
            "action": action,
            "resource": resource,
            "account": owner,
            "principal": caller.arn,
            "keys": keys,
            "identity": [ALLOW_ALL] if root else list(self.identity[caller.name].values()),
            "boundary": [self.boundary[caller.name]] if caller.name in self.boundary else [],
            "session": [caller.session] if caller.session else [],
            "resource_policy": [policy] if policy else [],
            "scp": [],
        }
        found = reference.evaluate(case)
        if found == "Allowed" and policy is not None and name in self.trust:
            # A trust policy must allow by itself (IAM user guide, "Policy evaluation logic").
            found = "Allowed" if reference.best([policy], "Allow", case) else "ImplicitlyDenied"
        return found
