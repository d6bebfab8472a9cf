"""`make bench`: every figure that has a goal, measured in one interleaved run.

    python -m bench [--rounds N] [--seconds S] [--write]

Server and load generator each have a processor of their own where there are two. The servers take
turns within every round, so that whatever else the machine does meets all of them; a figure is the
median of its rounds. CPU is that of the server's processes, from /proc.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from bench import authorise, common, world
from bench.calls import CALLS, FOUNDATION, Caller, answered
from bench.targets import HERE, PACKAGES, Server, version

NAMES = ("Mesocosm", "MiniStack", "moto", "echo")
ROWS = 100_000
CONNECTIONS = 8
START_SECONDS = 60.0
Figures = dict[tuple[str, str], float]


class Line(NamedTuple):
    """One line of the table. `met` is None where there is no goal."""

    what: str
    unit: str
    values: tuple[float | None, ...]
    goal: str = ""
    met: bool | None = None


def processors() -> tuple[int | None, int | None]:
    """One for the server and one for the load, or none where they cannot be chosen."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    found = sorted(os.sched_getaffinity(0))
    return (found[0], found[-1]) if len(found) > 1 else (None, None)


def starts(rounds: int, cpu: int | None) -> Figures:
    """Seconds to the first answered call, and megabytes when idle after it."""
    seen: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(rounds):
        for name in NAMES:
            server = Server(name, cpu)
            try:
                answered(server.port, server.began + START_SECONDS)
                seen[name, "start"].append(time.perf_counter() - server.began)
                time.sleep(0.5)
                seen[name, "memory"].append(server.memory())
            finally:
                server.stop()
    return {key: statistics.median(values) for key, values in seen.items()}


def calls(rounds: int, seconds: float) -> Figures:
    """CPU a request (µs) and requests a second, by server and call."""
    seen: dict[tuple[str, str], list[float]] = defaultdict(list)
    cpu, other = processors()
    servers: dict[str, Server] = {}
    callers: dict[str, Caller] = {}
    try:
        for name in NAMES:
            server = servers[name] = Server(name, cpu)
            answered(server.port, server.began + START_SECONDS)
            callers[name] = Caller(server)
        for number in range(rounds + 1):
            for call in CALLS:
                for name, server in servers.items():
                    if name == "echo" and call not in FOUNDATION:
                        continue
                    length = seconds if number else min(seconds, 0.5)  # the first warms up
                    request = callers[name].request(call)
                    spent, rate = server.load(request, CONNECTIONS, length, other)
                    if number:
                        seen[name, f"{call} cpu"].append(spent)
                        seen[name, f"{call} rate"].append(rate)
            print(f"round {number} of {rounds}", file=sys.stderr)
        seen.update(million(servers, callers))
    finally:
        for server in servers.values():
            server.stop()
    return {key: statistics.median(values) for key, values in seen.items()}


def million(
    servers: dict[str, Server], callers: dict[str, Caller]
) -> dict[tuple[str, str], list[float]]:
    """CPU (µs) of one search among a million log events, by server."""
    seen: dict[tuple[str, str], list[float]] = defaultdict(list)
    for name, caller in callers.items():
        if name == "echo":
            continue
        print(f"A million log events into {name}", file=sys.stderr)
        common.fill(caller.session)
        for _ in range(3):
            spent = common.filtered(caller.session, servers[name].cpu)
            seen[name, f"{common.FILTER} cpu"].append(spent * 1e6)
    return seen


