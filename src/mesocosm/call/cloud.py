"""One running cloud: a world, the services over it, and the passage of calls through them."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from mesocosm import wire
from mesocosm.call.call import Call, Wait
from mesocosm.call.gate import Gate
from mesocosm.call.identity import IdentityCheck, service_principal
from mesocosm.call.later import later, runner
from mesocosm.call.metering import Meter
from mesocosm.call.recent import Recent
from mesocosm.call.record import CallRecord, encode, recorded
from mesocosm.call.redaction import Redaction, redaction
from mesocosm.call.service import Catalogue, Form, Operation, Service, Values
from mesocosm.call.steps import Passage, answer, not_implemented, pass_through, storage_full
from mesocosm.call.unstored import Unstored
from mesocosm.call.waiting import Waiting
from mesocosm.call.why import explanation
from mesocosm.iam import Principal
from mesocosm.wire import hosts
from mesocosm.wire.dialects import UNSIGNED_REST
from mesocosm.wire.errors import AwsError
from mesocosm.wire.front import Admission, Reply
from mesocosm.wire.message import Request, Response
from mesocosm.world import Change, StorageFailed, StorageFull, Timer, World

if TYPE_CHECKING:
    from mesocosm.call.authority import Metrics, Observed
    from mesocosm.call.metering import Gauge

log = logging.getLogger("mesocosm")

Finish = Callable[[Response], Response]
"""What a form makes of the answer to the call it stood for."""

OWN_PATHS = "/_"
"""`/_sts/...` is what STS publishes beside its API; no bucket's name begins with `_`."""
BROWSERS = frozenset({"OPTIONS", "POST"})
RECENT_CALLS = 2_000
REACTIONS_MAX = 100_000


class Settings(NamedTuple):
    """What the person who starts a cloud decides."""

    account: str = "000000000000"
    region: str = "us-east-1"
    strict: bool = False


class Run(NamedTuple):
    """A controller's function that is to run, in a cell, with what it is told."""

    service: Service
    account: str
    region: str
    function: Any
    values: tuple[Any, ...]
    stream: str = ""
    """Where what it follows from drew its ids."""


class Inner(NamedTuple):
    """An operation as calls from within reach it."""

    service: Service
    operation: Operation
    validate: Callable[[Any], None]
    hidden: Redaction


