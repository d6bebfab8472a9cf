"""The life of a call, as one visible list.

Each step is a plain function of the cloud and the passage (what is known of the call so far). A
step refuses by raising `AwsError`; the steps after it up to `record` are then left out, so a
refused call is recorded like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mesocosm import wire
from mesocosm.call.call import Call, Wait
from mesocosm.call.denial import Denied
from mesocosm.call.record import USER_AGENT_MAX, CallRecord, encode, members, recorded
from mesocosm.call.redaction import NOTHING
from mesocosm.call.service import Need
from mesocosm.wire import hosts
from mesocosm.wire.errors import AwsError
from mesocosm.world import StorageFull

if TYPE_CHECKING:
    from mesocosm.call.authority import Credential
    from mesocosm.call.cloud import Cloud
    from mesocosm.call.identity import Claim
    from mesocosm.call.service import Operation, Service
    from mesocosm.iam import Principal
    from mesocosm.wire.message import Request, Response
    from mesocosm.world import Transaction


class Passage:
    """What is known of one request on its way through the steps."""

    # What is not known yet stands here: it is set on the passage as the steps find it out.
    request_id = ""
    started = 0.0
    route: wire.Route | None = None
    codec: wire.Codec | None = None
    region = ""
    credential: Credential | None = None
    principal: Principal | None = None
    service: Service | None = None
    operation: Operation | None = None
    call: Call | None = None
    value: Any = None
    problem: AwsError | None = None
    needs: Sequence[Need] = ()
    result: Any = None
    error: AwsError | None = None
    changed = False
    records: Sequence[CallRecord] = ()
    position = 0
    response: Response | None = None
    resumed = False

    def __init__(self, request: Request, claim: Claim) -> None:
        self.request = request
        self.claim = claim


def receive(cloud: Cloud, passage: Passage) -> None:
    """Find the service, the operation and the protocol a request speaks."""
    request = passage.request
    host = hosts.parse(request.host)
    bucket = host.name if host.kind == "bucket" else None
    passage.route = route = wire.route(request, bucket)
    passage.codec = wire.codec(route.service, route.operation, route.protocol)


def identify(cloud: Cloud, passage: Passage) -> None:
    """Who calls: verify the signature and the session; an unsigned request is anonymous."""
    cloud.identity.identify(passage)


def resolve(cloud: Cloud, passage: Passage) -> None:
    """Find the declared operation, the typed request, and what the request is about."""
    route, codec = passage.route, passage.codec
    assert route is not None
    assert codec is not None
    assert passage.principal is not None
    passage.service = service = cloud.wake(route.service)
    passage.operation = operation = service.operations.get(route.operation) if service else None
    if service is None or operation is None:
        raise not_implemented(route.service, route.operation)
    passage.value = value = codec.parse(passage.request, route)
    request = passage.request
    passage.call = call = Call(
        cloud,
        service,
        operation,
        passage.principal,
        passage.principal.account,
        passage.region,
        passage.request_id,
    )
    call.credential = passage.credential
    call.http = request
    call.source_ip = request.peer
    call.user_agent = request.headers.get("user-agent") or ""
    call.secure = request.secure
    try:
        codec.validate(value)
        passage.needs = [] if operation.public else operation.decisions(call, value)
    except AwsError as error:
        if isinstance(error, Denied) and passage.principal.kind != "anonymous":
            raise
        # A malformed request is authorised for what it names, that is for nothing in particular,
        # and then refused.
        passage.problem = error
        action = operation.action
        passage.needs = [] if operation.public or not isinstance(action, str) else [Need(action)]


def authorise(cloud: Cloud, passage: Passage) -> None:
    """Ask every policy that speaks; raise the denial of the first decision that is not an allow."""
    call, operation = passage.call, passage.operation
    assert call is not None
    assert operation is not None
    if call.principal.kind == "anonymous" and not operation.anonymous:
        raise cloud.identity.missing_token(passage)
    if passage.credential is not None and passage.credential.token is not None:
        cloud.identity.limit(passage)
    if passage.needs:
        tags = operation.tags(passage.value) if operation.tags and not passage.problem else None
        cloud.gate.require(call, passage.needs, tags)


def validate(cloud: Cloud, passage: Passage) -> None:
    """Refuse input that breaks the constraints of the model, with AWS's wording."""
    if passage.problem is not None:
        raise passage.problem


def operate(cloud: Cloud, passage: Passage) -> None:
    """Run the operation: one plain function over the rows."""
    operation, call = passage.operation, passage.call
    assert operation is not None
    assert call is not None
    call.resumed = passage.resumed
    passage.result = operation.function(call, passage.value)


