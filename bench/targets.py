"""What is measured: how each server is installed and started, and what it takes of the machine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
PACKAGES = {
    "MiniStack": ["ministack"],
    "moto": ["moto[server]"],
    "echo": ["uvicorn", "uvloop", "httptools"],
}

ERRORS = {"moto": 0.05}
"""The share of answers that may be errors: moto's threads fail at times when one key is put by
several at once."""


def cache() -> Path:
    """Where the other servers are installed, each in an environment of its own."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "mesocosm" / "bench"


def python(name: str) -> Path:
    """The interpreter of a server's environment, which is made when it is missing."""
    directory = cache() / name.lower()
    interpreter, ready = directory / "bin" / "python", directory / ".ready"
    if not ready.exists():
        print(f"Installing {' '.join(PACKAGES[name])} in {directory}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
        install = [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, *PACKAGES[name]], check=True)
        ready.touch()
    return interpreter


def version(name: str) -> str:
    """What was installed."""
    package = PACKAGES[name][0].partition("[")[0]
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.check_output([python(name), "-c", code], text=True).strip()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class Server:
    """A started server. `name` is Mesocosm, MiniStack, moto or echo."""

    def __init__(self, name: str, cpu: int | None) -> None:
        self.name = name
        self.port = free_port()
        self._data = tempfile.TemporaryDirectory(prefix="bench-")
        command, extra = self._command()
        self._log = (Path(self._data.name) / "log").open("wb+")
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=os.environ | extra,
            cwd=HERE,
            start_new_session=True,
            preexec_fn=None if cpu is None else lambda: os.sched_setaffinity(0, {cpu}),
        )

    def _command(self) -> tuple[list[str], dict[str, str]]:
        port, where = str(self.port), self._data.name
        if self.name == "Mesocosm":
            up = ["-m", "mesocosm", "up", "--port", port, "--data", f"{where}/data", "--json"]
            paths = [str(HERE / "src"), os.environ.get("PYTHONPATH", "")]
            path = os.pathsep.join(filter(None, paths))
            # The others were installed, and so compiled: here the first start keeps its bytecode.
            return [sys.executable, *up], {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": ""}
        interpreter = python(self.name)
        if self.name == "MiniStack":
            return [str(interpreter.with_name("ministack"))], {"GATEWAY_PORT": port}
        if self.name == "moto":
            return [str(interpreter.with_name("moto_server")), "-p", port], {}
        options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log"]
        run = [str(interpreter), "-m", "uvicorn", "bench.echo:app", "--port", port, *options]
        return [*run, "--log-level", "warning"], {}

    def log(self) -> str:
        """What the server printed last."""
        self._log.flush()
        return Path(self._log.name).read_text(errors="replace")[-2000:]

    def processes(self) -> list[int]:
        """The server's process and all below it."""
        found = [self.process.pid]
        for pid in found:
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                found += [int(child) for child in task.read_text().split()]
        return found

    def cpu(self) -> float:
        """Seconds of CPU the server has used, its children included."""
        ticks = 0
        for pid in self.processes():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[11:15])
        return ticks / TICKS

    def memory(self) -> float:
        """Megabytes resident now."""
        total = 0
        for pid in self.processes():
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1])
        return total / 1024

    def load(
        self, request: bytes, connections: int, seconds: float, cpu: int | None
    ) -> tuple[float, float]:
        """Microseconds of server CPU a request, and requests a second."""
        arguments = [self.port, connections, seconds, "-" if cpu is None else cpu]
        before = self.cpu()
        told = json.loads(
            subprocess.run(
                [sys.executable, "-m", "bench.load", *map(str, arguments)],
                input=request,
                stdout=subprocess.PIPE,
                check=True,
                cwd=HERE,
            ).stdout
        )
        if told["errors"] > told["answers"] * ERRORS.get(self.name, 0):
            raise RuntimeError(f"{self.name}: {told['problem']}\n{self.log()}")
        used = self.cpu() - before
        return used / told["answers"] * 1e6, told["answers"] / told["seconds"]

    def stop(self) -> None:
        """End the server and remove what it wrote."""
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(10)
        except (subprocess.TimeoutExpired, ProcessLookupError):
            self.process.kill()
            self.process.wait()
        self._log.close()
        self._data.cleanup()
