"""The hot modules as machine code, where `tools/compile.py` has compiled the sources as they are.

The compiled modules lie in a folder of their own, with the digest of every source that was looked
at to make them. All of these are read again at each start, which takes a few milliseconds: when one
has changed, or is gone, everything runs from the sources, as it does where nothing was compiled.
So what is compiled can be slower or faster than the sources, but never older.
"""

from __future__ import annotations

import os
import sys
from hashlib import blake2b
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import spec_from_file_location
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType

SWITCH = "MESOCOSM_PURE"
"""Set in the environment: run from the sources."""
PACKAGE = os.path.dirname(__file__)
SUFFIX = EXTENSION_SUFFIXES[0]
"""Which interpreter the modules are for, such as `.cpython-311-x86_64-linux-gnu.so`."""
FOLDER = os.path.join(PACKAGE, "__pycache__", f"compiled{SUFFIX.removesuffix('.so')}")
SOURCES = "sources"
"""The file beside the modules: the digest, then the sources, one a line."""

state = "nothing is compiled"
"""What runs, in words."""


def digest(sources: Iterable[str]) -> str:
    """Of the contents of sources (paths relative to the package)."""
    seen = blake2b(digest_size=20)
    for name in sources:
        seen.update(name.encode())
        with open(os.path.join(PACKAGE, name), "rb", buffering=0) as file:
            content = file.read()
        seen.update(b"\0%d\0" % len(content))
        seen.update(content)
    return seen.hexdigest()


def current() -> bool:
    """Whether there are compiled modules, made from the sources as they are now."""
    global state
    try:
        with open(os.path.join(FOLDER, SOURCES), encoding="utf-8") as file:
            known, *sources = file.read().split("\n")
    except OSError:
        return False
    try:
        same = digest(sources) == known
    except OSError:
        same = False
    state = "compiled" if same else "the sources have changed since they were compiled"
    return same


class Finder:
    """Finds the compiled modules before the import system looks for the sources."""

    def __init__(self) -> None:
        self._start = len(FOLDER) + 1
        self.modules = {
            name.removesuffix(SUFFIX): os.path.join(FOLDER, name)
            for name in os.listdir(FOLDER)
            if name.endswith(SUFFIX)
        }

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        file = self.modules.get(name)
        return None if file is None else spec_from_file_location(name, file)


def install() -> None:
    """Import the compiled modules from now on, if they are current."""
    global state
    if os.environ.get(SWITCH):
        state = f"{SWITCH} is set"
    elif current():
        sys.meta_path.insert(0, Finder())
