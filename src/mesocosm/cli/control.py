"""The control API under `/_mesocosm/`: what the command line, the pytest plugin and programs of
this machine use.

Answers are JSON (`calls` answers JSON lines). A failure is `{"error", "message", "next"}`, where
`next` says what to do.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote

import msgspec

from mesocosm import __version__, compiled
from mesocosm.call.recent import Recent
from mesocosm.call.record import CallRecord
from mesocosm.cli.coverage import covered
from mesocosm.cli.loopback import refusal
from mesocosm.cli.moments import duration, iso, moment
from mesocosm.wire.message import Request, Response
from mesocosm.world import BeyondHistory, Moment, World, WorldError

PREFIX = "/_mesocosm/"
CALLS_MAX = 1000
WAIT_SECONDS_MAX = 60.0
FAR_SECONDS = 3e9
BODY_MAX_BYTES = 65_536
LAST_INSTANT = 32_503_680_000.0
"""The year 3000: dates of AWS have four digits of a year, and clients add years to them."""

BOOKKEEPING = (
    "world.",
    "call.",
    "iam.accesses",
    "iam.key_uses",
    "iam.role_uses",
    "cloudtrail.chains",
    "cloudtrail.progress",
    "cloudwatch.blocks",
    "cloudwatch.counters",
    "cloudwatch.pending",
    "cloudwatch.series",
    "s3.log_lines",
    "s3.notices",
)
"""Tables (by how their names begin) that change by themselves, or at every call."""
SECRETS = frozenset({"secret", "token", "pem", "seed", "private", "private_key", "hash", "salt"})
HIDDEN = "(hidden)"


class Cloud(Protocol):
    """What the control API needs of the running cloud (`mesocosm.call.cloud.Cloud`)."""

    world: World
    calls: Recent
    waiting: Any
    settings: Any
    catalogue: Any

    def explain(self, request_id: str) -> Mapping[str, Any] | None:
        """The call of that request id with its decisions explained; None when it is not known."""


class Host(Protocol):
    """The process around the cloud."""

    def facts(self) -> Mapping[str, Any]:
        """What the person who started it chose: url, data, durability, history, seed."""

    def stop(self) -> bool:
        """Begin an orderly end (what was accepted is answered); whether the process ends too."""

    async def fork(self, at: Moment, name: str | None) -> Mapping[str, Any]:
        """Serve a new branch from that moment; answers its name and url."""


class ControlError(Exception):
    """A refusal: HTTP status, code, message, and what to do next."""

    def __init__(self, status: int, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": code, "message": message, "next": hint}


class Ask:
    """A control request taken apart: its path behind the prefix, its query and its JSON body."""

    def __init__(self, request: Request, host: Host | None) -> None:
        self.host = host
        self.path = unquote(request.path.removeprefix(PREFIX)).strip("/")
        self.query = {name: values[-1] for name, values in parse_qs(request.query).items()}
        self.body = self._body(request) if request.method == "POST" else {}

    @staticmethod
    def _body(request: Request) -> dict[str, Any]:
        if request.body.size > BODY_MAX_BYTES:
            raise ControlError(413, "TooLarge", f"A body has at most {BODY_MAX_BYTES} bytes")
        data = request.body.read()
        if not data.strip():
            return {}
        try:
            return msgspec.json.decode(data, type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError) as error:
            raise ControlError(
                400, "BadRequest", f"The body is not a JSON object: {error}"
            ) from error

    def number(self, name: str, default: float) -> float:
        """A number of the query."""
        try:
            return float(self.query.get(name, default))
        except ValueError:
            raise ControlError(400, "BadRequest", f"'{name}' must be a number") from None

    def text(self, name: str, default: str | None = None) -> str:
        """A string of the body."""
        value = self.body.get(name, default)
        if not isinstance(value, str) or not value:
            raise ControlError(400, "BadRequest", f"The body needs a string '{name}'")
        return value


Handler = Callable[[Cloud, Ask], Any]


async def control(cloud: Cloud, request: Request, host: Host | None = None) -> Response:
    """Answer one request whose path begins with `/_mesocosm/`.

    `host` is the process around the cloud; without one (a cloud inside a test) there is nothing to
    shut down.
    """
    try:
        if reason := refusal(request):
            raise ControlError(403, "Forbidden", reason)
        ask = Ask(request, host)
        answer = _handler(request.method, ask)(cloud, ask)
        if inspect.isawaitable(answer):
            answer = await answer
        return answer if isinstance(answer, Response) else _json(200, answer)
    except ControlError as error:
        return _json(error.status, error.body)
    except BeyondHistory as error:
        return _json(
            410,
            {
                "error": "BeyondHistory",
                "message": f"History is kept from {iso(error.earliest)} on, and no further back",
                "next": "`mesocosm up --history 14d/20GB` keeps more from then on",
            },
        )
    except (WorldError, ValueError) as error:
        return _json(400, {"error": type(error).__name__, "message": str(error), "next": ""})


def _handler(method: str, ask: Ask) -> Handler:
    name, _, rest = ask.path.partition("/")
    if name == "why" and rest:
        ask.query["request_id"] = rest
        name, rest = "why/", ""
    methods = ROUTES.get(name) if not rest else None
    if methods is None:
        known = ", ".join(sorted(ROUTES))
        raise ControlError(404, "NotFound", f"There is no {PREFIX}{ask.path}", f"There is: {known}")
    found = methods.get("GET" if method == "HEAD" else method)
    if found is None:
        allowed = " or ".join(methods)
        raise ControlError(405, "MethodNotAllowed", f"{PREFIX}{ask.path} takes {allowed}")
    return found


def _json(status: int, value: Any) -> Response:
    body = msgspec.json.encode(value, enc_hook=str) + b"\n"
    return Response(status, _headers("application/json", len(body)), body)


def failure(error: Exception) -> Response:
    """The answer for a failure that no route foresaw."""
    status = getattr(error, "status", None) or 500
    return _json(status, {"error": type(error).__name__, "message": str(error), "next": ""})


def _headers(kind: str, size: int) -> list[tuple[str, str]]:
    return [
        ("content-type", kind),
        ("content-length", str(size)),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ]


# --- what is going on -----------------------------------------------------------------------------


def health(cloud: Cloud, ask: Ask) -> dict[str, Any]:
    """That it answers, and what it is."""
    return {"status": "ok", "version": __version__}


def status(cloud: Cloud, ask: Ask) -> dict[str, Any]:
    """The process, the clock and how the cloud was started."""
    return {
        "version": __version__,
        "compiled": compiled.state,
        "pid": os.getpid(),
        **(ask.host.facts() if ask.host else {}),
        "account": cloud.settings.account,
        "region": cloud.settings.region,
        "strict": cloud.settings.strict,
        "clock": clock(cloud, ask),
    }


async def calls(cloud: Cloud, ask: Ask) -> Response:
    """Recent calls as JSON lines, oldest first: `after` (a request id), `limit`, `wait` (seconds).

    Without `after`: the last `limit` calls. With `wait` the answer is held until there is a call
    behind `after` or the time is over (then it is empty). An `after` that is no longer kept means
    everything that is.
    """
    after = ask.query.get("after")
    limit = max(1, min(int(ask.number("limit", 100)), CALLS_MAX))
    wait = max(0.0, min(ask.number("wait", 0), WAIT_SECONDS_MAX))
    found = behind(cloud.calls, after)
    if not found and wait:
        forever = cloud.world.clock.now() + FAR_SECONDS
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(cloud.waiting.wait("calls", forever), wait)
        found = behind(cloud.calls, after)
    found = found[-limit:] if after is None else found[:limit]
    body = b"".join(msgspec.json.encode(summary(record)) + b"\n" for record in found)
    return Response(200, _headers("application/x-ndjson", len(body)), body)


def behind(records: Recent, after: str | None) -> list[CallRecord]:
    """The records that came after the one of that request id."""
    found: list[CallRecord] = []
    for record in reversed(records):
        if record.request_id == after:
            break
        found.append(record)
    found.reverse()
    return found


def summary(record: CallRecord) -> dict[str, Any]:
    """One call on one line."""
    return {
        "request_id": record.request_id,
        "time": iso(record.time),
        "service": record.service,
        "operation": record.operation,
        "account": record.account,
        "region": record.region,
        "principal": record.principal.arn,
        "source_ip": record.source_ip,
        "decision": decision(record),
        "status": record.status,
        "error": record.error,
        "message": record.message,
        "micros": record.micros,
    }


def decision(record: CallRecord) -> str:
    """The decision that counted: the denial if there was one; "" when none was made."""
    results = [judgement.result for judgement in record.judgements]
    return next((one for one in results if one != "Allowed"), "Allowed" if results else "")


def why(cloud: Cloud, ask: Ask) -> Any:
    """How one call was decided."""
    wanted = ask.query["request_id"]
    found = cloud.explain(wanted)
    if found is None:
        raise ControlError(
            404,
            "UnknownRequest",
            f"No call of this cloud has the request id {wanted}",
            "`mesocosm calls` lists the recent calls with their request ids",
        )
    return found


def coverage(cloud: Cloud, ask: Ask) -> Any:
    """The implemented operations of each service."""
    return {"services": [row._asdict() for row in covered(cloud.catalogue)]}


# --- time travel ----------------------------------------------------------------------------------


def point(cloud: Cloud, text: str) -> Moment:
    """What `now`, a snapshot, a branch, `branch@position`, `#position` or an instant names."""
    world = cloud.world
    if text == "now":
        return world.position
    names = {one.name for one in world.snapshots()} | {one.name for one in world.branches()}
    if text in names or text.rpartition("@")[0] in names:
        return text
    if text.startswith("#") and text[1:].isdigit():
        return int(text[1:])
    try:
        return moment(text, world.clock.now())
    except ValueError:
        some = ", ".join(sorted(names)[:20])
        raise ControlError(
            404,
            "UnknownPoint",
            f"'{text}' is neither a snapshot nor an instant",
            f"There is: {some}. Instants: 2026-03-01T09:30:00Z, 09:30, '10m ago'",
        ) from None


def snapshots(cloud: Cloud, ask: Ask) -> dict[str, Any]:
    """The named points of this cloud's past."""
    return {"snapshots": [_facts(named) for named in cloud.world.snapshots()]}