def table(found: Figures, warm: float, moments: dict[str, float]) -> list[Line]:
    """Every figure beside its goal."""
    lines = []
    for call in FOUNDATION:
        cpu = tuple(found[name, f"{call} cpu"] for name in NAMES)
        met = cpu[0] <= cpu[1] / 5 and cpu[0] <= cpu[2] / 15
        goal = "≤ 1/5 of MiniStack, 1/15 of moto"
        lines.append(Line(call, "µs CPU a request", cpu, goal, met))
        rate = tuple(found[name, f"{call} rate"] for name in NAMES)
        share = rate[0] / rate[3]
        lines.append(Line(call, "requests/s", rate, f"≥ 40 % of echo: {share:.0%}", share >= 0.4))
    for call in (*common.CALLS, common.FILTER):
        least = tuple(found[name, f"{call} cpu"] for name in NAMES[:3])
        met = least[0] <= least[1] / 4
        lines.append(Line(call, "µs CPU a request", (*least, None), "≤ 1/4 of MiniStack", met))
    stored = tuple(
        found[name, f"{common.PUT_EVENTS} rate"] * common.EVENTS_MEASURED for name in NAMES[:3]
    )
    lines.append(
        Line("log events stored", "events/s", (*stored, None), "≥ 200,000", stored[0] >= 200_000)
    )
    start = tuple(found[name, "start"] for name in NAMES)
    lines.append(Line("start to first answer", "s", start, "≤ 0.5 s", start[0] <= 0.5))
    memory = tuple(found[name, "memory"] for name in NAMES)
    lines.append(Line("idle memory", "MB", memory, "≤ 80 MB", memory[0] <= 80))
    only = (None, None, None)
    for what, value, unit, most in (
        ("warm authorisation", warm, "µs", 25),
        (f"snapshot of {ROWS:,} rows", moments["snapshot"], "ms", 10),
        (f"fork of {ROWS:,} rows", moments["fork of the present"], "ms", 50),
    ):
        lines.append(Line(what, unit, (value, *only), f"≤ {most} {unit}", value <= most))
    return lines


def shown(value: float | None) -> str:
    """A figure with three digits."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def markdown(lines: list[Line]) -> str:
    """The table as text that is also Markdown."""
    cells = [["", "unit", *NAMES, "goal", "met"], ["---", "---", *["---:"] * 4, "---", "---"]]
    for line in lines:
        met = {True: "yes", False: "no", None: ""}[line.met]
        cells.append([line.what, line.unit, *map(shown, line.values), line.goal, met])
    widths = [max(len(row[at]) for row in cells) for at in range(len(cells[0]))]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    )


def machine() -> str:
    """What it ran on."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{os.cpu_count()} processors ({model}), Python {platform.python_version()}"


PAGE = """# Benchmarks

Measured by `make bench` on {date}: {machine}; load average before it {load:.1f}. {versions}.

{table}

- One run, loopback, {connections} connections, each sending its next request once it has its
  answer; the servers take turns within each of {rounds} rounds of {seconds:g} s, and a figure is
  the median. Server and load generator are pinned to a processor each.
- Every server gets the same requests with the headers boto3 sends (without `Expect`), signed.
  Mesocosm verifies the signature, evaluates the policy of a role (20 statements), and answers when
  the call's record is in its journal. The others run as they are installed. `echo` is uvicorn with
  uvloop and httptools in one process, sending the body back: the limit of what a server written in
  Python can reach.
- CPU is user and system time of the server's processes. Idle memory is what is resident after the
  first answer.
- The figures depend on the machine and on what else it does; what counts is the ratio.
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--write", action="store_true", help="write docs/BENCHMARKS.md")
    given = parser.parse_args()
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES if name != "echo")
    load = os.getloadavg()[0]
    found = starts(given.rounds, processors()[0]) | calls(given.rounds, given.seconds)
    warm = max(authorise.figures().values())
    moments = {label: value for label, value, _ in world.figures(ROWS)}
    text = markdown(table(found, warm, moments))
    print(text)
    if given.write:
        page = PAGE.format(
            date=datetime.datetime.now(datetime.UTC).date(),
            machine=machine(),
            load=load,
            versions=versions,
            table=text,
            connections=CONNECTIONS,
            rounds=given.rounds,
            seconds=given.seconds,
        )
        (HERE / "docs" / "BENCHMARKS.md").write_text(page)
