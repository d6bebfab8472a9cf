"""What mypyc gets wrong, or cannot take, does not stand in the modules it compiles.

Each rule has cost us a wrong value or a crash (mypyc 2.4), silently: the compiler says nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.tidy.source import PACKAGE, Source, expect_none, package_files, parse
from tools.compile import modules, sources

from mesocosm import compiled

HOT = [source for source in package_files() if source.module in modules()]
STRUCTS = {"Struct", "msgspec.Struct"}


def decorators(node: ast.FunctionDef) -> set[str]:
    return {ast.unparse(one).rpartition(".")[2] for one in node.decorator_list}


def handles(source: Source) -> set[str]:
    """The properties of a module that give something to call."""
    return {
        node.name
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef) and "property" in decorators(node)
        if node.returns is None or {"Callable", "Any"} & set(ast.unparse(node.returns).split("["))
    }


def problems(source: Source, called: set[str]) -> Iterator[str]:
    for node in ast.walk(source.tree):
        where = f"{source.path}:{getattr(node, 'lineno', 0)}"
        match node:
            case ast.AsyncFunctionDef() | ast.Await() | ast.Yield() | ast.YieldFrom():
                yield f"{where}: coroutines and generators may free what is still used"
            case ast.ClassDef() if STRUCTS & {ast.unparse(base) for base in node.bases}:
                yield f"{where}: a Struct would lose its settings (frozen, array_like)"
            case ast.ClassDef() if any(
                isinstance(line, ast.Assign)
                and isinstance(line.value, ast.Name | ast.Attribute)
                and not ast.unparse(line.value).isupper()
                for line in node.body
            ):
                yield f"{where}: a second name in a class body breaks its constructor"
            case ast.FunctionDef() if "cached_property" in decorators(node):
                yield f"{where}: a cached_property is worked out each time"
            case ast.FunctionDef(name="__init__") if "overload" in decorators(node):
                yield f"{where}: an overloaded constructor does not compile"
            case ast.Call(func=ast.Attribute(attr=name)) if name in called:
                yield f"{where}: what a property gives is not called unless it has a name first"


def test_compiled_modules_exist() -> None:
    assert sorted(source.module for source in HOT) == sorted(modules())


def test_compiled_modules_have_nothing_that_mypyc_gets_wrong() -> None:
    called = {name for source in HOT for name in handles(source)}
    expect_none([line for source in HOT for line in problems(source, called)])


@pytest.mark.parametrize(
    "text",
    [
        "async def f(): ...",
        "def f():\n    yield 1",
        "class A(Struct, frozen=True): ...",
        "class A:\n    def f(self): ...\n    g = f",
        "class A:\n    @cached_property\n    def f(self) -> int: ...",
        "class A:\n    @property\n    def f(self) -> Callable[[], int]: ...\n\ndef g(a): a.f()",
        "class A:\n    @overload\n    def __init__(self) -> None: ...",
    ],
)
def test_what_is_wrong_is_found(text: str) -> None:
    source = parse("src/mesocosm/wire/sample.py", text)
    assert list(problems(source, handles(source)))


@pytest.mark.parametrize("change", ["content", "gone", "interpreter"])
def test_compiled_modules_are_never_older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(name)
    folder = tmp_path / "compiled"
    folder.mkdir()
    monkeypatch.setattr(compiled, "PACKAGE", str(tmp_path))
    monkeypatch.setattr(compiled, "FOLDER", str(folder))
    monkeypatch.setattr(compiled, "state", "")
    names = ["a.py", "b.py"]
    (folder / compiled.SOURCES).write_text("\n".join([compiled.digest(names), *names]))
    assert compiled.current()
    if change == "content":
        (tmp_path / "b.py").write_text("b.pz")
    elif change == "gone":
        (tmp_path / "b.py").unlink()
    else:
        monkeypatch.setattr(compiled, "FOLDER", str(tmp_path / "another"))
    assert not compiled.current()


def test_every_source_below_a_compiled_module_counts() -> None:
    counted = set(sources())
    for source in HOT:
        assert source.path.removeprefix("src/mesocosm/") in counted
    assert "world/table.py" in counted, "not compiled, but compiled code knows its shape"
    assert all((PACKAGE / name).exists() for name in counted)
