"""Topics, subscriptions, messages on their way and their deliveries, as rows.

A subscription lives in the cell of its topic, whoever owns it. A message that was published is one
row until everybody has it; what could not be delivered at once has a small row of its own.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from mesocosm.call.encryption import Sealed
from mesocosm.call.service import Target
from mesocosm.iam import Principal
from mesocosm.services.sns import sns
from mesocosm.services.sns.rules.errors import invalid
from mesocosm.services.sns.rules.filters import Attribute, Filter
from mesocosm.services.sns.rules.patterns import BadPattern
from mesocosm.services.sns.rules.policies import default_policy, granted_to_service
from mesocosm.world import Segments, Table, World

if TYPE_CHECKING:
    from mesocosm.iam import Context


class Topic(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A topic. Times are epoch seconds, sizes bytes. `id` tells it from an earlier one of its name.

    An empty `policy` is the default one; `principals` are the unique ids of the users and roles
    that the policy names. `feedback` holds the attributes of delivery status logging. `archive` are
    days (0: none), kept since `archived`. `group_scope`: deduplication within a message group.
    """

    name: str
    id: str
    created: float
    fifo: bool = False
    policy: str = ""
    principals: dict[str, str] = {}
    display_name: str | None = None
    delivery_policy: str = ""
    kms_key: str = ""
    signature_version: str = ""
    tracing: str = ""
    maximum_size: int = 0
    content_deduplication: bool = False
    group_scope: bool = False
    archive: int = 0
    archived: float = 0.0
    feedback: dict[str, str] = {}
    tags: dict[str, str] = {}
    unsubscribed: int = 0


