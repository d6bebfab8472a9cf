"""What a service declares: its operations with their authorisation, its resources, and what happens
by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from mesocosm.call.identity import Claim
from mesocosm.call.tagged import AddTags, Listed, RemoveTags, Tagged, arn_pattern
from mesocosm.wire.message import Request, Response

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.call.cloud import Cloud
    from mesocosm.call.metering import Gauge
    from mesocosm.call.steps import Passage
    from mesocosm.wire.hosts import Host
    from mesocosm.world import Change, Table, World

Values = str | Sequence[str] | None
Conditions = Mapping[str, Values]
NOTHING: Conditions = {}
Given = Mapping[str, Callable[["Call", Any], Values]] | Callable[["Call", Any], Conditions]
NO_TAGS: Mapping[str, str] = {}
F = TypeVar("F", bound=Callable[..., Any])
P = TypeVar("P", bound=type)

READS = re.compile(
    r"(Get|List|Describe|Head|Lookup|Simulate|Search|Query|Scan|Select|Filter|Decode|Validate"
    r"|Check)(?![a-z])"
)


class Need(NamedTuple):
    """One decision a call needs: an action on a resource under further condition keys.

    A function in the place of `conditions` is called when a policy reads a key: most never do.
    """

    action: str
    resource: str = "*"
    conditions: Conditions | Callable[[], Conditions] = NOTHING

    def given(self) -> Conditions:
        """The further condition keys."""
        return self.conditions() if callable(self.conditions) else self.conditions

    def under(self, conditions: Conditions) -> Need:
        """The same under further condition keys."""
        if self.conditions is not NOTHING:
            conditions = {**self.given(), **conditions}
        return Need(self.action, self.resource, conditions)


class Target(NamedTuple):
    """What authorisation must know of a resource.

    `policy` is the JSON text of the resource's policy; `kind` says how it decides: "resource" (the
    ordinary rule), "trust" (a role's trust policy) or "kms" (a key policy): the last two must allow
    by themselves. `name` is what an explanation calls the policy. `open` is a grant beside policies
    (an S3 ACL, a KMS grant): a function of (principal, action, context) that says why the call is
    allowed, or None. `principals` are the unique ids, as of when the policy was saved, of the users
    and roles it names: one made anew under an old name is not who was meant. `limited`: RCPs
    apply to it (not to AWS managed keys of KMS).
    """

    arn: str
    account: str
    tags: Mapping[str, str] = NO_TAGS
    policy: str | None = None
    kind: str = "resource"
    name: str = ""
    open: Callable[[Any, str, Any], str | None] | None = None
    region: str = ""
    principals: Mapping[str, str] = NO_TAGS
    limited: bool = True


class Form(NamedTuple):
    """A browser's form as the API call it stands for, with what makes a browser's answer of the
    call's.
    """

    request: Request
    claim: Claim
    finish: Callable[[Response], Response]


def evaluated(given: Given, call: Call, request: Any) -> Conditions:
    """The condition keys that an operation declares, of one request."""
    if callable(given):
        return given(call, request)
    return {key: value(call, request) for key, value in given.items()}


class Operation:
    """One declared operation: the function and everything the steps of a call need to know about
    it.
    """

    __slots__ = (
        "action",
        "anonymous",
        "answers",
        "category",
        "conditions",
        "function",
        "hide",
        "name",
        "needs",
        "public",
        "read_only",
        "resource",
        "service",
        "tag_keys",
        "tags",
    )

    def __init__(self, service: Service, name: str, function: Callable[..., Any]) -> None:
        self.service = service
        self.name = name
        self.function = function
        self.action: str | Callable[[Call, Any], str] = f"{service.prefix}:{name}"
        self.resource: str | Callable[[Call, Any], str | list[str]] = "*"
        self.conditions: Given = {}
        self.tags: Callable[[Any], Mapping[str, str] | None] | None = None
        self.tag_keys: Callable[[Any], Sequence[str] | None] | None = None
        self.needs: Callable[[Call, Any], list[Need]] | None = None
        self.category = "management"
        self.read_only = bool(READS.match(name))
        self.answers = not self.read_only
        """Whether the record keeps the answer: not of what reads by its very name (CloudTrail)."""
        self.hide: frozenset[str] = frozenset()
        self.anonymous = False
        self.public = False

    def decisions(self, call: Call, request: Any) -> list[Need]:
        """Every decision this request needs, the operation's own first."""
        action = self.action if isinstance(self.action, str) else self.action(call, request)
        resource = self.resource if isinstance(self.resource, str) else self.resource(call, request)
        conditions: Conditions | Callable[[], Conditions] = (
            partial(evaluated, self.conditions, call, request) if self.conditions else NOTHING
        )
        if self.needs is None and isinstance(resource, str):
            return [Need(action, resource, conditions)]
        arns = [resource] if isinstance(resource, str) else resource
        found = [Need(action, arn, conditions) for arn in arns]
        if self.needs is not None:
            found += self.needs(call, request)
        return found


class Service:
    """One AWS service. `name` is botocore's; `prefix` is the one of its IAM actions."""

    def __init__(
        self,
        name: str,
        *,
        prefix: str | None = None,
        source: str | None = None,
        is_global: bool = False,
        denied: str | None = None,
        encoded_denials: bool = False,
        anonymous: bool = False,
        denied_unsigned: str = "Access Denied",
        spoken: str = "",
        rooms: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self.prefix = prefix or name
        self.source = source or f"{self.prefix}.amazonaws.com"
        self.is_global = is_global
        self.denied = denied
        self.encoded_denials = encoded_denials
        self.anonymous = anonymous
        self.rooms = rooms
        """Imports the modules that only calls of the service need, and not its provider: who calls
        is asked at every start."""
        self.spoken = spoken
        """How its refusals write the prefix of its actions, where not as policies do."""
        self.denied_unsigned = denied_unsigned
        """What an unsigned request that no policy allows is told; `{url}` is what it asked for."""
        self.operations: dict[str, Operation] = {}
        self.resources: list[Callable[[World, str], Target | None]] = []
        self.tagged_kinds: list[Tagged] = []
        self.timers: dict[str, Callable[[Call, str], None]] = {}
        self.reactions: list[tuple[Table[Any, Any], Callable[[Call, Change], None]]] = []
        self.starts: list[Callable[[Call], None]] = []
        self.providers: dict[str, type[Any]] = {}
        self.gauges: list[tuple[float, Gauge]] = []
        self.web: Callable[[Cloud, Request, Host], Response | Form | None] | None = None
        """What the service answers that is no call of its API (a website, a preflight, a form)."""
        self.answered: Callable[[Cloud, Passage], None] | None = None
        """The last touch on an answer, such as further headers."""

    def operation(
        self,
        name: str,
        *,
        action: str | Callable[[Call, Any], str] | None = None,
        resource: str | Callable[[Call, Any], str | list[str]] | None = None,
        conditions: Given | None = None,
        tags: Callable[[Any], Mapping[str, str] | None] | None = None,
        tag_keys: Callable[[Any], Sequence[str] | None] | None = None,
        needs: Callable[[Call, Any], list[Need]] | None = None,
        category: str = "management",
        read_only: bool | None = None,
        answers: bool | None = None,
        hide: Sequence[str] = (),
        anonymous: bool = False,
        public: bool = False,
    ) -> Callable[[F], F]:
        """Declare the function below as an operation; the arguments are explained in
        docs/ARCHITECTURE.md.
        """

        def declare(function: F) -> F:
            if name in self.operations:
                raise ValueError(f"{self.name}:{name} is declared twice")
            made = Operation(self, name, function)
            if action is not None:
                made.action = action
            if resource is not None:
                made.resource = resource
            if conditions is not None:
                made.conditions = conditions
            made.tags = tags
            made.tag_keys = tag_keys
            if tag_keys is not None:
                made.conditions = _untagging(made.conditions, tag_keys)
            made.needs = needs
            made.category = category
            made.hide = frozenset(hide)
            made.anonymous = anonymous or self.anonymous
            made.public = public
            if read_only is not None:
                made.read_only = read_only
                made.answers = not (read_only and READS.match(name))
            if answers is not None:
                made.answers = answers
            self.operations[name] = made
            return function

        return declare

    def resource(
        self, function: Callable[[World, str], Target | None]
    ) -> Callable[[World, str], Target | None]:
        """Register a look-up from an ARN of this service to its target (None: not one of this
        function's).
        """
        self.resources.append(function)
        return function

    def tagged(
        self,
        kind: str,
        pattern: str,
        *,
        tag: tuple[str, AddTags],
        untag: tuple[str, RemoveTags],
    ) -> Callable[[Listed], Listed]:
        """Declare the function below as the list of a kind of resource with tags: of (world,
        account, Region) every ARN with its tags. `kind` is CloudFormation's name of it; `tag` and
        `untag` name the operations, with what makes their request of (call, ARN, tags or keys).
        """

        def declare(function: Listed) -> Listed:
            made = Tagged(kind, arn_pattern(pattern), function, *tag, *untag)
            self.tagged_kinds.append(made)
            return function

        return declare

    def timer(self, name: str) -> Callable[[F], F]:
        """Register what runs when a timer of this name is due: `(call, key)`, in a transaction of
        its own.
        """

        def declare(function: F) -> F:
            self.timers[name] = function
            return function

        return declare

    def reaction(self, table: Table[Any, Any]) -> Callable[[F], F]:
        """Register what runs after a commit that changed a table: `(call, change)`, in a
        transaction of its own.
        """

        def declare(function: F) -> F:
            self.reactions.append((table, function))
            return function

        return declare

    def start(self, function: F) -> F:
        """Register what reconciles the running world with the rows: at start and after a rewind or
        a fork.
        """
        self.starts.append(function)
        return function

    def gauge(self, every: float) -> Callable[[F], F]:
        """Register what reads the state of resources every so many virtual seconds: `(call, meter)
        -> bool`, whether to be asked again. See `call/metering.py`.
        """

        def declare(function: F) -> F:
            self.gauges.append((every, function))
            return function

        return declare

    def provides(self, name: str) -> Callable[[P], P]:
        """Register the class that answers one of the protocols of `call/authority.py`; made once
        per world.
        """

        def declare(provider: P) -> P:
            self.providers[name] = provider
            return provider

        return declare


def _untagging(
    conditions: Given, tag_keys: Callable[[Any], Sequence[str] | None]
) -> Callable[[Call, Any], Conditions]:
    """The conditions of an operation that takes tags away: `aws:TagKeys`, no `aws:RequestTag/*`."""

    def with_keys(call: Call, request: Any) -> Conditions:
        keys = tag_keys(request)
        found = evaluated(conditions, call, request)
        return {**found, "aws:TagKeys": list(keys)} if keys else found

    return with_keys


class Catalogue:
    """The services there are, imported at their first use.

    `find(name)` imports a service (None: there is none), `begin(name)` as much of it as its
    provider needs; `providers` says which service answers which protocol; `owners` maps the service
    segment of an ARN to the service that knows its resources.
    """

    def __init__(
        self,
        find: Callable[[str], Service | None],
        names: Sequence[str],
        providers: Mapping[str, str],
        owners: Mapping[str, str],
        begin: Callable[[str], Service | None] | None = None,
    ) -> None:
        self._find = find
        self._begin = begin or find
        self.names = tuple(names)
        self.providers = providers
        self.owners = owners
        self._loaded: dict[str, Service | None] = {}

    def service(self, name: str) -> Service | None:
        """The service of that (botocore) name, or None when Mesocosm has no such service."""
        try:
            return self._loaded[name]
        except KeyError:
            found = self._loaded[name] = self._find(name)
            return found

    def keeper(self, protocol: str) -> Service | None:
        """The service that answers a protocol of `call/authority.py`, perhaps without its
        operations; None when there is none.
        """
        name = self.providers.get(protocol)
        return self._begin(name) if name else None

    def owner(self, arn: str) -> Service | None:
        """The service whose resources an ARN names."""
        parts = arn.split(":", 3)
        segment = parts[2] if len(parts) == 4 else ""
        return self.service(self.owners.get(segment, segment)) if segment else None
