"""The server process: open the world, assemble the services, listen, end in order."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from mesocosm import __version__
from mesocosm.cli.errors import CliError
from mesocosm.cli.place import NOTE, Running, read_note, remove_note, write_note

BACKLOG = 2048
END_SECONDS = 60


class Options(NamedTuple):
    """How a cloud is started; `data` is None for one that keeps nothing."""

    host: str
    port: int
    data: Path | None
    seed: int | None
    strict: bool
    account: str
    region: str
    durability: str
    history: str
    history_seconds: float
    history_bytes: int
    as_json: bool

    def arguments(self) -> list[str]:
        """The same as arguments of `mesocosm up`."""
        given = ["--host", self.host, "--port", str(self.port), "--account", self.account]
        given += ["--region", self.region, "--durability", self.durability]
        given += ["--history", self.history, "--listen-anyway", "--json"]
        given += ["--ephemeral"] if self.data is None else ["--data", str(self.data)]
        given += [] if self.seed is None else ["--seed", str(self.seed)]
        return given + (["--strict"] if self.strict else [])


class Process:
    """The process around the cloud, as the control API sees it."""

    def __init__(self, options: Options, url: str, data: Path, stop: Callable[[], None]) -> None:
        self._options = options
        self._url = url
        self._data = data
        self._stop = stop

    def facts(self) -> Mapping[str, Any]:
        """How the cloud was started."""
        return {
            "url": self._url,
            "data": None if self._options.data is None else str(self._data),
            "durability": self._options.durability,
            "history": self._options.history,
            "seed": self._options.seed,
        }

    def stop(self) -> None:
        """Begin an orderly end."""
        self._stop()


def run(options: Options) -> None:
    """Run the cloud in this process until SIGINT, SIGTERM or `mesocosm down`."""
    import uvloop

    listener = listen(options.host, options.port)
    with ExitStack() as stack, listener:
        if options.data is None:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mesocosm-")))
        else:
            data = options.data
            _prepare(data)
        uvloop.run(_serve(options, listener, data))


async def _serve(options: Options, listener: socket.socket, data: Path) -> None:
    import asyncio

    from mesocosm.call.cloud import Settings
    from mesocosm.cli.control import PREFIX, control
    from mesocosm.services import assemble
    from mesocosm.wire import front
    from mesocosm.wire.message import Request, Response
    from mesocosm.world import World

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    url = _url(options.host, listener)
    world = World.open(
        data,
        seed=options.seed,
        durability=options.durability,
        history=(options.history_seconds, options.history_bytes),
    )
    cloud = assemble(world, Settings(options.account, options.region, options.strict))
    process = Process(options, url, data, stopping.set)

    class Door:
        """Takes a request to the control API or to the cloud."""

        async def call(self, request: Request) -> Response:
            if request.path.startswith(PREFIX):
                return await control(cloud, request, process)
            return await cloud.call(request)

    server = await front.serve(Door(), listener=listener)
    try:
        write_note(data, Running(os.getpid(), url, str(data)))
        _announce(options, url)
        await stopping.wait()
    finally:
        await server.stop()
        world.close()
        remove_note(data)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises CliError when the port is taken or the address is not this
    machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1" if host == "localhost" else host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise CliError(
            f"Port {port} of {host} cannot be listened on: {os.strerror(error.errno or 0)}",
            "`mesocosm status` tells whether a cloud runs there; `mesocosm down` stops it; "
            "`mesocosm up --port 0` takes a free port",
            code="PortInUse",
        ) from error
    listener.setblocking(False)
    return listener


def _prepare(data: Path) -> None:
    if note := read_note(data):
        raise CliError(
            f"A cloud already runs on {data}, at {note.url}",
            "`mesocosm down` stops it; --data names another directory",
            code="DataInUse",
        )
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        (data / f"{NOTE}.new").touch()
    except OSError as error:
        raise CliError(
            f"{data} cannot hold the cloud's data: {error.strerror}",
            "Name another directory with --data, or keep nothing with --ephemeral",
        ) from error


def _url(host: str, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)
    return f"http://{name}:{port}"


def _announce(options: Options, url: str) -> None:
    took = age()
    kept = "nothing is kept" if options.data is None else f"data in {options.data}"
    if options.as_json:
        told = {"url": url, "pid": os.getpid(), "seconds": took, "version": __version__}
        print(json.dumps(told | {"data": options.data and str(options.data)}), flush=True)
    else:
        print(ready(url, took, kept), flush=True)


def ready(url: str, took: float | None, kept: str) -> str:
    """The one line a start prints."""
    since = "" if took is None else f" in {took:.2f} s"
    return f"Mesocosm {__version__} ready at {url}{since}; {kept}"


def age() -> float | None:
    """Seconds since the kernel made this process, the interpreter's own start included; None
    without /proc.
    """
    try:
        up = float(Path("/proc/uptime").read_text().split()[0])
        stat = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        return max(0.0, round(up - int(stat[19]) / os.sysconf("SC_CLK_TCK"), 2))
    except (OSError, ValueError, IndexError):
        return None


def detached(options: Options) -> None:
    """Start a process of its own that runs the cloud; return when it is ready, or say why it is
    not.
    """
    if options.data is None:
        log = Path(tempfile.gettempdir()) / f"mesocosm-{options.port}.log"
    else:
        _prepare(options.data)
        log = options.data / "server.log"
    with log.open("ab") as errors:
        start = errors.tell()
        child = subprocess.Popen(
            [sys.executable, "-m", "mesocosm", "up", *options.arguments()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    assert child.stdout is not None
    with child.stdout:
        line = child.stdout.readline()
    if not line:
        child.wait()
        with log.open("rb") as written:
            written.seek(start)
            said = written.read().decode(errors="replace").strip()
        raise _failed(said, log)
    told = json.loads(line)
    if options.as_json:
        print(json.dumps(told))
    else:
        kept = "nothing is kept" if told["data"] is None else f"data in {told['data']}"
        print(ready(told["url"], told["seconds"], kept))


def _failed(said: str, log: Path) -> CliError:
    try:
        told = json.loads(said.splitlines()[-1])
        return CliError(told["message"], told["next"], code=told["error"])
    except (ValueError, IndexError, KeyError, TypeError):
        return CliError("The cloud did not start", f"{log} says:\n{said[-2000:]}")


def interrupt(pid: int) -> None:
    """Ask a server process to end."""
    os.kill(pid, signal.SIGTERM)


def wait_for_end(pid: int) -> None:
    """Return when that process has ended. Raises CliError when it does not within a minute."""
    try:
        handle = os.pidfd_open(pid)
    except (AttributeError, OSError):
        return
    try:
        waiting = select.poll()
        waiting.register(handle, select.POLLIN)
        if not waiting.poll(END_SECONDS * 1000):
            raise CliError(
                f"The cloud (process {pid}) is still ending after {END_SECONDS} s",
                f"It may be writing a lot; `kill -9 {pid}` ends it, and no answer is lost",
            )
    finally:
        os.close(handle)
