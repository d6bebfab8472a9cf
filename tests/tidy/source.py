"""The project's own files, read once, as text and as syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "mesocosm"
CODE = ("src", "tests", "tools", "bench", "labs")
TEXT_SUFFIXES = (".py", ".pyi", ".md", ".toml", ".yaml", ".yml", ".sh", ".tf", ".cfg")
SKIPPED = ("__pycache__", ".egg-info", ".terraform", "node_modules")


class Source(NamedTuple):
    """One Python file: its path from the root, its dotted name, its text and its tree."""

    path: str
    module: str
    text: str
    tree: ast.Module

    @property
    def generated(self) -> bool:
        """Whether its first lines say that a tool wrote it."""
        return "generated" in self.text[:300].lower()


def parse(path: str, text: str) -> Source:
    """A file's text as a Source (also used for the samples that prove a rule)."""
    parts = Path(path.removeprefix("src/")).with_suffix("").parts
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Source(path, module, text, ast.parse(text, path))


@cache
def python_files() -> tuple[Source, ...]:
    """Every Python file of the project."""
    found = []
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not any(part in name for part in SKIPPED):
                found.append(parse(name, path.read_text(encoding="utf-8")))
    return tuple(found)


def package_files() -> list[Source]:
    """The files of the package itself."""
    return [source for source in python_files() if source.path.startswith("src/")]


@cache
def text_files() -> tuple[tuple[str, str], ...]:
    """(path, text) of every text file a person wrote: code, pages, settings."""
    paths = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in (*CODE, "docs", ".ci"):
        paths += (ROOT / folder).rglob("*")
    found = []
    for path in sorted(paths):
        name = path.relative_to(ROOT).as_posix()
        wanted = path.suffix in TEXT_SUFFIXES or name in ("Makefile", ".ci/run", ".gitignore")
        if wanted and path.is_file() and not any(part in name for part in SKIPPED):
            found.append((name, path.read_text(encoding="utf-8")))
    return tuple(found)


@cache
def nodes(source: Source) -> tuple[ast.AST, ...]:
    """Every node of a file's tree."""
    return tuple(ast.walk(source.tree))


@cache
def imports(source: Source) -> list[tuple[int, str]]:
    """(line, dotted name) of everything imported; `from a import b` gives `a.b`, relative ones
    resolved.
    """
    found = []
    package = source.module.split(".")
    if not source.path.endswith("/__init__.py"):
        package = package[:-1]
    for node in nodes(source):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package[: len(package) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            found += [(node.lineno, f"{base}.{alias.name}") for alias in node.names]
    return found


def expect_none(sentences: Sequence[str]) -> None:
    """Fail with the sentences, one a line, and nothing around them."""
    if sentences:
        pytest.fail("\n" + "\n".join(sentences), pytrace=False)