class Subscription(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A subscription; its key is the id at the end of its ARN.

    `token` confirms a pending one until `expires`. `base` is the URL of this cloud as the
    subscriber called it: the links in messages lead there. `replay` is the policy of a replay, with
    `replay_status`, and `replayed` the archived chunk that comes next.
    """

    topic: str
    owner: str
    protocol: str
    endpoint: str
    created: float
    principal: str = ""
    base: str = ""
    confirmed: bool = True
    token: str = ""
    expires: float = 0.0
    authenticated: bool = True
    locked: bool = False
    raw: bool = False
    filter: str = ""
    scope: str = ""
    delivery_policy: str = ""
    dead_letter: str = ""
    role: str = ""
    replay: str = ""
    replay_status: str = ""
    replayed: int = 0
    live: bool = False


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A message that was published: until everybody in `waiting` (ids of subscriptions) and in the
    table of deliveries has it. `texts` are what a message of structure json has for protocols;
    `kind` is what its Type says. On a topic with a KMS key `sealed` holds the body and the texts,
    and `sender` is who can read them. `replayed` is the number a message from the archive had.
    """

    id: str
    topic: str
    at: float
    body: str
    waiting: tuple[str, ...] = ()
    kind: str = "Notification"
    subject: str | None = None
    attributes: dict[str, Attribute] = {}
    texts: dict[str, str] | None = None
    group: str = ""
    deduplication: str = ""
    trace: str = ""
    token: str = ""
    sealed: Sealed | None = None
    sender: Principal | None = None
    replayed: int = 0


class Texts(msgspec.Struct, frozen=True):
    """What is encrypted of a message on a topic with a KMS key."""

    body: str
    texts: dict[str, str] | None


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A delivery that is still to be made, after so many attempts. Of a message that is sent to one
    endpoint only (a confirmation), `subscription` is a copy, as the row may be gone.
    """

    attempts: int = 0
    group: str = ""
    to: Subscription | None = None


class Sent(msgspec.Struct, frozen=True, gc=False):
    """A deduplication id that was used: the message it stands for."""

    id: str
    seq: int
    at: float


class Signer(msgspec.Struct, frozen=True):
    """The key that signs messages and its certificate, both PEM; `name` is in the URL."""

    name: str
    key: str
    certificate: str


topics: Table[str, Topic] = Table("sns.topics", Topic)
subscriptions: Table[str, Subscription] = Table("sns.subscriptions", Subscription)
messages: Table[int, Message] = Table("sns.messages", Message, key=int, ordered=True)
deliveries = Table("sns.deliveries", Delivery, key=tuple[int, str], ordered=True)
"""Key: sequence number of the message, id of the subscription."""
sent = Table("sns.sent", Sent, key=tuple[str, str])
"""Key: id of the topic, scope and deduplication id."""
archived = Segments("sns.archived")
"""Key: id of the topic. A chunk is one message."""
former: Table[str, Subscription] = Table("sns.former", Subscription)
"""Subscriptions that were ended by whoever had the link; the token brings one back for a while."""
signers: Table[str, Signer] = Table("sns.signers", Signer)

by_topic = subscriptions.index("topic", lambda row: row.topic)
by_owner = subscriptions.index("owner", lambda row: row.owner)
by_token = subscriptions.index("token", lambda row: row.token or None)
by_endpoint = subscriptions.index("endpoint", lambda row: (row.topic, row.protocol, row.endpoint))
by_group = deliveries.index("group", lambda row: row.group or None)


# -- what is derived -----------------------------------------------------------------------


class Order:
    """Ever greater sequence numbers, from the journal's position: what comes later is greater, also
    after a restart, and a seed repeats them.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._last = 0

    def next(self) -> int:
        """The next number."""
        self._last = max(self._last + 1, self._world.position * 1_000_000)
        return self._last


class Reader(NamedTuple):
    """A confirmed subscription with its compiled filter."""

    id: str
    row: Subscription
    filter: Filter | None


class Readers:
    """Who gets the messages of a topic, compiled; made anew when a subscription changes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._found: dict[tuple[str, str, str], tuple[int, dict[str, Reader]]] = {}

    def of(self, account: str, region: str, topic: str) -> Collection[Reader]:
        """The confirmed subscriptions of a topic that take new messages."""
        rows = self._world.rows(subscriptions, account, region)
        found = self._found.get((account, region, topic))
        if found is not None and found[0] == rows.version:
            return found[1].values()
        before = found[1] if found is not None else {}
        readers: dict[str, Reader] = {}
        for name in rows.find(by_topic, topic):
            row, known = rows[name], before.get(name)
            if known is not None and known.row is row:
                readers[name] = known
            elif row.confirmed:
                readers[name] = Reader(name, row, _compiled(row))
        self._found[account, region, topic] = (rows.version, readers)
        return readers.values()


def _compiled(row: Subscription) -> Filter | None:
    if not row.filter:
        return None
    try:
        return Filter(row.filter, row.scope)
    except BadPattern:  # of rules as they were when it was saved
        return None


# -- names ---------------------------------------------------------------------------------


class Name(NamedTuple):
    """What the ARN of a topic or a subscription says. `id` is empty for a topic."""

    region: str
    account: str
    topic: str
    id: str = ""

    @property
    def arn(self) -> str:
        """The ARN of the topic."""
        return f"arn:aws:sns:{self.region}:{self.account}:{self.topic}"


def name_of(arn: str | None, parameter: str) -> Name:
    """The name in an ARN. Raises InvalidParameter, naming the parameter it was given as."""
    parts = (arn or "").split(":")
    if len(parts) < 6:
        raise invalid(f"{parameter} Reason: An ARN must have at least 6 elements, not {len(parts)}")
    topic = parameter != "SubscriptionArn"
    if parts[0] != "arn" or parts[2] != "sns" or len(parts) != (6 if topic else 7):
        raise invalid("SubscriptionId" if not topic and len(parts) == 6 else parameter)
    return Name(parts[3], parts[4], parts[5], "" if topic else parts[6])


def policy_of(row: Topic, arn: str, account: str) -> str:
    """The policy of a topic as text."""
    return row.policy or _default(arn, account)


@lru_cache(maxsize=4096)
def _default(arn: str, account: str) -> str:
    return json.dumps(default_policy(arn, account), separators=(",", ":"))


@sns.resource
def target(world: World, arn: str) -> Target | None:
    """What authorisation must know of a topic: its tags and its policy."""
    parts = arn.split(":")
    if len(parts) < 6 or parts[2] != "sns":
        return None
    region, account, name = parts[3:6]
    row = world.rows(topics, account, region).get(name)
    if row is None:
        return None
    text = policy_of(row, ":".join(parts[:6]), account)

    def granted(principal: Principal, action: str, context: Context) -> str | None:
        if principal.kind != "service":
            return None
        owner: Any = context["aws:sourceaccount"]
        return granted_to_service(text, action, principal.services, owner)

    # The default policy lets nobody in but those services: what decides is then at hand.
    policy = text if row.policy else None
    return Target(
        arn, account, row.tags, policy, region=region, principals=row.principals, open=granted
    )
