"""Compile the hot modules to machine code with mypyc.

    python tools/compile.py [--force]

Every call passes through these modules, so they are most of what a call costs. The sources stay
what counts: `mesocosm.compiled` takes the compiled modules only while all sources are as they were.
Without a C compiler, or when anything fails, everything runs from the sources, only slower.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shutil
import sys
import sysconfig
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import PIPE, STDOUT, CalledProcessError, run
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "mesocosm"
WORK = ROOT / "build" / "compile"
sys.path.insert(0, str(PACKAGE.parent))

from mesocosm import compiled  # noqa: E402

HOT = {
    "wire": "canonical checksums claims connection exchange inflow message names rest router "
    "routing sending sigv4 values",
    "call": "call cloud facts gate identity redaction service steps unstored",
    "iam": "callers conditions context evaluate patterns policy",
    "world": "commit transaction world",
    "services/cloudwatch/operations": "data",
    "services/cloudwatch/resources": "writing",
    "services/logs/operations": "measuring writing",
    "services/sns/control": "delivering sending",
    "services/sns/operations": "opened publishing",
    "services/sns/rules": "envelope messages",
    "services/sqs/operations": "messages opened",
    "services/sqs/rules": "messages",
    "services/s3/operations": "reading shared writing",
    "services/s3/resources": "targets versions",
    "services/s3/rules": "attributes checksums requests",
}
"""What is compiled, by folder. tests/tidy/test_compiled.py knows what mypyc cannot take."""

HARMLESS = "Treating generator comprehension as list"
SLOWER = "runs as plain Python: a call costs about half as much again"


def modules() -> list[str]:
    """What is compiled, by dotted names."""
    return [
        f"mesocosm.{folder.replace('/', '.')}.{name}"
        for folder, names in HOT.items()
        for name in names.split()
    ]


def sources() -> list[str]:
    """What the compiler looks at, relative to the package: a change of any of it counts."""
    found = [file for folder in HOT for file in (PACKAGE / folder).rglob("*.py")]
    services = [folder.split("/")[1] for folder in HOT if folder.startswith("services/")]
    found += [PACKAGE / "api" / f"{service}.pyi" for service in services]
    return sorted({file.relative_to(PACKAGE).as_posix() for file in found})


def current() -> bool:
    """Whether all of this has been compiled from the sources as they are."""
    return compiled.current() and {*modules()} <= compiled.Finder().modules.keys()


def lacking() -> str:
    """What is needed to compile and not there."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        return f"no C compiler ({compiler}); apt-get install gcc python3-dev"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return "no Python.h; apt-get install python3-dev"
    try:
        import mypyc.build  # noqa: F401
        import setuptools  # noqa: F401
    except ImportError as error:
        return f"no {error.name}; pip install 'mesocosm[compiled]'"
    return ""


def translate() -> list[Any]:
    """From Python to C: the extensions that are to be built. The first holds all the code."""
    from mypyc.build import mypycify

    told = io.StringIO()
    files = [str(PACKAGE.parent / f"{name.replace('.', '/')}.py") for name in modules()]
    options = [f"--config-file={ROOT / 'pyproject.toml'}", f"--cache-dir={WORK / 'types'}"]
    try:
        with contextlib.redirect_stdout(told):
            extensions: list[Any] = mypycify(
                [*options, "--follow-imports=silent", *files],
                group_name="mesocosm",
                target_dir=str(WORK / "c"),
                multi_file=True,
                opt_level="1",
                debug_level="0",
            )
    except SystemExit:
        raise RuntimeError(told.getvalue()) from None
    for line in told.getvalue().splitlines():
        if "warning" in line and HARMLESS not in line:
            raise RuntimeError(line)  # what is unsupported is compiled nevertheless, and wrong
    return extensions


def build(extensions: list[Any], folder: Path) -> None:
    """From C to modules in a folder, as many compilers at a time as there are processors."""
    from distutils.ccompiler import new_compiler
    from distutils.sysconfig import customize_compiler

    compiler = new_compiler()
    customize_compiler(compiler)
    include = sysconfig.get_path("include")

    def compile_one(job: tuple[Any, str]) -> list[str]:
        extension, source = job
        made: list[str] = compiler.compile(
            [source],
            output_dir=str(WORK),
            include_dirs=[*extension.include_dirs, include],
            extra_postargs=extension.extra_compile_args,
        )
        return made

    jobs = [(extension, source) for extension in extensions for source in extension.sources]
    jobs.sort(key=lambda job: -os.path.getsize(job[1]))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made = pool.map(compile_one, jobs)
        objects = {source: files for (_, source), files in zip(jobs, made, strict=True)}
        for done in pool.map(
            lambda extension: compiler.link_shared_object(
                [file for source in extension.sources for file in objects[source]],
                str(folder / (extension.name + compiled.SUFFIX)),
            ),
            extensions,
        ):
            assert done is None


def try_out(folder: Path) -> None:
    """Import every compiled module in a process of its own; raises when one cannot be."""
    program = (
        "import sys; from mesocosm import compiled; "
        "compiled.FOLDER = sys.argv[1]; sys.meta_path.insert(0, compiled.Finder()); "
        "[__import__(name) for name in sys.argv[2:]]; "
        "assert all(sys.modules[n].__file__.startswith(sys.argv[1]) for n in sys.argv[2:])"
    )
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent), compiled.SWITCH: "1"}
    command = [sys.executable, "-c", program, str(folder), *modules()]
    run(command, env=environment, check=True, stdout=PIPE, stderr=STDOUT, text=True)


def put(folder: Path, place: Path) -> None:
    """Exchange what was compiled before for what is now, so that who starts meanwhile finds one
    of them whole."""
    before = WORK / "before"
    shutil.rmtree(before, ignore_errors=True)
    place.parent.mkdir(exist_ok=True)
    if place.exists():
        place.rename(before)
    folder.rename(place)


def compile_all(folder: Path) -> None:
    """Compile, try out and put in place; raises when any of it fails."""
    names = sources()
    before = compiled.digest(names)  # what changes while it is compiled, counts
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    build(translate(), folder)
    try_out(folder)
    (folder / compiled.SOURCES).write_text("\n".join([before, *names]), encoding="utf-8")
    put(folder, Path(compiled.FOLDER))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--force", action="store_true", help="also when nothing has changed")
    given = parser.parse_args()
    if os.environ.get(compiled.SWITCH) or (current() and not given.force):
        return 0
    failed, digest = WORK / f"failed{compiled.SUFFIX}", compiled.digest(sources())
    lack = lacking()
    if not given.force and failed.exists() and failed.read_text() == digest:
        lack = f"it failed before, see {WORK.relative_to(ROOT)}/log; --force tries again"
    if lack:
        print(f"Not compiled: {lack}. Mesocosm {SLOWER}.")
        return 0
    print("Compiling the hot modules: a minute or two", flush=True)
    start = time.monotonic()
    try:
        compile_all(WORK / "modules")
    except Exception as error:
        told = error.stdout if isinstance(error, CalledProcessError) else str(error)
        print(f"Not compiled: {told[-2000:]}\nMesocosm {SLOWER}.")
        with contextlib.suppress(OSError):
            (WORK / "log").write_text(told)
            failed.write_text(digest)
        return 0
    print(f"Compiled {len(modules())} modules in {time.monotonic() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