def record(cloud: Cloud, passage: Passage, transaction: Transaction) -> None:
    """Write down the call, and those it made in turn, beside the rows they changed."""
    if passage.route is None or passage.principal is None:
        return
    cloud.gate.documents.write()
    made = record_of(cloud, passage)
    passage.records = [made, *passage.call.records] if passage.call else [made]
    transaction.record = encode(passage.records)
    transaction.instant = made.time
    cloud.recent(transaction.record)
    if passage.credential is not None and passage.service is not None:
        cloud.identity.seen(passage)


def answer(cloud: Cloud, passage: Passage) -> None:
    """Turn the result or the error into the protocol the request came in."""
    if passage.error is not None:
        passage.response = (
            passage.codec.fault(passage.error, passage.request_id)
            if passage.codec is not None
            else wire.fault_for_unknown(passage.request, passage.error, passage.request_id)
        )
    else:
        assert passage.codec is not None
        passage.response = passage.codec.answer(passage.result, passage.request_id)
    call = passage.call
    if call is not None and call.answer_headers:
        passage.response.headers += call.answer_headers
    if call is not None and call.answer_status and passage.error is None:
        passage.response.status = call.answer_status
    if passage.service is not None and passage.service.answered is not None:
        passage.service.answered(cloud, passage)


BEFORE: tuple[Callable[[Cloud, Passage], None], ...] = (
    receive,
    identify,
    resolve,
    authorise,
    validate,
)
STEPS = (*BEFORE, operate, record, "commit", answer)
"""All of it, in order. `commit` is the end of the transaction that `operate` and `record` share."""


def pass_through(cloud: Cloud, passage: Passage) -> None:
    """Every step but the last: up to the transaction's end. `Wait` leaves nothing behind."""
    if passage.call is not None:
        passage.call.begin_again()
    else:
        passage.request_id = cloud.world.ids.uuid()
        passage.started = cloud.world.clock.monotonic()
        try:
            for step in BEFORE:
                step(cloud, passage)
        except AwsError as error:
            passage.error = error
        except Exception:
            passage.error = cloud.crashed(passage)
    with cloud.world.transaction() as transaction:
        if passage.error is None:
            savepoint = transaction.savepoint()
            try:
                operate(cloud, passage)
            except Wait:
                raise
            except AwsError as error:
                passage.error = error
            except StorageFull:
                passage.error = storage_full()
            except Exception:
                passage.error = cloud.crashed(passage)
            if passage.error is not None:
                transaction.rollback(savepoint)
                assert passage.call is not None
                passage.call.undone()
        passage.changed = bool(transaction.noted)
        record(cloud, passage, transaction)
    passage.position = transaction.position
    if passage.call is not None and passage.error is None:
        for topic in passage.call.topics:
            cloud.waiting.wake(topic)


def record_of(cloud: Cloud, passage: Passage) -> CallRecord:
    """The record of a passage as it stands."""
    call, operation, request = passage.call, passage.operation, passage.request
    micros = int((cloud.world.clock.monotonic() - passage.started) * 1e6)
    if call is not None and operation is not None:
        result, error, hidden = passage.result, passage.error, cloud.hidden(operation)
        return recorded(call, operation, passage.value, result, error, hidden, micros, request.host)
    route, principal, error = passage.route, passage.principal, passage.error
    assert route is not None
    assert principal is not None
    return CallRecord(
        request_id=passage.request_id,
        time=cloud.world.clock.now(),
        service=route.service,
        operation=route.operation,
        account=principal.account,
        region=passage.region,
        principal=principal,
        source_ip=request.peer,
        user_agent=(request.headers.get("user-agent") or "")[:USER_AGENT_MAX],
        request=members(passage.value, NOTHING.request),
        error=error.code if error else "",
        message=error.message if error else "",
        status=(error.status or 400) if error else 200,
        read_only=operation.read_only if operation else False,
        category=operation.category if operation else "management",
        micros=micros,
        host=request.host,
        secure=request.secure,
    )


def not_implemented(service: str, operation: str) -> AwsError:
    """The honest refusal: HTTP 501 naming the operation."""
    return AwsError("NotImplemented", f"{service}:{operation} is not implemented.", status=501)


def storage_full() -> AwsError:
    """The disk has no room: nothing was changed, reads go on, and the client may try again."""
    return AwsError(
        "ServiceUnavailable",
        "There is no room left on the disk: nothing was changed. Free some space and try again.",
        status=503,
    )