def snapshot(cloud: Cloud, ask: Ask) -> dict[str, Any]:
    """Name the present."""
    name = ask.text("name")
    try:
        moment(name, 0.0)
    except ValueError:
        return _facts(cloud.world.snapshot(name))
    raise ControlError(400, "BadName", f"'{name}' reads as an instant", "Choose another name")


def branches(cloud: Cloud, ask: Ask) -> dict[str, Any]:
    """Every line of this cloud, the abandoned ones included."""
    current = cloud.world.branch.name
    return {
        "branches": [
            {**_facts(branch), "current": branch.name == current}
            for branch in cloud.world.branches()
        ]
    }


async def fork(cloud: Cloud, ask: Ask) -> Mapping[str, Any]:
    """Branch off at a point (default: now); the new cloud answers at a port of its own."""
    if ask.host is None:
        raise ControlError(409, "NotAServer", "This cloud lives inside another program")
    at = point(cloud, ask.text("at", "now"))
    return await ask.host.fork(at, ask.text("name") if "name" in ask.body else None)


def rewind(cloud: Cloud, ask: Ask) -> dict[str, Any]:
    """Return to a point; the line left behind stays as a branch."""
    left = cloud.world.branch.name
    place = cloud.world.rewind(point(cloud, ask.text("to")))
    return {"to": ask.text("to"), **_facts(place), "left": left, "clock": clock(cloud, ask)}