class Cloud:
    """A world with its services. Several (forks) can live in one process and share a catalogue."""

    def __init__(self, world: World, catalogue: Catalogue, settings: Settings) -> None:
        self.world = world
        self.catalogue = catalogue
        self.settings = settings
        self.gate = Gate(self)
        self.identity = IdentityCheck(self)
        self.waiting = Waiting(world.clock)
        self.meter = Meter(self)
        self.calls = Recent(RECENT_CALLS)
        self._providers: dict[str, Any] = {}
        self._woken: set[str] = set()
        self._reacting: deque[Run] = deque()
        self._hidden: dict[Operation, Redaction] = {}
        self._inner: dict[tuple[str, str], Inner] = {}
        self._unstored = Unstored()
        world.timers.run = runner(self)
        world.changes.reset.append(self.reset)

    # -- services --------------------------------------------------------------------------------

    def start(self) -> None:
        """Reconcile: every service that has rows wakes and makes the world follow them."""
        services = {name.split(".", 1)[0] for name in self.world.tables_in_use()}
        for name in sorted(services):
            if self.catalogue.service(name) is not None:
                self.wake(name)
        self.react()

    def reset(self) -> None:
        """The world has been replaced beneath the services (a rewind): reconcile anew."""
        self.gate.forget()
        self.calls.forget_after(self.world.clock.now() if self.world.position else 0.0)
        self._reacting.clear()
        self._unstored.clear()
        self.meter.reset()
        for name in sorted(self._woken):
            self._reconcile(name)
        self.start()
        self.waiting.wake_all()

    def wake(self, name: str) -> Service | None:
        """The service of that name, its controllers running in this world."""
        service = self.catalogue.service(name)
        if service is None or name in self._woken:
            return service
        self._woken.add(name)
        for table, function in service.reactions:
            self.world.changes.subscribe(table, self._reaction(service, function))
        self._reconcile(name)
        return service

    def _reconcile(self, name: str) -> None:
        service = self.catalogue.service(name)
        if service is None:
            return
        if service.gauges:
            self.meter.attend(service)
        for function in service.starts:
            # Not at once: a service may be woken within another's transaction.
            self._reacting.append(
                Run(service, self.settings.account, self.settings.region, function, ())
            )

    def provider(self, name: str) -> Any:
        """The object that answers one of the protocols of `call/authority.py` in this world, or
        None.
        """
        try:
            return self._providers[name]
        except KeyError:
            service = self.catalogue.keeper(name)
            made = service.providers[name](self.world) if service else None
            self._providers[name] = made
            return made

    def hidden(self, operation: Operation) -> Redaction:
        """What the record of this operation never shows."""
        try:
            return self._hidden[operation]
        except KeyError:
            found = redaction(operation.service.name, operation.name, operation.hide)
            self._hidden[operation] = found
            return found

    # -- calls from outside ----------------------------------------------------------------------

    def head(self, request: Request) -> Admission:
        """Before the body is read: who claims to call. Raises the refusal."""
        return self.identity.admit(request)

    def fault(self, error: Exception, request: Request) -> Response:
        """The answer for a request that was refused before it became a call."""
        if isinstance(error, AwsError):
            refused = error
        else:
            refused = storage_full() if isinstance(error, StorageFull) else internal_failure()
        return wire.fault_for_unknown(request, refused, self.world.ids.uuid())

    def answer(
        self, request: Request, admission: Admission, reply: Reply
    ) -> Coroutine[Any, Any, Response] | None:
        """Take one request through every step; the answer leaves when its record is safe.

        Only a call that waits for something to happen is given back as a coroutine.
        """
        passage = Passage(request, admission.context)
        finish: Finish | None = None
        if (
            request.method in BROWSERS
            or request.path.startswith(OWN_PATHS)
            or hosts.parse(request.host).kind == "website"
        ):
            web = self._web(request)
            if isinstance(web, Response):
                found = web
                self.world.when_stored(self.world.position, lambda _: reply(found))
                return None
            if web is not None:
                finish, passage = web.finish, Passage(web.request, web.claim)
        try:
            self.through(passage)
        except Wait as wait:
            return later(self, passage, finish, wait)

        def stored(error: StorageFailed | None) -> None:
            try:
                reply(self.answered(passage, finish, error))
            except Exception as failure:
                reply(failure)

        self.world.when_stored(passage.position, stored)
        return None

    def through(self, passage: Passage) -> None:
        try:
            pass_through(self, passage)
        except StorageFull:
            passage.error = storage_full()

    def answered(
        self, passage: Passage, finish: Finish | None, error: StorageFailed | None
    ) -> Response:
        """The answer to a call whose record is stored, or (`error`) could not be."""
        if isinstance(error, StorageFull):
            if passage.changed or not self._unstored.keep(passage.records):
                passage.error = storage_full()
        elif error is not None:
            raise error
        elif self._unstored:
            self._unstored.store(self)
        if self._reacting:
            self.react()
        answer(self, passage)
        response = passage.response
        assert response is not None
        return response if finish is None else finish(response)

    def _web(self, request: Request) -> Response | Form | None:
        """What browsers send that is no call of an API, if the service it is for wants it."""
        host = hosts.parse(request.host)
        if request.path.startswith(OWN_PATHS):
            name = request.path[2:].partition("/")[0]
            named = self.catalogue.service(name) if name in self.catalogue.names else None
            return named.web(self, request, host) if named and named.web else None
        if request.method == "POST" and not (request.headers.get("content-type") or "").startswith(
            "multipart/form-data"
        ):
            return None
        service = self.catalogue.service(host.service or UNSIGNED_REST)
        return service.web(self, request, host) if service and service.web else None

    # -- calls from within -----------------------------------------------------------------------

    def inner(self, service_name: str, operation_name: str) -> Inner:
        """The operation of that name, its service awake. Raises NotImplemented."""
        try:
            return self._inner[service_name, operation_name]
        except KeyError:
            service = self.wake(service_name)
            operation = service.operations.get(operation_name) if service else None
            if service is None or operation is None:
                raise not_implemented(service_name, operation_name) from None
            codec = wire.codec(
                service.name, operation.name, wire.service(service.name).protocols[0]
            )
            found = Inner(service, operation, codec.validate, self.hidden(operation))
            self._inner[service_name, operation_name] = found
            return found

    def invoke(
        self,
        parent: Call,
        service_name: str,
        operation_name: str,
        value: Any,
        *,
        principal: Principal | None,
        account: str | None,
        region: str | None,
        conditions: Mapping[str, Values],
    ) -> Any:
        """One service's call to another, within the caller's transaction: see `Call.invoke`."""
        service, operation, validate, hidden = self.inner(service_name, operation_name)
        source = parent.service.source
        caller = principal or msgspec.structs.replace(
            parent.principal,
            invoked_by=source,
            called_via=(*parent.principal.called_via, source),
        )
        call = Call(
            self,
            service,
            operation,
            caller,
            account or (caller.account or parent.account),
            region or parent.location,
            self.world.ids.uuid(),
        )
        call.source_ip = call.user_agent = source
        call.secure = True
        call.topics = parent.topics
        if principal is None:
            call.credential = parent.credential
            conditions = {**_carried(parent.given), **conditions}
        call.given = conditions
        error: AwsError | None = None
        result = None
        transaction = self.world.current
        assert transaction is not None
        savepoint = transaction.savepoint()
        try:
            validate(value)
            if not operation.public:
                needs = operation.decisions(call, value)
                if conditions:
                    needs = [need.under(conditions) for need in needs]
                self.gate.require(call, needs, operation.tags(value) if operation.tags else None)
            result = operation.function(call, value)
        except AwsError as raised:
            error = raised
            transaction.rollback(savepoint)
            call.undone()
        parent.records.append(recorded(call, operation, value, result, error, hidden))
        parent.records.extend(call.records)
        if error is not None:
            raise error
        return result

    # -- what happens by itself --------------------------------------------------------------------

    def run_timer(self, timer: Timer) -> None:
        """Run what is due, as its service, in a transaction of its own."""
        service = self.wake(timer.service)
        function = service.timers.get(timer.function) if service else None
        if service is None or function is None:
            log.error("no timer %s of service %s", timer.function, timer.service)
            return
        with self.world.ids.aside(f"{timer.service}/{timer.function}"):
            self._run(service, timer.account, timer.region, function, timer.key)
        self.react()

    def react(self) -> None:
        """Run the reactions to what has been committed, in order, until nothing more follows."""
        for _ in range(REACTIONS_MAX):
            if not self._reacting:
                return
            run = self._reacting.popleft()
            if not run.stream:
                self._run(run.service, run.account, run.region, run.function, *run.values)
                continue
            with self.world.ids.aside(run.stream):
                self._run(run.service, run.account, run.region, run.function, *run.values)
        log.error("reactions did not come to an end after %d", REACTIONS_MAX)

    def _reaction(self, service: Service, function: Any) -> Any:
        def noticed(change: Change) -> None:
            stream = self.world.ids.stream
            self._reacting.append(
                Run(service, change.account, change.region, function, (change,), stream)
            )

        return noticed

    def awake(self) -> list[Service]:
        """The services that run in this world."""
        found = (self.catalogue.service(name) for name in sorted(self._woken))
        return [service for service in found if service is not None]

    def sample(self, service: Service, gauge: Gauge) -> bool:
        """Let a service read what its gauge shows; whether it wants to be asked again."""
        with self.world.ids.aside(f"{service.name}/gauge"):
            return bool(self._run(service, "", self.settings.region, gauge, self.meter))

    def publish(self, observed: list[Observed]) -> None:
        """Give what services measured to whoever keeps metrics."""
        owner = self.catalogue.providers.get("metrics")
        if owner is None or self.wake(owner) is None:
            return
        metrics: Metrics = self.provider("metrics")
        with self.world.ids.aside("metrics"), self.world.transaction():
            metrics.publish(observed)
        self.react()

    def happened(
        self, service: Service, account: str, region: str, function: Any, *values: Any
    ) -> None:
        """Something outside of the cloud came to an end, such as an answer from elsewhere: run
        `(call, *values)` as the service, in a transaction of its own.
        """
        with self.world.ids.aside(f"{service.name}/happened"):
            self._run(service, account, region, function, *values)
        self.react()

    def _run(self, service: Service, account: str, region: str, function: Any, *values: Any) -> Any:
        """Run a controller's function in a transaction; a failure is logged and undone, and stops
        nothing else.
        """
        caller = service_principal(service.source, account)
        call = Call(self, service, None, caller, account, region, self.world.ids.uuid())
        call.source_ip = call.user_agent = service.source
        try:
            with self.world.transaction() as transaction:
                result = function(call, *values)
                self.gate.documents.write()
                if call.records:
                    transaction.record = encode(call.records)
                    self.recent(transaction.record)
        except Exception:
            log.exception("%s: %s failed", service.name, getattr(function, "__name__", function))
            return None
        for topic in call.topics:
            self.waiting.wake(topic)
        return result

    def explain(self, request_id: str) -> dict[str, Any] | None:
        """A past call with its decisions explained; None when it is not known."""
        return explanation(self, request_id)

    # -- what is seen --------------------------------------------------------------------------

    def recent(self, records: bytes) -> None:
        """Keep the newest calls at hand, and wake those who follow them."""
        self.calls.append(records)
        self.waiting.wake("calls")

    def service_event(
        self, call: Call, name: str, account: str, region: str, details: Mapping[str, Any]
    ) -> None:
        """Record something a service did by itself (CloudTrail: AwsServiceEvent)."""
        call.records.append(
            CallRecord(
                request_id=self.world.ids.uuid(),
                time=self.world.clock.now(),
                service=call.service.name,
                operation=name,
                account=account,
                region=region,
                principal=service_principal(call.service.source, account),
                source_ip=call.service.source,
                user_agent=call.service.source,
                event_type="AwsServiceEvent",
                extra={"serviceEventDetails": dict(details)},
            )
        )

    def crashed(self, passage: Passage) -> AwsError:
        """An operation failed in a way it should not: the client gets AWS's InternalFailure, the
        log the rest.
        """
        route = passage.route
        where = f"{route.service}:{route.operation}" if route else "?"
        log.exception("%s failed (request id %s)", where, passage.request_id)
        return internal_failure()


def _carried(given: Mapping[str, Values]) -> dict[str, Values]:
    """Of the condition keys a service gave: what calls with the same credentials carry on."""
    return {name: value for name, value in given.items() if name.lower().startswith("aws:source")}


def internal_failure() -> AwsError:
    """AWS's word for a failure of its own."""
    return AwsError(
        "InternalFailure",
        "The request processing has failed because of an unknown error, exception or failure.",
        status=500,
    )
