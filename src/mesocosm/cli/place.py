"""Where a cloud keeps its data, and how the other commands find the one that runs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

DEFAULT_PORT = 4566
DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"
NOTE = "server.json"


class Running(NamedTuple):
    """The note a running server leaves in its data directory."""

    pid: int
    url: str
    data: str


def data_directory(given: Path | None = None) -> Path:
    """As given, MESOCOSM_DATA, or `mesocosm` in the user's data folder (XDG)."""
    if given is not None:
        return given.expanduser().absolute()
    if named := os.environ.get("MESOCOSM_DATA"):
        return Path(named).expanduser().absolute()
    home = os.environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "mesocosm"


def write_note(data: Path, running: Running) -> None:
    """Leave the note; the file is replaced whole, so a reader never sees half of it."""
    fresh = data / f"{NOTE}.new"
    fresh.write_text(json.dumps(running._asdict()))
    fresh.replace(data / NOTE)


def remove_note(data: Path) -> None:
    """Take the note away if it is this process's."""
    if (found := read_note(data)) and found.pid == os.getpid():
        (data / NOTE).unlink(missing_ok=True)


def read_note(data: Path) -> Running | None:
    """The note of the server that runs on this data; None when none does (a stale note counts as
    none).
    """
    try:
        fields = json.loads((data / NOTE).read_text())
        note = Running(int(fields["pid"]), str(fields["url"]), str(fields["data"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return note if is_ours(note.pid) else None


def is_ours(pid: int) -> bool:
    """Whether a process of that id is alive and is Mesocosm (ids are used again by others)."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return False
    except (OSError, OverflowError):
        return False
    try:
        return b"mesocosm" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return not Path("/proc/self").exists()


def find_url(
    port: int | None, data: Path | None = None, environ: Mapping[str, str] = os.environ
) -> str:
    """Where the running cloud answers: --port, --data, MESOCOSM_URL, the default data directory's
    note, the default.
    """
    if port is not None:
        return f"http://127.0.0.1:{port}"
    if data is None and (named := environ.get("MESOCOSM_URL")):
        return named.rstrip("/")
    note = read_note(data_directory(data))
    return note.url if note else DEFAULT_URL
