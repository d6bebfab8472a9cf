"""Every module is used, and every service has the same rooms."""

from __future__ import annotations

from tests.tidy.source import PACKAGE, expect_none, imports, package_files

ENTRIES = {
    "mesocosm.__main__": "python -m mesocosm",
    "mesocosm.testing.plugin": "the pytest plugin, named in pyproject.toml",
}
ROOMS = {"__init__", "resources", "operations", "rules", "control", "engine"}


def test_no_module_is_dead() -> None:
    sources = package_files()
    reached = set(ENTRIES)
    for source in sources:
        own = source.module
        for _, name in imports(source):
            parts = name.split(".")
            for count in range(1, len(parts) + 1):
                target = ".".join(parts[:count])
                if target != own:
                    reached.add(target)
    dead = [
        f"{source.path} is imported by nothing in src/: use it or delete it"
        for source in sources
        if not source.path.endswith("__init__.py") and source.module not in reached
    ]
    expect_none(dead)


def test_every_service_has_the_five_rooms_only() -> None:
    strangers = []
    for package in sorted((PACKAGE / "services").iterdir()):
        if not package.is_dir() or package.name == "__pycache__":
            continue
        for entry in sorted(package.iterdir()):
            room = entry.name.removesuffix(".py")
            is_code = entry.suffix == ".py" or (entry.is_dir() and any(entry.rglob("*.py")))
            if is_code and room not in ROOMS:
                strangers.append(
                    f"services/{package.name}/{entry.name} is none of the rooms resources,"
                    " operations, rules, control, engine: move it into one (a room may be a folder)"
                )
    expect_none(strangers)
