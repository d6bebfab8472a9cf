"""What the pages name exists: modules and what is in them, files, attributes, figures, links."""

from __future__ import annotations

import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mesocosm import wire
from mesocosm.call.call import Call
from mesocosm.call.cloud import Cloud, Settings
from mesocosm.cli.coverage import covered
from mesocosm.iam import ANONYMOUS, Decision
from mesocosm.services import catalogue
from mesocosm.world import World
from tests.docs.pages import PAGES, ROOT, blocks, name

DOTTED = re.compile(r"(?<![\w/.-])mesocosm((?:\.[A-Za-z_]\w*)+)")
FILE = re.compile(
    r"`((?:[\w-]+/)+[\w-]+\.pyi?|(?:cli|call|iam|wire|world|engines|testing|tests/\w+|docs)/)`"
)
ATTRIBUTE = re.compile(r"(?<![\w./@-])(world|call|cloud|wire|decision)\.([a-z_]\w*)")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
FIXTURE = "docs/testing.md"
"""Where `mesocosm` is the fixture; tests/testing runs its examples."""
TABLES = {"call.documents"}
ARCHITECTURE = ROOT / "docs" / "ARCHITECTURE.md"


def pairs(pattern: re.Pattern[str]) -> Iterator[tuple[str, re.Match[str]]]:
    for page in PAGES:
        for match in pattern.finditer(page.read_text(encoding="utf-8")):
            yield name(page), match


def exists(dotted: str) -> bool:
    """Whether a name is a module, or something in one."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def test_modules_exist() -> None:
    named = {f"mesocosm{match.group(1)}" for page, match in pairs(DOTTED) if page != FIXTURE}
    assert named
    assert [one for one in sorted(named) if not exists(one)] == []
    assert not exists("mesocosm.call.nothing")


def test_files_exist() -> None:
    missing = [
        f"{page}: {match.group(1)}"
        for page, match in pairs(FILE)
        if not any(
            (base / match.group(1)).exists()
            for base in (
                ROOT,
                ROOT / "src/mesocosm",
                ROOT / "tests",
                ROOT / "src/mesocosm/services",
            )
        )
    ]
    assert missing == []


def test_what_the_architecture_says_of_world_call_and_wire_exists(tmp_path: Path) -> None:
    world = World.open(tmp_path)
    cloud = Cloud(world, catalogue(), Settings())
    sqs = cloud.wake("sqs")
    assert sqs is not None
    call = Call(cloud, sqs, None, ANONYMOUS, "000000000000", "us-east-1", "id")
    things = {"world": world, "call": call, "cloud": cloud, "wire": wire, "decision": Decision}
    modules = {"call": "mesocosm.call", "world": "mesocosm.world", "wire": "mesocosm.wire"}
    missing = set()
    for match in ATTRIBUTE.finditer(ARCHITECTURE.read_text(encoding="utf-8")):
        thing, attribute = match.groups()
        declared = getattr(things[thing], "__annotations__", {})
        known = (
            hasattr(things[thing], attribute)
            or attribute in declared
            or (thing in modules and exists(f"{modules[thing]}.{attribute}"))
        )
        if not known and match.group() not in TABLES:
            missing.add(match.group())
    world.close()
    assert missing == set()


def test_links_lead_somewhere() -> None:
    broken = [
        f"{page}: {match.group(1)}"
        for page, match in pairs(LINK)
        if not (ROOT / Path(page).parent / match.group(1)).exists()
    ]
    assert broken == []


def test_the_figures_of_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\w-]+) \| (\d+) \| (\d+) \|", text, re.MULTILINE)
    told = {service: (int(here), int(of)) for service, here, of in rows}
    assert told == {
        row.service: (len(row.implemented), len(row.implemented) + len(row.missing))
        for row in covered(catalogue())
    }


@pytest.mark.parametrize("kind", ["dependencies", "clients", "compiled", "dev"])
def test_every_dependency_has_a_row(kind: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = (
        project["dependencies"]
        if kind == "dependencies"
        else project["optional-dependencies"][kind]
    )
    text = (ROOT / "docs" / "DEPENDENCIES.md").read_text(encoding="utf-8")
    rows = {
        package.strip()
        for row in re.findall(r"^\| ([\w, -]+) \|", text, re.MULTILINE)
        for package in row.split(",")
    }
    packages = {re.split(r"[>=<\[]", one)[0] for one in wanted} - {"mesocosm"}
    assert packages - rows == set()


def test_a_row_for_nothing_is_noticed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = (ROOT / "docs" / "DEPENDENCIES.md").read_text(encoding="utf-8")
    to_run = text.partition("## To run")[2].partition("\n## ")[0]
    rows = set(re.findall(r"^\| ([\w-]+) \|", to_run, re.MULTILINE)) - {"package"}
    assert rows == {re.split(r"[>=<\[]", one)[0] for one in project["dependencies"]}


def test_the_example_of_an_operation_is_the_code() -> None:
    row, function, _ = blocks(ROOT / "docs" / "adding-an-operation.md", "python")
    service = ROOT / "src/mesocosm/services/sqs"
    for block, path in ((row, "resources.py"), (function, "operations/queues.py")):
        code = (service / path).read_text(encoding="utf-8").splitlines()
        assert [line for line in block.splitlines() if line and line not in code] == []
