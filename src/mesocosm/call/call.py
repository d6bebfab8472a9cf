"""The call as an operation sees it: who calls, in which cell, what may be done with the world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from mesocosm.call.service import NOTHING, Need, Values
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.authority import Credential
    from mesocosm.call.cloud import Cloud
    from mesocosm.call.record import CallRecord, Judgement
    from mesocosm.call.service import Operation, Service, Target
    from mesocosm.iam import Principal
    from mesocosm.wire.message import Request
    from mesocosm.world import Ids, Rows, Table, Timers, World

K = TypeVar("K")
V = TypeVar("V")

GLOBAL_REGION = "aws-global"


class Wait(Exception):
    """Roll back, and run the operation again at a notification of `topic` or at `until` (virtual
    epoch seconds).
    """

    def __init__(self, topic: str, until: float) -> None:
        super().__init__(topic)
        self.topic = topic
        self.until = until


class Call:
    """One call of one operation, by one principal, in one cell (account, Region)."""

    cloud: Cloud
    world: World
    service: Service
    operation: Operation | None
    principal: Principal
    account: str
    location: str
    """The Region the request was made to; `region` is that of the cell."""
    region: str
    request_id: str
    now: float
    since: float
    """When the call came: `now` of its first run, however often it has waited."""
    judgements: list[Judgement]
    records: list[CallRecord]
    targets: dict[str, Target]
    topics: list[str]
    extra: dict[str, Any]
    answer_headers: list[tuple[str, str]]
    # What few calls have, or what is set after a call is made:
    credential: Credential | None = None
    source_ip = ""
    user_agent = ""
    secure = False
    http: Request | None = None
    resumed = False
    given: Mapping[str, Values]
    """The condition keys that the service which made this call gave; calls made with the same
    credentials carry those called aws:Source* on."""
    answer_status = 0
    said: tuple[str, str] = ("", "")
    """An ARN and how the caller named it: Secrets Manager's refusals repeat that name."""

    def __init__(
        self,
        cloud: Cloud,
        service: Service,
        operation: Operation | None,
        principal: Principal,
        account: str,
        region: str,
        request_id: str,
    ) -> None:
        self.cloud = cloud
        self.world = world = cloud.world
        self.service = service
        self.operation = operation
        self.principal = principal
        self.account = account
        self.location = region
        self.region = GLOBAL_REGION if service.is_global else region
        self.request_id = request_id
        self.now = self.since = world.clock.now()
        self.judgements = []
        self.records = []
        self.targets = {}
        self.topics = []
        self.extra = {}
        self.answer_headers = []
        self.given = NOTHING

    def elsewhere(self, account: str, region: str) -> Call:
        """The same call in another cell; what either decides or records is in the call's record."""
        there = Call(
            self.cloud,
            self.service,
            self.operation,
            self.principal,
            account,
            region,
            self.request_id,
        )
        for name in ("now", "since", "credential", "source_ip", "user_agent", "secure", "http"):
            setattr(there, name, getattr(self, name))
        for name in ("judgements", "records", "targets", "topics", "extra", "given", "said"):
            setattr(there, name, getattr(self, name))
        return there

    # -- the world -----------------------------------------------------------------------------

    @property
    def ids(self) -> Ids:
        """Identifiers and random bytes."""
        return self.world.ids

    @property
    def timers(self) -> Timers:
        """What is to happen later."""
        return self.world.timers

    def rows(
        self, table: Table[K, V], account: str | None = None, region: str | None = None
    ) -> Rows[K, V]:
        """The live rows of a table in this call's cell, or in the cell named."""
        return self.world.rows(
            table,
            self.account if account is None else account,
            self.region if region is None else region,
        )

    def at(self, due: float, timer: str, key: str) -> None:
        """Arm a timer of this service in this cell: due at virtual epoch seconds, re-armed if it
        was armed.
        """
        self.world.timers.at(due, self.service.name, timer, key, self.account, self.region)

    def cancel(self, timer: str, key: str) -> None:
        """Disarm a timer of this service in this cell, if it is armed."""
        self.world.timers.cancel(self.service.name, timer, key, self.account, self.region)

    def arn(self, resource: str) -> str:
        """`arn:aws:<service>:<region>:<account>:<resource>` in this call's cell (no Region for
        global services).
        """
        region = "" if self.service.is_global else self.region
        return f"arn:aws:{self.service.prefix}:{region}:{self.account}:{resource}"

    # -- other decisions, other services ---------------------------------------------------------

    def require(self, action: str, resource: str = "*", /, **conditions: Values) -> None:
        """One further decision for this caller; raises the denial. `_` in a key stands for `:`."""
        self.cloud.gate.require(self, [Need(action, resource, _keys(conditions))])

    def need(self, *needs: Need) -> None:
        """Further decisions for this caller, all of which must allow; raises the first denial."""
        self.cloud.gate.require(self, list(needs))

    def allows(
        self, action: str, resource: str = "*", conditions: Mapping[str, Values] | None = None
    ) -> bool:
        """Whether this caller may; nothing is raised, and nothing is recorded but the decision."""
        return self.cloud.gate.allows(self, Need(action, resource, conditions or {}))

    def unlock(self, arn: str) -> str:
        """The ARN; the policy of the resource does not bind the root user of its account in this
        call. So whoever locked everybody out can mend that (IAM user guide, "Perform a privileged
        task on an AWS Organizations member account").
        """
        target = self.cloud.gate.target(self, arn)
        if self.principal.kind == "root" and self.principal.account == target.account:
            self.targets[arn] = target._replace(policy=None)
        return arn

    def invoke(
        self,
        service: str,
        operation: str,
        request: Any,
        *,
        principal: Principal | None = None,
        account: str | None = None,
        region: str | None = None,
        conditions: Mapping[str, Values] | None = None,
    ) -> Any:
        """Call an operation of a service within this call's transaction: authorised and recorded as
        any call.

        Without `principal` the caller's own credentials are forwarded (a forward access session:
        aws:ViaAWSService, aws:CalledVia); with one, the call is made by that role session or
        service principal. `conditions` adds context keys such as aws:SourceArn. Raises `AwsError`
        as a client would see it; its changes are then undone.
        """
        return self.cloud.invoke(
            self,
            service,
            operation,
            request,
            principal=principal,
            account=account,
            region=region,
            conditions=conditions or {},
        )

    # -- waiting ---------------------------------------------------------------------------------

    def wait(self, topic: str, until: float) -> Wait:
        """`raise call.wait(topic, until)`: run this operation again when `topic` is notified, or at
        `until`.

        It runs at a new `call.now`, with `call.resumed` true when `until` has come; `call.since`
        stays, so an operation that may wait no longer than some time compares the two. `until` is
        virtual epoch seconds.
        """
        return Wait(topic, until)

    def begin_again(self) -> None:
        """Run once more after a wait: at a new instant, with nothing left of the run before."""
        self.now = self.world.clock.now()
        self.topics.clear()
        self.records.clear()

    def undone(self) -> None:
        """What this call changed was taken back: of the calls it made only the refused ones were
        made.
        """
        self.records = [record for record in self.records if record.error]

    def notify(self, topic: str) -> None:
        """Wake the calls that wait for a topic, once this call is committed."""
        self.topics.append(topic)

    # -- what is seen ------------------------------------------------------------------------------

    def event(
        self, name: str, *, account: str | None = None, region: str | None = None, **details: Any
    ) -> None:
        """Record a service event (CloudTrail's AwsServiceEvent): something the service did by
        itself.
        """
        self.cloud.service_event(
            self, name, account or self.account, region or self.location, details
        )

    def not_implemented(self, what: str) -> AwsError:
        """`raise call.not_implemented("...")`: an honest refusal of something AWS has and Mesocosm
        has not.
        """
        name = f"{self.service.name}:{self.operation.name}" if self.operation else self.service.name
        return AwsError("NotImplemented", f"{name}: {what} is not implemented.", status=501)


def _keys(conditions: Mapping[str, Values]) -> Mapping[str, Values]:
    return {key.replace("_", ":", 1): value for key, value in conditions.items()}