def diff(cloud: Cloud, ask: Ask) -> dict[str, Any]:
    """The rows that differ between two points: `?a=NAME&b=NAME` (b: default now).

    Tables of the cloud's own bookkeeping are left out, unless `all=1`; secrets are never shown.
    """
    if "a" not in ask.query:
        raise ControlError(400, "BadRequest", "diff needs ?a=POINT", "And b=POINT, by default now")
    first, second = point(cloud, ask.query["a"]), point(cloud, ask.query.get("b", "now"))
    everything = ask.query.get("all", "") not in ("", "0")
    return {
        "changes": [
            {**_facts(change), "old": _row(change.old), "new": _row(change.new)}
            for change in cloud.world.diff(first, second)
            if everything or not change.table.startswith(BOOKKEEPING)
        ]
    }


def _row(row: Any) -> dict[str, Any] | None:
    """A row with its secrets hidden."""
    if row is None:
        return None
    plain: dict[str, Any] = msgspec.to_builtins(row)
    return {name: HIDDEN if name in SECRETS and plain[name] else plain[name] for name in plain}


def _facts(value: Any) -> dict[str, Any]:
    """A named tuple, Struct or mapping as a mapping; times readable."""
    if isinstance(value, msgspec.Struct):
        plain = {name: getattr(value, name) for name in value.__struct_fields__}
    else:
        plain = value._asdict()
    for name in ("virtual", "real"):
        if isinstance(plain.get(name), float):
            plain[name] = iso(plain[name])
    return plain


