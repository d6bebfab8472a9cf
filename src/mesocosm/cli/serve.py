"""The server process: open the world, assemble the services, listen, end in order."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from mesocosm import __version__
from mesocosm.cli.errors import CliError
from mesocosm.cli.place import NOTE, Running, read_note, remove_note, write_note

if TYPE_CHECKING:
    from mesocosm.world import Moment, World

END_SECONDS = 60
CHECKPOINT_BYTES_MIN, CHECKPOINT_BYTES_MAX = 1 << 16, 1 << 24

HINTS = {
    "DirectoryInUse": "`mesocosm down` stops the cloud that runs there; --data names another one",
    "JournalDamaged": "Nothing was changed. Bring that file back from a copy of the directory",
    "StorageFull": "Free some space on that disk, or name another directory with --data",
}
"""What to do next when the data directory cannot be opened."""


class Options(NamedTuple):
    """How a cloud is started; `data` is None for one that keeps nothing."""

    host: str
    port: int
    data: Path | None
    seed: int | None
    strict: bool
    account: str
    region: str
    branch: str | None
    durability: Literal["process", "power"]
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
        given += [] if self.branch is None else ["--branch", self.branch]
        given += [] if self.seed is None else ["--seed", str(self.seed)]
        return given + (["--strict"] if self.strict else [])


class Serving:
    """One served cloud, as the control API sees it; its forks are served beside it."""

    def __init__(
        self, options: Options, data: Path, world: World, *, is_fork: bool = False
    ) -> None:
        from mesocosm.call.cloud import Settings
        from mesocosm.services import assemble

        self.url = ""
        self._is_fork = is_fork
        self._options = options
        self._data = data
        self._world = world
        self._cloud = assemble(world, Settings(options.account, options.region, options.strict))
        self._stopping = asyncio.Event()
        self._forks: set[asyncio.Task[None]] = set()

    async def serve(self, port: int, ready: Callable[[], None]) -> None:
        """Serve until `stop`. Raises CliError when the port cannot be listened on."""
        from mesocosm.cli.door import Door
        from mesocosm.wire import front

        host, now = self._options.host, self._world.clock.real
        try:
            server = await front.serve(Door(self._cloud, self), host=host, port=port, now=now)
        except OSError as error:
            raise _cannot_listen(host, port, error) from error
        self.url = _url(host, server.port)
        _settle()
        try:
            ready()
            await self._stopping.wait()
        finally:
            for fork in self._forks:
                fork.cancel()
            await asyncio.gather(*self._forks, return_exceptions=True)
            await server.stop()

    def facts(self) -> Mapping[str, Any]:
        """How the cloud was started."""
        return {
            "url": self.url,
            "data": None if self._options.data is None else str(self._data),
            "branch": self._world.branch.name,
            "position": self._world.position,
            "durability": self._options.durability,
            "history": self._options.history,
            "seed": self._options.seed,
        }

    def stop(self) -> bool:
        """Begin an orderly end; whether the process ends with it (a fork's does not)."""
        self._stopping.set()
        return not self._is_fork

    async def fork(self, at: Moment, name: str | None) -> Mapping[str, Any]:
        """Serve a new branch on a free port, until it or this cloud is stopped."""
        fork = Serving(self._options, self._data, self._world.fork(at, name), is_fork=True)
        ready = asyncio.Event()
        task = asyncio.create_task(fork.run(ready))
        self._forks.add(task)
        task.add_done_callback(self._forks.discard)
        await ready.wait()
        return {"name": fork._world.branch.name, "url": fork.url}

    async def run(self, ready: asyncio.Event) -> None:
        """Serve a fork, then close its world."""
        with self._world:
            try:
                await self.serve(0, ready.set)
            finally:
                ready.set()


def run(options: Options) -> None:
    """Run the cloud in this process until SIGINT, SIGTERM or `mesocosm down`."""
    import uvloop

    with ExitStack() as stack:
        if options.data is None:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mesocosm-")))
        else:
            data = options.data
            _prepare(data)
        uvloop.run(_serve(options, data))


async def _serve(options: Options, data: Path) -> None:
    from mesocosm.world import HistoryWindow, World, WorldError

    # A checkpoint is where history can be cut: a small window needs them close together.
    between = max(CHECKPOINT_BYTES_MIN, min(options.history_bytes // 4, CHECKPOINT_BYTES_MAX))
    window = HistoryWindow(options.history_seconds / 3600, options.history_bytes, between)
    try:
        world = World.open(
            data,
            branch=options.branch,
            seed=options.seed,
            durability=options.durability,
            history=window,
        )
    except WorldError as error:
        hint = HINTS.get(type(error).__name__, "")
        raise CliError(str(error), hint, code=type(error).__name__) from error
    except OSError as error:
        raise CliError(f"{data} cannot be read: {error}", code="DataUnreadable") from error
    with world:
        serving = Serving(options, data, world)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, serving.stop)

        def ready() -> None:
            write_note(data, Running(os.getpid(), serving.url, str(data)))
            _announce(options, serving.url)

        try:
            await serving.serve(options.port, ready)
        finally:
            remove_note(data)


def _settle() -> None:
    """Tell the garbage collector what a server is: code and rows that stay, and calls that leave
    no cycles. It need not look through them again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _cannot_listen(host: str, port: int, error: OSError) -> CliError:
    return CliError(
        f"Port {port} of {host} cannot be listened on: {os.strerror(error.errno or 0)}",
        "`mesocosm status` tells whether a cloud runs there; `mesocosm down` stops it; "
        "`mesocosm up --port 0` takes a free port",
        code="PortInUse",
    )


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


def _url(host: str, port: int) -> str:
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
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
