"""What this machine offers: every line is measured by trying, never assumed."""

from __future__ import annotations

import json
import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mesocosm import compiled

PROBE_SECONDS = 20
NETLINK_NETFILTER = 12
FREE_BYTES_MIN = 2 * 10**9


class Fact(NamedTuple):
    """One thing looked for; `hint` says how to get it."""

    name: str
    found: bool
    detail: str
    hint: str = ""


def examine(data: Path) -> Iterator[Fact]:
    """Every fact, in the order of use; `data` is a directory on the data's file system."""
    version = platform.python_version()
    yield Fact("python", sys.version_info >= (3, 11), f"{version} at {sys.executable}")
    yield Fact("system", True, f"{platform.system()} {platform.release()} {platform.machine()}")
    yield Fact(
        "compiled", compiled.state == "compiled", compiled.state, "make compile, in a checkout"
    )
    yield _memory()
    yield _disk(data)
    yield _namespaces()
    yield _nftables()
    yield _netlink()
    yield _cgroups()
    yield from _docker()
    yield _program("terraform", ["version"], "https://developer.hashicorp.com/terraform/install")
    yield _program("aws", ["--version"], "pip install awscli")


def _try(command: list[str]) -> tuple[bool, str]:
    """Run a short command: whether it succeeded, and the first line it printed."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except FileNotFoundError:
        return False, f"{command[0]} is not installed"
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, str(error)
    printed = (done.stdout.strip() or done.stderr.strip()).splitlines()
    return done.returncode == 0, printed[0] if printed else f"exit status {done.returncode}"


def _program(name: str, arguments: list[str], hint: str) -> Fact:
    path = shutil.which(name)
    if path is None:
        return Fact(name, False, "not on PATH", hint)
    found, line = _try([path, *arguments])
    return Fact(name, found, f"{line} at {path}", hint)


def _memory() -> Fact:
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return Fact(
        "processors", True, f"{os.cpu_count()} CPUs, {pages * page / 2**30:.1f} GiB of memory"
    )


def _disk(data: Path) -> Fact:
    free = shutil.disk_usage(data).free
    writable = os.access(data, os.W_OK)
    detail = f"{free / 10**9:.1f} GB free at {data}" + ("" if writable else ", not writable")
    return Fact("disk", writable and free >= FREE_BYTES_MIN, detail, "2 GB free, or --data DIR")


def _namespaces() -> Fact:
    found, line = _try(["unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "true"])
    detail = "a user, network and process namespace was made" if found else line
    return Fact(
        "user namespaces", found, detail, "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    )


def _nftables() -> Fact:
    if shutil.which("nft") is None:
        return Fact("nftables", False, "nft is not on PATH", "apt-get install nftables")
    inside = ["unshare", "--user", "--map-root-user", "--net"]
    found, line = _try([*inside, "nft", "add", "table", "inet", "mesocosm"])
    detail = "a table was made in a new network namespace" if found else line
    return Fact("nftables", found, detail, "modprobe nf_tables")


def _netlink() -> Fact:
    family = getattr(socket, "AF_NETLINK", None)
    if family is None:
        return Fact("netlink", False, "this system has no netlink", "Linux")
    try:
        socket.socket(family, socket.SOCK_RAW, NETLINK_NETFILTER).close()
    except OSError as error:
        return Fact(
            "netlink", False, f"netfilter's socket does not open: {error}", "modprobe nfnetlink"
        )
    return Fact("netlink", True, "netfilter's socket opens")


def _cgroups() -> Fact:
    root = Path("/sys/fs/cgroup")
    controllers = root / "cgroup.controllers"
    if not controllers.exists():
        return Fact("cgroups", False, "no unified hierarchy (v2)", "boot with cgroup v2")
    try:
        own = Path("/proc/self/cgroup").read_text().rpartition("::")[2].strip()
        named = controllers.read_text().strip()
    except OSError as error:
        return Fact("cgroups", False, str(error))
    writable = os.access(root / own.lstrip("/"), os.W_OK)
    detail = f"v2 ({named or 'no controllers'}), own group {'' if writable else 'not '}writable"
    return Fact("cgroups", writable, detail, "systemd-run --user --scope -p Delegate=yes")


def _docker() -> Iterator[Fact]:
    path = shutil.which("docker")
    hint = "https://docs.docker.com/engine/install/"
    if path is None:
        yield Fact("docker client", False, "not on PATH", hint)
        return
    _, line = _try([path, "version", "--format", "{{json .Client.Version}}"])
    yield Fact("docker client", True, f"{_unquote(line)} at {path}", hint)
    found, line = _try([path, "version", "--format", "{{json .Server.Version}}"])
    yield Fact("docker engine", found, _unquote(line), "start the Docker service")


def _unquote(line: str) -> str:
    try:
        return str(json.loads(line))
    except ValueError:
        return line