# --- clock, end -----------------------------------------------------------------------------------


def clock(cloud: Cloud, ask: Ask) -> dict[str, Any]:
    """The cloud's time beside real time, in epoch seconds and readable, and how fast it runs."""
    time = cloud.world.clock
    rate = time.speed
    return {
        "now": time.now(),
        "time": iso(time.now()),
        "real": time.real(),
        "rate": rate,
        "paused": rate == 0,
    }


async def set_clock(cloud: Cloud, ask: Ask) -> dict[str, Any]:
    """`{"do": "pause"|"resume"|"advance"|"rate"|"at", "value": ...}`; whatever falls due runs at
    its own instant.
    """
    time = cloud.world.clock
    verb, value = ask.text("do"), str(ask.body.get("value", ""))
    if verb == "pause":
        time.pause()
    elif verb == "resume":
        time.resume()
    elif verb == "advance":
        if value.strip().startswith("-"):
            raise back_in_time()
        seconds = duration(value)
        _within_time(time.now() + seconds)
        await time.advance(seconds)
    elif verb == "rate":
        time.rate(_rate(value))
    elif verb == "at":
        target = moment(value, time.now())
        if target < time.now():
            raise back_in_time()
        await time.advance_to(_within_time(target))
    else:
        raise ControlError(
            400, "BadRequest", f"'{verb}' is none of pause, resume, advance, rate, at"
        )
    return clock(cloud, ask)


def back_in_time() -> ControlError:
    """The refusal to set the clock back."""
    return ControlError(
        400,
        "BackInTime",
        "The clock only goes forward",
        "`mesocosm rewind --to TIME` returns to an earlier state and its time",
    )


def _within_time(instant: float) -> float:
    if instant > LAST_INSTANT:
        raise ControlError(400, "BeyondTime", "The cloud's clock ends with the year 2999")
    return instant


def _rate(value: str) -> float:
    try:
        rate = float(value)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1_000_000:
        raise ControlError(400, "BadRate", "A rate is a number from 0 (paused) to 1000000")
    return rate


def reset(cloud: Cloud, ask: Ask) -> dict[str, Any]:
    """Make the cloud empty, at real time; the line left behind stays as a branch."""
    cloud.world.reset()
    return {"reset": True}


def shutdown(cloud: Cloud, ask: Ask) -> dict[str, Any]:
    """Begin an orderly end."""
    if ask.host is None:
        raise ControlError(409, "NotAServer", "This cloud lives inside another program")
    ends = ask.host.stop()
    return {"stopping": True, "pid": os.getpid() if ends else None}


ROUTES: dict[str, dict[str, Handler]] = {
    "health": {"GET": health},
    "status": {"GET": status},
    "calls": {"GET": calls},
    "why/": {"GET": why},
    "coverage": {"GET": coverage},
    "snapshots": {"GET": snapshots},
    "snapshot": {"POST": snapshot},
    "branches": {"GET": branches},
    "fork": {"POST": fork},
    "rewind": {"POST": rewind},
    "diff": {"GET": diff},
    "clock": {"GET": clock, "POST": set_clock},
    "reset": {"POST": reset},
    "shutdown": {"POST": shutdown},
}
